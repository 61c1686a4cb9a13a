"""Feedback: what people said is normal, or real.

Normal: the events have no surprise any more, from the next event on; so they neither alert nor add to a visit or a
window, and what learns takes them for usual. Units that no line stands for (a window's rate, a silence, a metric) do
not alert. Real: the events stay out of learning for good, however often they come, and so remain news.

What was silenced is counted, and the latest of it kept. Where both fit, real wins. Expiry is by event time.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from logwatch.decide.feedback_scope import Scope, fits, is_said
from logwatch.decide.judge import Judged
from logwatch.telemetry import SILENCED
from logwatch.types import NO_TIME, Bool, EventBatch, Flag, Float32, Int64, Kind, UnitBatch

NEVER = np.iinfo(np.int64).max
MOST = 1000
"""Marks in force at once; more are refused where they are given."""

KEPT = 100
"""Silenced alerts that are kept to be looked at."""

UNIT_DETECTORS = ("set", "rate", "silence")
"""They judge units, not events."""

BARRED = np.uint8(Flag.ALERTED)


@dataclass(frozen=True, slots=True)
class Feedback:
    """One word of feedback."""

    id: str
    verdict: Literal["normal", "real"]
    scope: Scope
    until: int = NEVER  # event time, ns
    judged: int = 0  # the first step of metrics that it is for

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "scope": self.scope.dump()}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Feedback:
        """The inverse of `dump`."""
        return cls(**{**saved, "scope": Scope.load(saved["scope"])})


class Silenced(NamedTuple):
    """An alert that did not become one."""

    by: str  # id of the feedback
    time: int  # ns
    source: str
    entity: str | None
    kind: str
    rule: str
    template: str
    score: float
    at: int  # number of the event


class Names(NamedTuple):
    """What feedback asks of the stages."""

    source: Callable[[int], str]
    entity: Callable[[int], str | None]  # of a slot of the key table
    template: Callable[[int], str]  # text
    matches: Callable[[str, Sequence[str]], Bool]  # a regular expression, texts [n] → [n]


class Rules:
    """The feedback in force in one lane. Implements `Cells`.

    Args:
        names: of sources, entities and templates.
        judge: whether units cross; see `Judge.judge`.
        has_entities: which sources [n] are judged by visits [n].
        detectors: of events, in the order of their columns; the units' have more.
    """

    def __init__(
        self, names: Names, judge: Callable[[UnitBatch], Judged], has_entities: Callable[[Any], Bool],
        detectors: Sequence[str], rule: Callable[[UnitBatch, int], str],
    ) -> None:  # fmt: skip
        self._names, self._judge, self._has_entities, self._rule = names, judge, has_entities, rule
        self._detectors = tuple(detectors)
        self._all: dict[str, Feedback] = {}
        self._by_text: dict[str, tuple[Feedback, ...]] = {}  # of those with templates
        self._quiet: Bool = np.zeros(0, np.bool_)  # events of the batch in hand that are normal, whoever says so
        self._real: Bool = np.zeros(0, np.bool_)
        self._counts: dict[str, int] = {}
        self._latest: deque[Silenced] = deque(maxlen=KEPT)
        self._dirty: set[str] = set()

    def take(self, feedback: Feedback) -> None:
        """It is in force from here on."""
        if len(self._all) < MOST:
            self._all[feedback.id] = feedback
            self._changed()

    def undo(self, id: str) -> None:
        """It is not in force any more. What was learned in the meantime stays learned."""
        if self._all.pop(id, None) is not None:
            self._changed()

    def _changed(self) -> None:
        self._by_text.clear()
        self._dirty.add("rules")

    def quiet(self, events: EventBatch, nats: Float32) -> None:
        """Take the surprise off events that are normal, in place [n, detectors]."""
        self._quiet = self._real = np.zeros(len(events), np.bool_)
        if not self._all:
            return
        normal, said = np.zeros(nats.shape, np.bool_), np.full(len(events), -1)
        real = np.zeros(len(events), np.bool_)
        speaking: list[Feedback] = []
        for feedback, rows in self._matches(events):
            if feedback.verdict == "real":
                real[rows] = True
                continue
            normal[rows, self._columns(feedback)] = True
            said[rows] = len(speaking)
            speaking.append(feedback)
        normal[real] = False
        self._real, self._quiet = real, normal.all(axis=1)
        rows = np.flatnonzero(normal.any(axis=1))
        if len(rows):
            self._tell_events(events, nats, rows, [speaking[said[row]].id for row in rows.tolist()])
            nats[normal] = np.nan

    def _columns(self, feedback: Feedback) -> slice:
        name = feedback.scope.detector
        if not name:
            return slice(None)
        at = self._detectors.index(name) if name in self._detectors else len(self._detectors)
        return slice(at, at + 1)

    def _matches(self, events: EventBatch) -> Iterator[tuple[Feedback, Int64]]:
        """Feedback on events, with the rows of those that it fits; real and normal in the order in which they came."""
        unique, inverse = np.unique(events.template, return_inverse=True)
        texts = [self._names.template(number) for number in unique.tolist()]
        named: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            for feedback in self._of(text):
                named.setdefault(feedback.id, []).append(place)
        for feedback in self._all.values():
            if feedback.scope.templates and feedback.id not in named:
                continue
            if feedback.scope.kind or feedback.scope.detector in UNIT_DETECTORS:
                continue
            rows = np.flatnonzero(events.watermark < feedback.until)
            if feedback.scope.templates:
                rows = rows[np.isin(inverse[rows], named[feedback.id])]
            rows = self._narrowed(feedback.scope, events, rows, texts, inverse)
            if len(rows):
                yield feedback, rows

    def _of(self, text: str) -> tuple[Feedback, ...]:
        """Feedback that may fit a template, by its text."""
        found = self._by_text.get(text)
        if found is None:
            if len(self._by_text) >= 65_536:
                self._by_text.clear()
            found = tuple(
                one
                for one in self._all.values()
                if any(fits(own, text) or fits(text, own) for own in one.scope.templates)
            )
            self._by_text[text] = found
        return found

    def _narrowed(
        self, scope: Scope, events: EventBatch, rows: Int64, texts: Sequence[str], inverse: Int64
    ) -> Int64:  # fmt: skip
        """Those of the rows that the whole scope fits."""
        if scope.source:
            numbers = np.unique(events.source[rows])
            mine = [number for number in numbers.tolist() if self._names.source(number) == scope.source]
            rows = rows[np.isin(events.source[rows], mine)]
        if scope.templates:
            whole = np.array([scope.names(text) for text in texts], np.bool_)
            loose = [row for row in rows[~whole[inverse[rows]]].tolist() if _says(scope, events.text[row])]
            rows = np.union1d(rows[whole[inverse[rows]]], np.array(loose, np.int64)).astype(np.int64)
        if scope.value:
            rows = np.array([row for row in rows.tolist() if _has(events, row, scope.value)], np.int64)
        return self._of_entities(scope, events, rows)

    def _of_entities(self, scope: Scope, events: EventBatch, rows: Int64) -> Int64:
        if not scope.entity or not len(rows):
            return rows
        slots, inverse = np.unique(events.slot[rows], return_inverse=True)
        entities = [self._names.entity(slot) or "" for slot in slots.tolist()]
        return rows[self._names.matches(scope.entity, entities)[inverse]]

    def _tell_events(self, events: EventBatch, nats: Float32, rows: Int64, by: list[str]) -> None:
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
            template = self._names.template(int(events.template[rows[row]]))
            self._tell(by[row], units, row, judged, template, self._rule(units, row))

    def _tell(self, by: str, units: UnitBatch, row: int, judged: Judged, template: str, rule: str) -> None:
        source, slot = int(units.source[row]), int(units.slot[row])
        kind = Kind(int(units.kind[row]))
        entity = self._names.entity(slot) if slot >= 0 and kind is not Kind.METRIC else None
        name = self._names.source(source)
        self._latest.append(
            Silenced(by, int(units.last[row]), name, entity, kind.name.lower(), rule, template,
                     float(judged.score[row]), int(units.at[row]))
        )  # fmt: skip
        self._counts[by] = self._counts.get(by, 0) + 1
        self._dirty.add("silenced")
        SILENCED.inc(source=name)

    def hush(self, units: UnitBatch, judged: Judged, rule: Callable[[UnitBatch, int], str]) -> None:
        """Let units that are normal alert nobody, in place.

        Args:
            units: of the batch that `quiet` has seen, of a tick, or of metrics.
            rule: the detector that decided, of a unit.
        """
        if not self._all:
            return
        loud = judged.crossing | judged.holding
        own = (units.row >= 0) & (units.kind <= Kind.VISIT) & loud
        own[own] = self._quiet[units.row[own]]
        judged.crossing[own] = judged.holding[own] = False
        rules = [one for one in self._all.values() if not (one.scope.templates or one.verdict == "real")]
        if not rules:
            return
        for row in np.flatnonzero(loud & ~own).tolist():
            by = next((one.id for one in rules if self._is_of(one, units, row, rule)), None)
            if by is not None:
                if judged.crossing[row]:
                    self._tell(by, units, row, judged, "", rule(units, row))
                judged.crossing[row] = judged.holding[row] = False

    def _is_of(self, feedback: Feedback, units: UnitBatch, row: int, rule: Callable[[UnitBatch, int], str]) -> bool:
        scope, kind = feedback.scope, Kind(int(units.kind[row]))
        if kind is Kind.METRIC and units.at[row] < feedback.judged:
            return False
        if kind is Kind.EVENT or (kind is Kind.VISIT and scope.detector not in UNIT_DETECTORS):
            return False  # of its events
        if units.last[row] >= feedback.until or scope.kind not in ("", kind.name.lower()):
            return False
        if scope.source and self._names.source(int(units.source[row])) != scope.source:
            return False
        slot = int(units.slot[row])
        if scope.entity:
            entity = self._names.entity(slot) if slot >= 0 and kind is not Kind.METRIC else None
            if entity is None or not self._names.matches(scope.entity, [entity])[0]:
                return False
        return not scope.detector or rule(units, row) == scope.detector

    def bar(self, events: EventBatch) -> None:
        """Mark events that are real: they stay out of learning."""
        if self._real.any():
            events.flags = np.where(self._real, events.flags | BARRED, events.flags)

    def admit(self, chunk: EventBatch, nats: Float32) -> tuple[EventBatch, Float32]:
        """The chunk as it is to be learned: what turned out normal since it was judged is usual, what is real stays out.

        Lines are not at hand any more: feedback on a value, or on what the miner has since merged with others, is for
        later events alone.
        """
        if not self._all:
            return chunk, nats
        flags, nats = chunk.flags.copy(), nats.copy()
        found = [(one.verdict, rows) for one, rows in self._matches(chunk) if not one.scope.detector]
        for verdict, rows in sorted(found, key=lambda one: one[0] == "real"):
            if verdict == "normal":
                flags[rows] &= ~BARRED
                nats[rows] = np.nan
            else:
                flags[rows] |= BARRED
        return replace(chunk, flags=flags), nats

    def silenced(self) -> tuple[dict[str, int], list[Silenced]]:
        """How many alerts each feedback has silenced, and the latest of them, oldest first."""
        return dict(self._counts), list(self._latest)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Two cells: what is in force, and what it silenced."""
        parts: dict[str, Any] = {
            "rules": [one.dump() for one in self._all.values()],
            "silenced": {"counts": self._counts, "latest": list(self._latest)},
        }
        for name in sorted(self._dirty):
            yield name, json.dumps({"v": 1, name: parts[name]}).encode()
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "rules" in cells:
            self._all = {one["id"]: Feedback.load(one) for one in json.loads(cells["rules"])["rules"]}
        if "silenced" in cells:
            self._counts, latest = silenced_of(cells["silenced"])
            self._latest.extend(latest)


def silenced_of(cell: bytes) -> tuple[dict[str, int], list[Silenced]]:
    """What a saved lane has silenced; see `Rules.silenced`."""
    saved = json.loads(cell)["silenced"]
    return {str(id): int(count) for id, count in saved["counts"].items()}, [Silenced(*one) for one in saved["latest"]]


def _says(scope: Scope, line: str) -> bool:
    return any(is_said(own, line) for own in scope.templates)


def _has(events: EventBatch, row: int, value: str) -> bool:
    """Whether a line has a value: in a field, or as a word of its text."""
    fields = events.values.row(row) if events.values is not None else {}
    if any(value in (said, f"{name}={said}") for name, said in fields.items()):
        return True
    text = events.text[row]
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
        if not (_in_word(before) or _in_word(after)):
            return True
        at = text.find(value, at + 1)
    return False


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def is_over(feedback: Feedback, watermark: int) -> bool:
    """Whether it is in force no more at a source's time, ns."""
    return watermark != NO_TIME and watermark >= feedback.until
