"""Feedback: what people said is normal, or real.

Normal: the events have no surprise any more, from the next event on; so they neither alert nor add to a visit or a
window, and what learns takes them for usual. Units that no line stands for (a window's rate, a silence, a metric) do
not alert. Real: the events stay out of learning for good, however often they come, and so remain news.

What was silenced is counted, and the latest of it kept. Where both fit, real wins. Expiry is by event time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from logwatch.decide.feedback_match import UNIT_DETECTORS, Feedback, Matcher, Names
from logwatch.decide.feedback_silenced import Silenced, SilencedLog
from logwatch.decide.judge import Judged
from logwatch.types import Bool, EventBatch, Flag, Float32, Int32, Int64, Kind, UnitBatch

MOST = 1000
"""Feedback in force at once; more is refused where it is given."""

BARRED = np.uint8(Flag.ALERTED)

HARMLESS = np.int8(3)
"""Levels above it may be counted."""

Rule = Callable[[UnitBatch, int], str]
"""The detector that decided on a unit; see `Judge.rule`."""


class Rules:
    """The feedback in force in one lane. Implements `Cells`.

    Args:
        names: of sources, entities and templates.
        detectors: of events, in the order of their columns; the units' have more.
        judge: of lines; see `Judge.judge`.
        rule: of lines.
        has_entities: which sources [n] are judged by visits [n].
    """

    def __init__(
        self, names: Names, detectors: Sequence[str], judge: Callable[[UnitBatch], Judged], rule: Rule,
        has_entities: Callable[[Int32], Bool],
    ) -> None:  # fmt: skip
        self._names, self._detectors = names, tuple(detectors)
        self._judge, self._rule, self._has_entities = judge, rule, has_entities
        self._all: dict[str, Feedback] = {}
        self._matcher = Matcher(names)
        self._normal: Bool = np.zeros(0, np.bool_)  # events of the batch in hand, of which no detector says anything
        self._real: Bool = np.zeros(0, np.bool_)
        self._slots: Int32 = np.zeros(0, np.int32)
        self.silenced = SilencedLog()
        self._dirty = False

    def take(self, feedback: Feedback) -> None:
        """It is in force from here on."""
        if len(self._all) < MOST:
            self._all[feedback.id] = feedback
            self._renew()

    def undo(self, id: str) -> None:
        """It is not in force any more. What was learned in the meantime stays learned."""
        if self._all.pop(id, None) is not None:
            self.silenced.forget(id)
            self._renew()

    def _renew(self) -> None:
        self._matcher.renew(tuple(self._all.values()))
        self._dirty = True

    def quiet(
        self, events: EventBatch, nats: Float32, silence: Float32 | None = None
    ) -> tuple[EventBatch, Float32 | None]:
        """Take the surprise off events that are normal, in place.

        Args:
            nats: [n, detectors]
            silence: [n, rungs] nats of keeping silent after each event.

        Returns:
            The events as units are to see them, and the silences: what is normal is no error either, stands for
            nothing in a visit, and nothing need follow it.
        """
        self._normal, self._real = np.zeros((2, len(events)), np.bool_)
        self._slots = events.slot
        if not self._all:
            return events, silence
        normal, by = np.zeros(nats.shape, np.bool_), [""] * len(events)
        for feedback, rows in self._matcher.of(events):
            if feedback.verdict == "real":
                self._real[rows] = True
                continue
            normal[rows, self._columns(feedback)] = True
            for row in rows.tolist():
                by[row] = feedback.id
        normal[self._real] = False
        self._normal = np.asarray(normal.all(axis=1))
        rows = np.flatnonzero(normal.any(axis=1))
        if len(rows):
            self._tell_events(events, nats, rows, by)
            nats[normal] = np.nan
        if not self._normal.any():
            return events, silence
        level = np.where(self._normal, np.minimum(events.level, HARMLESS), events.level)
        template = np.where(self._normal, np.int32(-1), events.template)
        silence = None if silence is None else np.where(self._normal[:, None], np.float32(np.nan), silence)
        return replace(events, level=level, template=template), silence

    def _columns(self, feedback: Feedback) -> slice:
        name = feedback.scope.detector
        if not name:
            return slice(None)
        at = self._detectors.index(name) if name in self._detectors else len(self._detectors)
        return slice(at, at + 1)

    def _tell_events(self, events: EventBatch, nats: Float32, rows: Int64, by: Sequence[str]) -> None:
        """Count those events that would have alerted by themselves."""
        n = len(rows)
        kind = np.where(self._has_entities(events.source[rows]), Kind.VISIT, Kind.EVENT).astype(np.uint8)
        wide = np.full((n, nats.shape[1] + len(UNIT_DETECTORS)), np.nan, np.float32)
        wide[:, : nats.shape[1]] = nats[rows]
        time, start = events.time[rows], events.start[rows]
        units = UnitBatch(
            kind, np.zeros(n, np.bool_), events.source[rows], events.stream[rows], events.slot[rows],
            events.first + rows, rows.astype(np.int32), time, time, start, start, wide,
            (*self._detectors, *UNIT_DETECTORS),
        )  # fmt: skip
        judged = self._judge(units)
        for row in np.flatnonzero(judged.crossing).tolist():
            event = int(rows[row])
            template = self._names.template(int(events.template[event]))
            self._tell(by[event], units, row, float(judged.score[row]), self._rule(units, row), template)

    def _tell(self, by: str, units: UnitBatch, row: int, score: float, rule: str, template: str = "") -> None:
        source, kind = self._names.source(int(units.source[row])), Kind(int(units.kind[row]))
        time, at, entity = int(units.last[row]), int(units.at[row]), self._entity(units, row)
        self.silenced.add(Silenced(by, time, source, entity, kind.name.lower(), rule, template, score, at))

    def _entity(self, units: UnitBatch, row: int) -> str | None:
        slot = int(units.slot[row])  # of a metric: a series
        return self._names.entity(slot) if slot >= 0 and units.kind[row] != Kind.METRIC else None

    def hush(self, units: UnitBatch, judged: Judged, rule: Rule) -> None:
        """Let units that are normal alert nobody, in place.

        Args:
            units: of the batch that `quiet` has seen, of a tick, or of metrics.
            rule: of these units.
        """
        if not self._all:
            return
        loud = judged.crossing | judged.holding
        loud[loud] = ~self._spoken(units, np.flatnonzero(loud))
        quiet = (judged.crossing | judged.holding) & ~loud
        rules = [one for one in self._all.values() if one.verdict == "normal" and not one.scope.templates]
        for row in np.flatnonzero(loud).tolist() if rules else []:
            by = next((one.id for one in rules if self._is_of(one, units, row, rule)), None)
            if by is not None:
                if judged.crossing[row]:
                    self._tell(by, units, row, float(judged.score[row]), rule(units, row))
                quiet[row] = True
        judged.crossing[quiet] = judged.holding[quiet] = False
        self.silenced.settle()

    def _spoken(self, units: UnitBatch, rows: Int64) -> Bool:
        """Which units [k] are judged at an event of their own that is normal."""
        event = units.row[rows]
        own = (event >= 0) & (units.kind[rows] <= Kind.VISIT)
        own[own] = self._normal[event[own]] & (self._slots[event[own]] == units.slot[rows[own]])
        return own

    def _is_of(self, feedback: Feedback, units: UnitBatch, row: int, rule: Rule) -> bool:
        scope, kind = feedback.scope, Kind(int(units.kind[row]))
        if kind is Kind.METRIC and units.at[row] < feedback.judged:
            return False
        if units.last[row] >= feedback.until or scope.kind not in ("", kind.name.lower()):
            return False
        if scope.source and self._names.source(int(units.source[row])) != scope.source:
            return False
        if scope.entity:
            entity = self._entity(units, row)
            if entity is None or not self._names.matches([entity], scope.entity)[0]:
                return False
        return not scope.detector or rule(units, row) == scope.detector

    def bar(self, events: EventBatch) -> None:
        """Mark events that are real: they stay out of learning."""
        if self._real.any():
            events.flags = np.where(self._real, events.flags | BARRED, events.flags)

    def admit(self, chunk: EventBatch, nats: Float32) -> tuple[EventBatch, Float32, Bool]:
        """The chunk as it is learned: what turned out normal since it was judged is usual, what is real stays out.

        Lines are not at hand any more: feedback on a value, or on what the miner has since merged with others, is for
        later events alone.

        Returns: the chunk, its nats, and which of its events [n] are real.
        """
        is_real = np.zeros(len(chunk), np.bool_)
        if not self._all:
            return chunk, nats, is_real
        flags, nats = chunk.flags.copy(), nats.copy()
        found = [(one.verdict == "real", rows) for one, rows in self._matcher.of(chunk) if not one.scope.detector]
        for real, rows in sorted(found, key=lambda one: one[0]):
            if real:
                flags[rows] |= BARRED
                is_real[rows] = True
            else:
                flags[rows] &= ~BARRED
                nats[rows] = np.nan
        return replace(chunk, flags=flags), nats, is_real

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Two cells: what is in force, and what it silenced."""
        if self._dirty:
            self._dirty = False
            yield "rules", json.dumps({"v": 1, "rules": [one.dump() for one in self._all.values()]}).encode()
        if self.silenced.changed:
            yield "silenced", self.silenced.pack()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "rules" in cells:
            self._all = {one["id"]: Feedback.load(one) for one in json.loads(cells["rules"])["rules"]}
            self._renew()
            self._dirty = False
        if "silenced" in cells:
            self.silenced = SilencedLog.unpack(cells["silenced"])
