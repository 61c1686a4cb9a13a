"""`demo`: our own recordings through the real pipeline, held against the faults that were really injected."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from logwatch.app.findings import Findings
from logwatch.app.history import COMPONENT
from logwatch.app.recordings import ENTITY, batches, recordings
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import RiskTable, SourceTable
from logwatch.daemon import on_signals
from logwatch.plugins.loader import Part, Plugins
from logwatch.requests import DemoReport, DemoRequest, DemoRisk, Fault, RecordingReport, Ui
from logwatch.rows import Scored
from logwatch.sinks.schema import parse_rfc3339
from logwatch.types import MetricWindow, RecordBatch


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

    windows: list[MetricWindow] = []

    def on_window(window: MetricWindow, incident: str) -> None:
        if not incident:
            windows.append(window)

    with opened(settings, detectors, None, tables, finished=True, on_scored=on_scored, on_window=on_window) as session:
        findings = Findings(chosen.values(), session.pipeline.stages.registry)
        session.pipeline.on_measured = findings.measured
        interrupted = _drive(session, batches(chosen, ui), request.speed, findings, ui)
    ui.close()
    reports = tuple(findings.of(name) for name in chosen)
    highest = riskiest(windows, reports)
    return DemoReport(reports, time.monotonic() - began, interrupted, highest)


def riskiest(windows: Iterable[MetricWindow], reports: Iterable[RecordingReport]) -> DemoRisk | None:
    """Of the windows that ended in the time of a fault that was found, the one with the highest risk."""
    faults: dict[str, list[Fault]] = {}
    for report in reports:
        faults[report.name] = [one for one in report.faults if one.alert is not None]
    during = [(one, fault) for one in windows if (fault := _of(faults.get(one.source, ()), one.end)) is not None]
    resolved = Plugins().resolve(Part("risk", "cnn", "cnn", RiskTable()))
    if not during or resolved is None:
        return None
    assessor = resolved.component.build(resolved.config)
    assessed = [(one, assessor.assess(one), fault) for one, fault in during]
    known = [DemoRisk(one, risk, fault) for one, risk, fault in assessed if risk is not None]
    return max(known, key=lambda one: one.risk.probability, default=None)


def _of(faults: Iterable[Fault], end: int) -> Fault | None:
    """The fault in whose time a window ended."""
    return next((one for one in faults if parse_rfc3339(one.start) < end <= parse_rfc3339(one.end)), None)


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
