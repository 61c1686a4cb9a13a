"""`score` and `templates`: finished files through the real pipeline."""

from __future__ import annotations

import contextlib
import glob
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.app.forecasts import ForecastReport
from logwatch.app.names import PipelineNames
from logwatch.app.session import Session, detectors_of, opened
from logwatch.chunks import full_batch
from logwatch.clock import SystemClock
from logwatch.config import SourceTable
from logwatch.daemon import on_signals
from logwatch.errors import DataError, NoInputError, StateFull
from logwatch.metric_rows import Measured, point_rows
from logwatch.parse.parser import LineTimes, ParseSettings
from logwatch.replay import Chunk, Finished, aligned, joined, replay
from logwatch.requests import ScoreRequest, Summary, Ui
from logwatch.rows import RowWriter, Scored, rfc3339
from logwatch.sources.finished import finished_stream, read_finished, size_of
from logwatch.sources.opening import MISSING
from logwatch.telemetry import DEAD_LETTERS, DROPPED_SAMPLES, MARKED_SAMPLES
from logwatch.types import EventBatch, Flag, RecordBatch

COMPONENT = "files"
"""The one source of a replay: all files share its settings."""

COMMIT_EVERY_S = 5.0

UNUSUAL = 1000
"""Series that are told apart in the summary."""

MUCH = 8 << 20
"""Bytes of files that are worth a process of their own that parses them."""

SWEEPS = 50
"""Slices of the state that a run sweeps at its end: a million keys, of which a fifth may go."""


class Files:
    """The finished files of a command line: those that can be read, and how far they have been."""

    def __init__(self, paths: tuple[str, ...], name: str, ui: Ui) -> None:
        self._ui = ui
        self._done: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        taken: set[str] = set()
        there = False
        self.streams = {}
        for path in _expand(paths):
            try:
                self._sizes[path] = size_of(path)
                self.streams[path] = finished_stream(path, name, taken)
            except (DataError, OSError) as error:
                ui.warn(_reason(path, error))
                there |= not _reason(path, error).endswith(MISSING)
        if not self.streams:
            hint = "see the warnings above"
            if there:
                raise DataError("nothing to read: no file that was named can be read", hint)
            raise NoInputError("nothing to read: no file that was named is there", hint)

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(self._sizes.values())

    def chunks(self, path: str) -> Iterator[Chunk]:
        """The file's lines; what makes it unreadable half-way is said, and ends it."""

        def progress(done: int) -> None:
            self._done[path] = done
            self._ui.progress(sum(self._done.values()), sum(self._sizes.values()), Path(path).name)

        try:
            yield from joined(read_finished(path, progress=progress), self.streams[path])
        except (DataError, OSError) as error:
            self._ui.warn(_reason(path, error))

    def batches(self, settings: ParseSettings) -> Iterator[RecordBatch]:
        """All records in one order."""
        clock = SystemClock()
        finished = [
            Finished(stream, self.chunks(path), LineTimes(settings, clock).times)
            for path, stream in self.streams.items()
        ]
        return replay(finished)


def _expand(paths: tuple[str, ...]) -> list[str]:
    """Paths as named; a name that is no file but matches some as a glob stands for those."""
    found: dict[str, None] = {}
    for path in paths:
        matches = [] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
        found.update(dict.fromkeys(matches or [path]))
    return list(found)


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, DataError):
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return f"{path}: {(getattr(error, 'strerror', None) or str(error)).lower()}"


def score(request: ScoreRequest, ui: Ui) -> Summary:
    """Score finished files; alerts go to `ui`, rows to the request's file.

    Raises:
        NoInputError: none of the files is there.
        DataError: none of them can be read.
    """
    table = SourceTable(kind="file", entity=request.entity)
    files = Files(request.paths, request.source or "{name}", ui)
    tally = Tally()
    writer: RowWriter | None = None

    def on_scored(scored: Scored) -> None:
        tally.add(scored.events)
        if writer is not None:
            writer.write(scored)

    def on_measured(measured: Measured) -> None:
        tally.measure(measured)
        if writer is not None:
            writer.append(point_rows(measured, PipelineNames(session.pipeline.stages)))

    settings, detectors = request.config.settings, detectors_of(request.config)
    with opened(settings, detectors, request.state, {COMPONENT: table}, finished=True, on_scored=on_scored) as session:
        if files.size >= MUCH:
            session.ahead.start()  # it comes up while the network is loaded
        session.pipeline.on_measured = on_measured
        stages = session.pipeline.stages
        report = ForecastReport(stages.registry.sources.__getitem__, stages.metrics.series.name)
        if request.forecasts is not None:
            stages.metrics.forecaster.on_forecast = report.add
        if request.rows is not None:
            target = sys.stdout.buffer if request.rows == Path("-") else request.rows
            writer = RowWriter(target, request.rows_format, PipelineNames(session.pipeline.stages))
        try:
            parse = ParseSettings(request.entity or "", lateness=int(settings.lateness * 1e9))
            interrupted = drive(session, files.batches(parse), ui)
        finally:
            if writer is not None:
                writer.close()
        if request.forecasts is not None:
            report.write(request.forecasts)
        ui.close()
        return tally.summary(session, rows=writer.count if writer else 0, interrupted=interrupted)


