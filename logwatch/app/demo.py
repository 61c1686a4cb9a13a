"""`demo`: our own recordings through the real pipeline, held against the faults that were really injected."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path

import numpy as np

from logwatch.app.history import COMPONENT
from logwatch.app.session import Session, detectors_of, opened
from logwatch.clock import SystemClock
from logwatch.config import SourceTable
from logwatch.daemon import on_signals
from logwatch.errors import NoInputError, UsageError
from logwatch.parse.parser import LineTimes, ParseSettings
from logwatch.replay import Finished, joined, replay
from logwatch.requests import DemoReport, DemoRequest, Fault, RecordingReport, Ui
from logwatch.rows import Scored, rfc3339
from logwatch.sources.finished import finished_stream, read_finished, size_of
from logwatch.types import NO_TIME, Alert, Int64, RecordBatch

ENTITY = {"app": r"request_id=(\w+)"}
"""Recordings whose lines name an entity."""

SLACK_NS = 60 * 10**9
"""An alert may come so long after a fault has ended and still belong to it: windows must close, retries run out."""


@dataclass
class _Label:
    kind: str
    start: int
    end: int
    alert: Alert | None = None  # the first one raised within the fault


@dataclass
class _Recording:
    """One log with its faults."""

    name: str
    path: Path
    labels: list[_Label] = field(default_factory=list)
    records: int = 0
    first: int = NO_TIME
    last: int = NO_TIME


def demo(request: DemoRequest, ui: Ui) -> DemoReport:
    """Replay the recordings and compare.

    Raises:
        UsageError: a recording is named that does not exist.
    """
    with resources.as_file(resources.files("logwatch") / "demo_data") as folder:
        return replay_labelled(folder, request, ui)


def replay_labelled(folder: Path, request: DemoRequest, ui: Ui) -> DemoReport:
    """Replay a folder of logs with a `labels.csv`: `demo`, and the benchmark of detection on recordings."""
    began = time.monotonic()
    chosen = _recordings(folder, request.recordings)
    report = _Findings(chosen)
    tables = {name: SourceTable(kind="file", entity=ENTITY.get(name)) for name in chosen}
    settings, detectors = request.config.settings, detectors_of(request.config)
    with opened(settings, detectors, None, tables, finished=True, on_scored=report.add) as session:
        report.session = session
        interrupted = _drive(session, _batches(chosen, ui), request.speed, report, ui)
    ui.close()
    return DemoReport(tuple(report.of(name) for name in chosen), time.monotonic() - began, interrupted)


def _recordings(folder: Path, names: tuple[str, ...]) -> dict[str, _Recording]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.log.*")):
        found.setdefault(path.name.split(".")[0], path)
    unknown = [name for name in names if name not in found]
    if unknown:
        raise UsageError(f"there is no recording called {unknown[0]}", f"choose from {', '.join(found)}")
    if not found:
        raise NoInputError(f"{folder} holds no recordings")
    chosen = {name: _Recording(name, path) for name, path in found.items() if not names or name in names}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as labels:
        for row in csv.DictReader(labels):
            if row["source"] in chosen:
                label = _Label(row["kind"], _ns(row["start"]), _ns(row["end"]))
                chosen[row["source"]].labels.append(label)
    return chosen


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e9)


def _batches(chosen: dict[str, _Recording], ui: Ui) -> Iterator[RecordBatch]:
    """All logs in one order."""
    done: dict[str, int] = {}
    total = sum(size_of(str(recording.path)) for recording in chosen.values())
    clock = SystemClock()
    finished, taken = [], set[str]()
    for recording in chosen.values():
        path = str(recording.path)

        def progress(size: int, path: str = path) -> None:
            done[path] = size
            ui.progress(sum(done.values()), total, "replaying")

        times = LineTimes(ParseSettings(ENTITY.get(recording.name, "")), clock).times
        stream = finished_stream(path, "{name}", taken)
        finished.append(Finished(stream, joined(read_finished(path, progress=progress), stream), times))
    return replay(finished)


def _drive(session: Session, batches: Iterator[RecordBatch], speed: float | None, report: _Findings, ui: Ui) -> bool:
    began = time.monotonic()
    stop = threading.Event()
    with on_signals(stop.set):
        for ready in session.ahead.through(COMPONENT, batches):
            session.pipeline.process(ready.records, COMPONENT)
            raised = list(session.pipeline.raised)
            session.pipeline.raised.clear()
            report.hear(raised)
            if raised:
                ui.deliver(raised)
            if speed and report.span:
                ahead = report.span / speed - (time.monotonic() - began)
                stop.wait(max(0.0, min(ahead, 1.0)))
            if stop.is_set():
                break
    return stop.is_set()


class _Findings:
    """What became of each fault."""

    def __init__(self, recordings: dict[str, _Recording]) -> None:
        self._recordings = recordings
        self.session: Session | None = None
        self.alerts: list[Alert] = []
        self._matched: set[str] = set()  # incidents with a member inside a fault
        self.span = 0.0  # seconds of event time so far
        self._first = NO_TIME

    def add(self, scored: Scored) -> None:
        """Take in one judged sub-batch."""
        assert self.session is not None  # noqa: S101  # set before the first batch
        registry = self.session.pipeline.stages.registry
        events, units = scored.events, scored.units
        for number in np.unique(events.source).tolist():
            self._count(self._recordings[registry.sources[number]], events.time[events.source == number])
        for row, incident in scored.incident.items():
            name = registry.sources[int(units.source[row])]
            self._match(self._recordings[name], incident, int(units.first[row]), int(units.last[row]))

    def hear(self, alerts: list[Alert]) -> None:
        """Take in alerts as they are raised."""
        self.alerts += alerts
        for alert in alerts:
            self._tell(alert)

    def _count(self, recording: _Recording, times: Int64) -> None:
        recording.records += len(times)
        known = times[times != NO_TIME]
        if len(known):
            recording.first = int(known.min()) if recording.first == NO_TIME else recording.first
            recording.last = max(recording.last, int(known.max()))
            self._first = recording.first if self._first == NO_TIME else min(self._first, recording.first)
            self.span = max(self.span, (recording.last - self._first) / 1e9)

    def _match(self, recording: _Recording, incident: str, first: int, last: int) -> None:
        for label in recording.labels:
            if last >= label.start and first < label.end + SLACK_NS:
                self._matched.add(incident)

    def _tell(self, alert: Alert) -> None:
        """An alert finds the faults in whose time it was raised."""
        for label in self._recordings[alert.source].labels:
            inside = label.start <= alert.last < label.end + SLACK_NS
            if inside and label.alert is None and alert.state in ("open", "update"):
                label.alert = alert

    def of(self, name: str) -> RecordingReport:
        """The report on one recording."""
        recording = self._recordings[name]
        opens = [alert for alert in self.alerts if alert.source == name and alert.state == "open"]
        false = tuple(alert for alert in opens if alert.incident not in self._matched)
        faults = tuple(self._fault(label) for label in sorted(recording.labels, key=lambda label: label.start))
        return RecordingReport(name, recording.records, faults, false, _clean_hours(recording))

    def _fault(self, label: _Label) -> Fault:
        start, end = rfc3339(np.array([label.start, label.end])).to_list()
        delay = max(label.alert.last - label.start, 0) / 1e9 if label.alert is not None else None
        return Fault(label.kind.replace("_", " "), start, end, alert=label.alert, delay=delay)


def _clean_hours(recording: _Recording) -> float:
    """Event time without a fault, and not just after one."""
    if recording.first == NO_TIME:
        return 0.0
    faulty = sum(label.end + SLACK_NS - label.start for label in recording.labels)
    return max((recording.last - recording.first - faulty) / 3.6e12, 0.0)
