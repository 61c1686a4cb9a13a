"""`train logs`: history through the real pipeline, then over it again and again; a model for a warm start."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from logwatch import __version__
from logwatch.app.history import COMPONENT, Files, drive
from logwatch.app.model_store import lstm_of, packed_weights
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable
from logwatch.errors import DataError
from logwatch.parse.parser import ParseSettings
from logwatch.requests import TrainLogsReport, TrainLogsRequest, Ui
from logwatch.train.bundle import read, write
from logwatch.types import NO_TIME, Int64

if TYPE_CHECKING:
    from logwatch.score.learn_segments import Segments
    from logwatch.score.lstm import LogLstm

HELD_OUT = 0.1
"""Share of the segments, the newest, that only judge."""

MOST = 300_000
"""Segments that are learned from, the newest: 600 bytes each while training."""


class Study:
    """All that the stream offers to learning, as the pipeline admits it: what alerts, or is rare, is no target."""

    def __init__(self, lstm: LogLstm) -> None:
        self._lstm = lstm
        self._parts: list[Segments] = []
        self._said: list[tuple[float, int]] = []  # of each chunk, before it was learned: nats, events
        self.dropped = 0
        lstm.recipe.on_segments = self._add

    def _add(self, segments: Segments) -> None:
        self._parts.append(segments)
        self._said.append(self._lstm.recipe.said)
        while sum(map(len, self._parts)) - len(self._parts[0]) >= MOST:
            self.dropped += len(self._parts.pop(0))
            self._said.pop(0)

    def segments(self) -> Segments:
        """All that are kept, oldest first."""
        if not self._parts:
            raise DataError("nothing to learn from: no line was read", "an empty log, or one of metrics?")
        return np.concatenate(self._parts)

    def cut(self) -> tuple[Int64, Int64, int]:
        """Rows that teach, rows of the newest chunks that only judge, and how many chunks these are.

        The chunk between is neither: runs of lines reach back into it.
        """
        ends = np.cumsum([len(part) for part in self._parts])
        first = max(2, int(np.searchsorted(ends, (1 - HELD_OUT) * ends[-1], side="right")))
        if first >= len(ends):
            raise DataError(f"too little to learn from: {ends[-1]:,} runs of lines", "a few thousand lines are needed")
        return np.arange(ends[first - 2]), np.arange(ends[first - 1], ends[-1]), len(ends) - first

    def online(self, chunks: int) -> float | None:
        """Loss of the newest chunks by one pass that learned as it went."""
        nats, events = np.sum(self._said[-chunks:], axis=0)
        return float(nats / events) if events else None


def train_logs(request: TrainLogsRequest, ui: Ui) -> TrainLogsReport:
    """Train a model on finished files, and write it as a bundle.

    Raises:
        NoInputError: none of the files is there.
        DataError: none can be read, or there is too little to learn from.
        StateNotWritable: the output cannot be written.
    """
    began = time.monotonic()
    config = request.config
    settings = config.settings.model_copy(update={"learning": "online", "model": None})
    files = Files(request.paths, request.source or "{name}", ui)
    table = SourceTable(kind="file", entity=request.entity)
    detectors = detectors_of(replace(config, settings=settings))
    with opened(settings, detectors, None, {COMPONENT: table}, finished=True) as session:
        lstm = lstm_of(session.pipeline)
        if lstm is None:
            raise DataError("nothing learns: the detector lstm is off", "enable it in [detectors.lstm]")
        study = Study(lstm)
        parse = ParseSettings(request.entity or "", lateness=int(settings.lateness * 1e9))
        if drive(session, files.batches(parse), ui):
            raise KeyboardInterrupt
        return _fitted(request, session, lstm, study, began, files.size, ui)


def _fitted(
    request: TrainLogsRequest, session: Session, lstm: LogLstm, study: Study, began: float, size: int, ui: Ui
) -> TrainLogsReport:
    from logwatch.score.model_weights import for_elsewhere
    from logwatch.train.fit import fit

    segments, (lesson, held_out, chunks) = study.segments(), study.cut()
    step = lstm.recipe.step(segments, 0)

    def told(done: int) -> None:
        ui.progress(done * size // request.passes, size, f"pass {done} of at most {request.passes}")

    found = fit(step, lesson, held_out, lstm.here.shape, request.passes, told)
    online = study.online(chunks)
    metrics: dict[str, Any] = {"held_out": found.losses[found.best - 1], "passes": found.best, "online": online}
    facts = _facts(session, segments, metrics)
    data = packed_weights(for_elsewhere(found.flat, lstm.here), session.pipeline.stages.miner, facts)
    write(data, request.out)
    ui.close()
    return TrainLogsReport(
        bundle=read(request.out).id, records=session.pipeline.seen, templates=len(session.pipeline.stages.miner),
        segments=len(segments), dropped=study.dropped, held_out=len(held_out), losses=found.losses, best=found.best,
        online=online, device=found.device, seconds=time.monotonic() - began,
    )  # fmt: skip


def _facts(session: Session, segments: Segments, metrics: dict[str, Any]) -> dict[str, Any]:
    times = segments["last"][segments["last"] != NO_TIME]
    span = (int(times.min()), int(times.max())) if len(times) else (None, None)
    one = {
        "number": 1, "parent": 0, "origin": "trained", "state": "kept", "seed": session.settings.seed,
        "program": __version__, "begin": 0, "end": session.pipeline.seen, "since": span[0], "until": span[1],
    }  # fmt: skip
    return {"lineage": [one], "seed": session.settings.seed, "metrics": metrics}