def drive(session: Session, batches: Iterator[RecordBatch], ui: Ui) -> bool:
    """Everything through the pipeline; True where a signal ended it. What was learned until then is kept.

    A signal is heeded between two batches: a batch that is half done could not be saved.
    """
    pipeline = session.pipeline
    committed = session.clock.monotonic()
    stop = threading.Event()
    with on_signals(stop.set):
        told = (pipeline.look(batch, COMPONENT) for batch in aligned(batches, pipeline.seen, full_batch))
        for ready in session.ahead.through(COMPONENT, told):
            pipeline.process(ready.records, COMPONENT)
            now = session.clock.monotonic()
            if pipeline.raised or now - committed >= COMMIT_EVERY_S:
                committed = now
                _commit(session, ui)
            if stop.is_set():
                break
        else:
            session.before_commit()  # what comes of the end is told, and not saved
            pipeline.end()
        _commit(session, ui)
    _sweep(session)
    return stop.is_set()


def _sweep(session: Session) -> None:
    """Delete cells of keys that are forgotten: the whole state where that is quick, else the next run goes on."""
    with contextlib.suppress(StateFull):  # what was learned is saved; the next run deletes them
        for _ in range(SWEEPS):
            if session.lanes.sweep().whole:
                break


def _commit(session: Session, ui: Ui) -> None:
    session.before_commit()
    raised = list(session.pipeline.raised)
    session.commit()
    if raised:
        ui.deliver(raised)


def _given_up() -> Counter[str]:
    """Records of metrics and samples that were not taken as they came, by reason, since the process began."""
    kinds = (DEAD_LETTERS, "records"), (DROPPED_SAMPLES, "samples"), (MARKED_SAMPLES, "samples")
    return Counter({f"{reason} {what}": int(count) for one, what in kinds for (reason,), count in one.series()})


class Tally:
    """What passed through, for the summary."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.records = self.points = 0
        self._first, self._last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        self._marks: Counter[str] = Counter()
        self._unusual: Counter[tuple[int, str]] = Counter()  # by number of the source and series
        self._before = _given_up()

    def add(self, events: EventBatch) -> None:
        """Count one scored sub-batch."""
        if not self.records:
            self._began = time.monotonic()  # loading the network is no speed of reading
        self.records += len(events)
        known = events.time[(events.flags & (Flag.NO_TIME | Flag.UNTRUSTED_TIME)) == 0]
        if len(known):
            self._first, self._last = min(self._first, int(known.min())), max(self._last, int(known.max()))
        marked = events.flags & ~np.uint8(Flag.ALERTED | Flag.WARMUP)
        if marked.any():
            for flag in (Flag.TRUNCATED, Flag.UNTRUSTED_TIME, Flag.NO_TIME, Flag.INVALID, Flag.GAP):
                self._marks[str(flag.name).lower().replace("_", " ")] += int(np.count_nonzero(marked & flag))

    def measure(self, measured: Measured) -> None:
        """Count judged steps of metrics."""
        if not self.records and not self.points:
            self._began = time.monotonic()
        steps = measured.judging.steps
        self.points += int((steps.end - steps.begin).sum())
        units = measured.judging.units
        self._first, self._last = min(self._first, int(units.last.min())), max(self._last, int(units.last.max()))
        for row in measured.incident:
            one = int(units.source[row]), str(measured.name(int(units.slot[row])))
            if one in self._unusual or len(self._unusual) < UNUSUAL:
                self._unusual[one] += 1

    def summary(self, session: Session, rows: int = 0, interrupted: bool = False) -> Summary:
        """The report of the verb."""
        stages = session.pipeline.stages
        sources = session.sources()
        times = rfc3339(np.array([self._first, self._last])).to_list() if self._first <= self._last else [None, None]
        model: Any = next((d for d in stages.detectors if hasattr(d, "trained_events")), None)
        return Summary(
            records=self.records,
            seconds=time.monotonic() - self._began,
            templates=len(stages.miner),
            incidents=session.lanes.opened.total(),  # gaps of sources without a record are in no row
            sources=tuple(sources),
            set_aside={mark: count for mark, count in (self._marks + (_given_up() - self._before)).items() if count},
            trained=model.trained_events / model.seen_events if model is not None and model.seen_events else None,
            first=times[0],
            last=times[1],
            rows=rows,
            interrupted=interrupted,
            points=self.points,
            series=len(stages.metrics.table),
            unusual=tuple(
                (stages.registry.sources[source], name, steps) for (source, name), steps in self._unusual.most_common()
            ),
        )
