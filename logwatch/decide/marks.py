"""Deployment marks: after one, drift is expected for a while.

In the window of a mark what is news of templates and values (`EXPECTED`) still opens an incident, one a source as
ever, but of severity `info` and named after the mark; what the source says there is learned without the bars that
keep surprises out, so that what came with the release is normal after it, unless it is marked real. Lines at error
and above are neither: a release that fails shows itself by new errors.

A mark is a command (`logwatchd mark`) or a line (`[[mark]] pattern`). A service that dies and starts over says such a
line every time: a line that names what the line before it named opens no window until it was silent for `AGAIN`.
Windows are of event time, and of events behind the mark: results do not depend on batches.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from logwatch.types import NO_TIME, Bool, EventBatch, Flag, Float32, Kind, UnitBatch

MOST = 64
"""Marks of a lane that are remembered; the oldest go."""

SAID = 1024
"""Sources and patterns of which the latest name is remembered."""

NAME = 100
"""Characters of a name."""

AGAIN = 86_400 * 10**9
"""A name that a pattern finds again opens a window where it was silent for so long, ns of event time."""

EXPECTED = ("new", "rare", "values", "set")
"""Detectors of templates and values that a source has not shown before, or hardly."""

ERROR = 6
"""Lines of this level and above are never expected."""


@dataclass(frozen=True, slots=True)
class Marker:
    """One mark."""

    id: str
    name: str  # untrusted
    source: str  # empty: all
    since: int  # ns, event time
    until: int
    seen: int = 0  # the first event that it is for
    judged: int = 0  # the first step of metrics


class MarkRule(NamedTuple):
    """Lines that are marks."""

    pattern: str  # a regular expression of linear time; its first group, or else the match, is the name
    source: str  # empty: all
    seconds: float  # length of the window


Find = Callable[[Sequence[str], str], Sequence[str | None]]
"""Texts [n] and a pattern → what its first group has found in each, or its match; None where there is none."""


class Marks:
    """The marks of one lane. Implements `Cells`.

    Args:
        source: name of a source, by its number.
        rules: of the configuration.
        find: runs their patterns.
        judged: steps of metrics so far.
    """

    def __init__(
        self, source: Callable[[int], str], rules: Sequence[MarkRule], find: Find, judged: Callable[[], int]
    ) -> None:  # fmt: skip
        self._source, self._rules, self._find, self._judged = source, tuple(rules), find, judged
        self.on_mark: Callable[[Marker], None] = lambda marker: None
        self._all: list[Marker] = []  # oldest first
        self._said: dict[str, tuple[str, int]] = {}  # by pattern and source: the latest name, and when, ns
        self._dirty = False

    def take(self, marker: Marker) -> None:
        """It is in force from here on."""
        self._all = [*self._all, marker][-MOST:]
        self._dirty = True
        self.on_mark(marker)

    def look(self, events: EventBatch) -> None:
        """Find the marks among lines."""
        for rule in self._rules:
            rows = np.flatnonzero(events.watermark != NO_TIME)
            if rule.source:
                mine = [one for one in np.unique(events.source).tolist() if self._source(one) == rule.source]
                rows = rows[np.isin(events.source[rows], mine)]
            names = self._find([events.text[row] for row in rows.tolist()], rule.pattern)
            for row, name in zip(rows.tolist(), names, strict=True):
                if name is not None:
                    self._hear(rule, name[:NAME], events, row)

    def _hear(self, rule: MarkRule, name: str, events: EventBatch, row: int) -> None:
        source, now = self._source(int(events.source[row])), int(events.watermark[row])
        key = json.dumps([rule.pattern, source])
        before, when = self._said.pop(key, ("", 0))
        self._said[key] = name, now
        if len(self._said) > SAID:
            del self._said[next(iter(self._said))]
        self._dirty = True
        if name != before or now - when >= AGAIN:
            number = events.first + row
            until = now + int(rule.seconds * 1e9)
            self.take(Marker(f"line {number}", name, source, now, until, number, self._judged()))

    def after(self, units: UnitBatch, row: int) -> str:
        """Name of the latest mark in whose window a unit lies; empty: none."""
        at, source = int(units.at[row]), self._source(int(units.source[row]))
        metric = units.kind[row] == Kind.METRIC
        for one in reversed(self._all):
            begun = at >= (one.judged if metric else one.seen)
            if begun and one.source in ("", source) and one.since <= units.last[row] < one.until:
                return one.name
        return ""

    @staticmethod
    def expects(units: UnitBatch, row: int, rule: str, level: int) -> bool:
        """Whether a unit in the window of a mark is what marks announce."""
        if units.kind[row] == Kind.METRIC or level >= ERROR:
            return False
        new = units.detectors.index("new") if "new" in units.detectors else -1
        return rule in EXPECTED or (new >= 0 and bool(units.nats[row, new] > 0))

    def admit(self, chunk: EventBatch, nats: Float32) -> tuple[EventBatch, Float32]:
        """The chunk as it is to be learned: nothing in the windows of marks is barred, but errors."""
        if not self._all or not (drifting := self._within(chunk) & (chunk.level < ERROR)).any():
            return chunk, nats
        flags, nats = chunk.flags.copy(), nats.copy()
        flags[drifting] &= ~np.uint8(Flag.ALERTED)
        nats[drifting] = np.nan
        return replace(chunk, flags=flags), nats

    def _within(self, events: EventBatch) -> Bool:
        """Events [n] in the windows of marks."""
        found: Bool = np.zeros(len(events), np.bool_)
        sources = [(number, self._source(number)) for number in np.unique(events.source).tolist()]
        for one in self._all:
            rows: Bool = np.asarray(events.watermark >= one.since) & (events.watermark < one.until)
            rows &= events.first + np.arange(len(events)) >= one.seen
            if one.source and rows.any():
                rows &= np.isin(events.source, [number for number, name in sources if name == one.source])
            found |= rows
        return found

    def latest(self) -> list[Marker]:
        """All that are remembered, oldest first."""
        return list(self._all)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell."""
        if self._dirty:
            self._dirty = False
            saved = {"v": 1, "marks": [asdict(one) for one in self._all], "said": self._said}
            yield "marks", json.dumps(saved).encode()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "marks" in cells:
            saved: dict[str, Any] = json.loads(cells["marks"])
            self._all = [Marker(**one) for one in saved["marks"]]
            self._said = {key: (str(name), int(when)) for key, (name, when) in saved["said"].items()}
