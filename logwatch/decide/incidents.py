"""Incidents: crossing units of one source, grouped until the source has been quiet for a while.

One alert when an incident opens, an update when it worsens, one when it ends. It worsens when a member's score is two
decades higher than any told before, when a member is of a kind or a template not told yet, or more severe. Updates
wait until the members have doubled, so that an incident of n members tells log2 n at most (a rise in severity is told
at once: there are three). It ends when the source's watermark has passed its last member by `quiet`; a unit just
below the threshold counts as a member of an open incident but opens none. Incidents beyond `max_incidents` are
counted, and told in one digest when the period is over.

Everything follows the stream's order and its watermarks, never the batches: any split gives the same alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from logwatch.config.alert_rules import hit_of
from logwatch.config.values import Rate
from logwatch.decide.alerts import SEVERITIES, Evidence, severity
from logwatch.decide.compose import Explains, closing, compose, digest, latest_id, summary
from logwatch.decide.incident import History, Incident
from logwatch.decide.judge import Judged
from logwatch.decide.marks import Marks
from logwatch.types import NO_TIME, Alert, Bool, Int64, Kind, Passing, UnitBatch

QUIET_S = 120.0  # matches the blocks in which openings are counted
WORSE_DECADES = 2.0
NEVER = np.iinfo(np.int64).max
CAP = Rate(20, 3600.0)


class _Told(NamedTuple):
    at: int  # number of the event at which the alert arises
    alert: Alert


class _Step(NamedTuple):
    """What one call works on."""

    events: Passing | None
    units: UnitBatch
    judged: Judged
    evidence: Evidence
    watermarks: Mapping[int, int]
    at: int
    explains: Explains


class Incidents:
    """Open incidents of all sources.

    Args:
        explains: the judge.
        cap_of: `max_incidents` of a source, by its number.
        quiet: seconds of event time without a member after which an incident ends.
        marks: deployments, after which drift is expected.
    """

    def __init__(
        self, explains: Explains, cap_of: Callable[[int], Rate] = lambda source: CAP, quiet: float = QUIET_S,
        marks: Marks | None = None,
    ) -> None:  # fmt: skip
        self._explains = explains
        self._marks = marks
        self._cap_of = cap_of
        self._quiet = int(quiet * 1e9)
        self._of: dict[int, History] = {}
        self._deadline: Int64 = np.full(16, NEVER, dtype=np.int64)  # by source: when something ends by itself
        self._open: Bool = np.zeros(16, dtype=np.bool_)
        self._dirty: set[int] = set()
        self.members: dict[int, str] = {}  # rows of the latest step's units that belong to an incident → its id

    def step(
        self, events: Passing, units: UnitBatch, judged: Judged, evidence: Evidence, explains: Explains | None = None
    ) -> list[Alert]:
        """Alerts of one sub-batch, in stream order. Units are those of `events` (row ≥ 0), or of a tick (row −1).

        Args:
            explains: their judge, where that is another one than usual.
        """
        self._reach(max(events.source.max(initial=0), units.source.max(initial=0)))
        due = events.source[_marks(events) >= self._deadline[events.source]]
        last = events.first + len(events) - 1
        return self._run(_Step(events, units, judged, evidence, {}, last, explains or self._explains), due.tolist())

    def tick(
        self, watermarks: Mapping[int, int], at: int, units: UnitBatch, judged: Judged, evidence: Evidence
    ) -> list[Alert]:
        """Alerts where time passes without events.

        Args:
            watermarks: the new watermark of each source (number) that is idle, ns.
            at: number of the run's latest event.
            units: what the tick made, usually silences; may be empty.
        """
        self._reach(max([*watermarks, units.source.max(initial=0)]))
        due = [source for source, watermark in watermarks.items() if watermark >= self._deadline[source]]
        return self._run(_Step(None, units, judged, evidence, watermarks, at, self._explains), due)

    def _run(self, step: _Step, due: list[int]) -> list[Alert]:
        self.members = {}
        if not due and not step.judged.holding.any():
            return []
        members = np.flatnonzero(step.judged.crossing | (step.judged.holding & self._open[step.units.source]))
        involved = np.unique(step.units.source[members]).tolist()
        told: list[_Told] = []
        for source in sorted({*involved, *due}):
            mine = np.flatnonzero(step.judged.holding & (step.units.source == source))
            told += self._follow(source, mine.tolist(), step)
        return [one.alert for one in sorted(told, key=lambda one: one.at)]

    def _follow(self, source: int, members: list[int], step: _Step) -> list[_Told]:
        """One source through one step, in stream order."""
        history = self._of.setdefault(source, History())
        numbers, marks = _clock(source, step)
        told: list[_Told] = []
        for row in members:
            at = int(step.units.at[row])
            now = self._now(step, row, marks)
            told += self._expire(source, history, now, numbers, marks)
            alert = self._member(source, history, row, now, step)
            if history.incident is not None:
                self.members[row] = history.incident.id
            if alert is not None:
                told.append(_Told(at, alert))
        if len(marks):
            told += self._expire(source, history, int(marks[-1]), numbers, marks)
        self._save(source, history)
        return told

    def _now(self, step: _Step, row: int, marks: Int64) -> int:
        """The source's watermark at a unit."""
        event = int(step.units.row[row])
        if step.events is not None and event >= 0:
            return int(_marks(step.events)[event])
        return int(marks[-1]) if len(marks) else int(step.units.last[row])

    def _expire(self, source: int, history: History, now: int, numbers: Int64, marks: Int64) -> list[_Told]:
        """End what is over at watermark `now`, each at the first event whose watermark says so."""
        told = []
        while (deadline := self._next(source, history)) <= now:
            passed = int(np.searchsorted(marks, deadline))
            at = int(numbers[min(passed, len(numbers) - 1)]) if len(numbers) else 0
            alert = self._end(source, history, deadline)
            if alert is not None:
                told.append(_Told(at, alert))
        return told

    def _next(self, source: int, history: History) -> int:
        """When something of the source ends by itself."""
        ends = NEVER if history.incident is None else history.incident.seen + self._quiet
        over = NEVER if not history.excess else (history.period + 1) * self._period(source)
        return min(ends, over)

    def _period(self, source: int) -> int:
        return int(self._cap_of(source).per * 1e9)

    def _end(self, source: int, history: History, deadline: int) -> Alert | None:
        incident = history.incident
        if incident is not None and incident.seen + self._quiet == deadline:
            history.incident = None
            return None if incident.silent else closing(incident)
        told = digest(history, self._cap_of(source), self._period(source))
        history.excess, history.excess_alert = 0, {}
        return told

    def _member(self, source: int, history: History, row: int, now: int, step: _Step) -> Alert | None:
        crossing = bool(step.judged.crossing[row])
        if (history.incident is None and not crossing) or self._is_repeat(history, row, step):
            return None
        if history.incident is None:
            return self._begin(source, history, row, now, step)
        return self._extend(history.incident, row, now, step)

    def _is_repeat(self, history: History, row: int, step: _Step) -> bool:
        """A visit's maximum stays: it is one member, not one a line."""
        units = step.units
        if units.kind[row] != Kind.VISIT:
            return False
        return history.is_repeat(f"{units.stream[row]}:{units.start[row]}", float(step.judged.nats[row]))

    def _begin(self, source: int, history: History, row: int, now: int, step: _Step) -> Alert | None:
        period = now // self._period(source)
        if period != history.period:
            history.period, history.opened = period, 0
        silent = history.opened >= self._cap_of(source).count
        rank = self._rank(row, step)
        alert = self._composed(row, rank, step)
        history.incident = Incident(
            alert.id, summary(alert), alert.first, alert.last, now, score=alert.score, silent=silent
        )  # fmt: skip
        history.incident.tell(alert.score, rank, int(step.units.kind[row]), alert.template_id)
        history.total += 1
        if silent:
            history.excess_first = history.excess_first if history.excess else alert.first
            if alert.score > history.excess_alert.get("score", -1.0):
                history.excess_alert = summary(alert)
            history.excess += 1
            return None
        history.opened += 1
        return alert

    def _extend(self, incident: Incident, row: int, now: int, step: _Step) -> Alert | None:
        units, score = step.units, float(step.judged.score[row])
        incident.count += 1
        incident.seen = max(incident.seen, now)
        incident.first = min(incident.first, int(units.first[row]))
        incident.last = max(incident.last, int(units.last[row]))
        if not step.judged.crossing[row]:
            return None
        incident.score = max(incident.score, score)
        rank = self._rank(row, step)
        if incident.silent or not (rank > incident.told_severity or self._is_news(incident, row, score, step)):
            return None
        incident.tell(score, rank, int(units.kind[row]), step.evidence.template(units, row)[0])
        alert = self._composed(row, incident.told_severity, step, incident)
        incident.sent += 1
        incident.alert = summary(alert)
        return alert

    def _is_news(self, incident: Incident, row: int, score: float, step: _Step) -> bool:
        if incident.count < 2 * incident.told_count:
            return False
        template = step.evidence.template(step.units, row)[0]
        return incident.is_news(score, int(step.units.kind[row]), template, WORSE_DECADES)

    def _rank(self, row: int, step: _Step) -> int:
        ruled, voted = step.judged.ruled, step.judged.voted
        own = -1 if ruled is None or not ruled[row] > 0 else hit_of(float(ruled[row]))[1]
        if own >= 0 and not voted[row]:
            return own
        level = step.evidence.level(step.units, row)
        if self._after(row, step)[1]:
            return max(own, 0)
        beyond = float(step.judged.score[row] + np.log10(step.judged.threshold[row]))
        return max(own, SEVERITIES.index(severity(beyond, level)))

    def _composed(self, row: int, rank: int, step: _Step, incident: Incident | None = None) -> Alert:
        alert = compose(step.units, step.judged, row, step.evidence, step.explains, SEVERITIES[rank], incident)
        mark, expected = self._after(row, step)
        if not mark:
            return alert
        said = f"{'expected ' if expected else ''}after the mark {mark}"
        return replace(alert, detail=f"{alert.detail}; {said}" if alert.detail else said)

    def _after(self, row: int, step: _Step) -> tuple[str, bool]:
        """The mark behind which a unit lies, if any, and whether the unit is what it announced."""
        mark = "" if self._marks is None else self._marks.after(step.units, row)
        if not mark:
            return "", False
        rule, level = step.explains.rule(step.units, row), step.evidence.level(step.units, row)
        return mark, Marks.expects(step.units, row, rule, level)

    def _reach(self, source: int) -> None:
        if source >= len(self._deadline):
            more = max(int(source) + 1, 2 * len(self._deadline)) - len(self._deadline)
            self._deadline = np.append(self._deadline, np.full(more, NEVER, dtype=np.int64))
            self._open = np.append(self._open, np.zeros(more, dtype=np.bool_))

    def _save(self, source: int, history: History) -> None:
        self._deadline[source] = self._next(source, history)
        self._open[source] = history.incident is not None
        self._dirty.add(source)

    def status(self) -> list[dict[str, Any]]:
        """One row for each source that has had an incident: incidents so far, the open one's id, excess."""
        return [
            {
                "source": source,
                "incidents": history.total,
                "open": None if history.incident is None else history.incident.id,
                "members": 0 if history.incident is None else history.incident.count,
                "excess": history.excess,
            }
            for source, history in sorted(self._of.items())
        ]

    def told(self) -> dict[str, str]:
        """Incidents that are open and were told: id → id of the latest alert of each."""
        numbers = np.flatnonzero(self._open).tolist()
        found = (self._of[source].incident for source in numbers if source in self._of)
        return {one.id: latest_id(one) for one in found if one is not None and not one.silent}

    def count_anew(self, source: int) -> None:
        """The incidents of a source are counted from here on: as its time is, of which they are so many a day."""
        if source in self._of:
            self._of[source].total = 0
            self._dirty.add(source)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell a source that has had an incident."""
        for source in sorted(self._dirty):
            yield f"{source:x}", self._of[source].pack()
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        for name, cell in cells.items():
            source = int(name, 16)
            self._reach(source)
            self._of[source] = History.unpack(cell)
            self._save(source, self._of[source])
        self._dirty.clear()


def _clock(source: int, step: _Step) -> tuple[Int64, Int64]:
    """Numbers of the source's events and its watermark after each [k]; of a tick: one."""
    if step.events is None:
        mark = step.watermarks.get(source)
        known = [] if mark is None else [mark]
        return np.full(len(known), step.at), np.array(known, dtype=np.int64)
    rows = np.flatnonzero(step.events.source == source)
    return step.events.first + rows, _marks(step.events)[rows]


def _marks(events: Passing) -> Int64:
    """The source's watermark after each event [n]; before any time was seen, events pass one a second."""
    numbers = events.first + np.arange(len(events), dtype=np.int64)
    return np.where(events.watermark == NO_TIME, numbers * 10**9, events.watermark)
