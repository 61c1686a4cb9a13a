"""What became of each fault of a recording: who found it, when, and which alerts belong to none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from logwatch.app.recordings import Label, Recording
from logwatch.metric_rows import Measured
from logwatch.requests import Fault, RecordingReport, Side
from logwatch.rows import Scored, rfc3339
from logwatch.score.registry import Registry
from logwatch.types import NO_TIME, Alert, Int64, UnitBatch

SLACK_NS = 60 * 10**9
"""An alert may come so long after a fault has ended and still belong to it: windows must close, retries run out."""


@dataclass
class _Found:
    """One recording, as far as it has been replayed."""

    recording: Recording
    records: int = 0
    values: int = 0
    first: int = NO_TIME
    last: int = NO_TIME
    alerts: dict[tuple[Label, Side], Alert] = field(default_factory=dict)  # the first one raised within the fault
    members: dict[str, set[tuple[Label, Side]]] = field(default_factory=dict)  # incident -> what it saw, by whom

    def passed(self, times: Int64) -> None:
        """Times of what was judged."""
        known = times[times != NO_TIME]
        if len(known):
            self.first = int(known.min()) if self.first == NO_TIME else self.first
            self.last = max(self.last, int(known.max()))

    def within(self, first: int, last: int) -> list[Label]:
        """Faults in whose time a stretch of time lies; of what sees everybody's faults, the one that began last."""
        labels = [one for one in self.recording.labels if last >= one.start and first < one.end + SLACK_NS]
        return labels[-1:] if self.recording.shared else labels


class Findings:
    """Listens to a replay. `registry` is the pipeline's."""

    def __init__(self, recordings: Iterable[Recording], registry: Registry) -> None:
        self._found = {recording.name: _Found(recording) for recording in recordings}
        self._registry = registry
        self._opens: list[Alert] = []

    @property
    def span(self) -> float:
        """Seconds of event time so far."""
        known = [found for found in self._found.values() if found.first != NO_TIME]
        return (max(one.last for one in known) - min(one.first for one in known)) / 1e9 if known else 0.0

    def scored(self, scored: Scored) -> None:
        """Take in a judged sub-batch of lines."""
        events = scored.events
        for number in np.unique(events.source).tolist():
            found = self._of(number)
            times = events.time[events.source == number]
            found.records += len(times)
            found.passed(times)
        self._members(scored.units, scored.incident, "logs")

    def measured(self, measured: Measured) -> None:
        """Take in judged steps of metrics."""
        units, steps = measured.judging.units, measured.judging.steps
        for number in np.unique(units.source).tolist():
            found, mine = self._of(number), units.source == number
            found.values += int((steps.end - steps.begin)[mine].sum())
            found.passed(units.last[mine])
        self._members(units, measured.incident, "metrics")

    def _of(self, number: int) -> _Found:
        return self._found[self._registry.sources[number]]

    def _members(self, units: UnitBatch, incidents: dict[int, str], side: Side) -> None:
        for row, incident in incidents.items():
            found = self._of(int(units.source[row]))
            seen = found.within(int(units.first[row]), int(units.last[row]))
            found.members.setdefault(incident, set()).update((label, side) for label in seen)

    def hear(self, alerts: Iterable[Alert]) -> None:
        """Take in alerts as they are raised: they find the faults in whose time they came."""
        for alert in alerts:
            found = self._found[alert.source]
            if alert.state == "open":
                self._opens.append(alert)
            if alert.state in ("open", "update"):
                for label in found.within(alert.last, alert.last):
                    found.alerts.setdefault((label, side_of(alert)), alert)

    def of(self, name: str) -> RecordingReport:
        """The report on one recording."""
        found = self._found[name]
        opens = [alert for alert in self._opens if alert.source == name]
        false = tuple(alert for alert in opens if not found.members.get(alert.incident))
        faults = tuple(_fault(label, found) for label in found.recording.labels)
        hours = clean_hours(found.first, found.last, found.recording.labels)
        if found.recording.shared:
            seen = tuple(fault for fault in faults if fault.alert is not None)
            return RecordingReport(name, found.records, (), false, hours, found.values, seen)
        return RecordingReport(name, found.records, faults, false, hours, found.values)


def side_of(alert: Alert) -> Side:
    """Who raised it."""
    return "metrics" if alert.kind == "metric" else "logs"


def _fault(label: Label, found: _Found) -> Fault:
    start, end = rfc3339(np.array([label.start, label.end])).to_list()
    kind = label.kind.replace("_", " ")
    name = f"{label.source} {kind}" if found.recording.shared else kind
    alerts = tuple(alert for (one, _), alert in found.alerts.items() if one == label)
    if not alerts:
        return Fault(name, start, end)
    seen = found.members.get(alerts[0].incident, set())
    by: tuple[Side, ...] = tuple(sorted({side for one, side in seen if one == label}))
    delay = max(alerts[0].last - label.start, 0) / 1e9
    return Fault(name, start, end, alert=alerts[0], delay=delay, by=by, also=alerts[1:])


def clean_hours(first: int, last: int, labels: Iterable[Label]) -> float:
    """Event time without a fault, and not just after one. Faults [k] are in the order of their starts."""
    if first == NO_TIME:
        return 0.0
    clean, at = 0, first
    for label in labels:
        clean += max(min(label.start, last) - at, 0)
        at = max(at, label.end + SLACK_NS)
    return (clean + max(last - at, 0)) / 3.6e12
