"""`demo`: our own recordings through the real pipeline, held against the faults that were really injected."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from logwatch.app.findings import Findings
from logwatch.app.history import COMPONENT
from logwatch.app.recordings import ENTITY, batches, recordings
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable
from logwatch.daemon import on_signals
from logwatch.requests import DemoReport, DemoRequest, Ui
from logwatch.rows import Scored
from logwatch.types import RecordBatch


def demo(request: DemoRequest, ui: Ui) -> DemoReport:
    """Replay the recordings and compare.

    Raises:
        UsageError: a recording is named that does not exist.
    """
    with resources.as_file(resources.files("logwatch") / "demo_data") as folder:
        return replay_labelled(folder, request, ui)


def replay_labelled(folder: Path, request: DemoRequest, ui: Ui) -> DemoReport:
    """Replay folders of logs and metrics with a `labels.csv`: `demo`, and the benchmark of detection on recordings."""
    began = time.monotonic()
    chosen = recordings(folder, request.recordings)
    tables = {name: SourceTable(kind="file", entity=ENTITY.get(name)) for name in chosen}
    settings, detectors = request.config.settings, detectors_of(request.config)

    def on_scored(scored: Scored) -> None:
        findings.scored(scored)

    with opened(settings, detectors, None, tables, finished=True, on_scored=on_scored) as session:
        findings = Findings(chosen.values(), session.pipeline.stages.registry)
        session.pipeline.on_measured = findings.measured
        interrupted = _drive(session, batches(chosen, ui), request.speed, findings, ui)
    ui.close()
    return DemoReport(tuple(findings.of(name) for name in chosen), time.monotonic() - began, interrupted)


def _drive(session: Session, records: Iterator[RecordBatch], speed: float | None, findings: Findings, ui: Ui) -> bool:
    began = time.monotonic()
    stop = threading.Event()
    pipeline = session.pipeline

    def hear() -> None:
        raised = list(pipeline.raised)
        pipeline.raised.clear()
        findings.hear(raised)
        if raised:
            ui.deliver(raised)

    with on_signals(stop.set):
        told = (pipeline.look(batch, COMPONENT) for batch in records)
        for ready in session.ahead.through(COMPONENT, told):
            pipeline.process(ready.records, COMPONENT)
            hear()
            if speed:
                ahead = findings.span / speed - (time.monotonic() - began)
                stop.wait(max(0.0, min(ahead, 1.0)))
            if stop.is_set():
                break
        else:
            pipeline.end()
            hear()
    return stop.is_set()
