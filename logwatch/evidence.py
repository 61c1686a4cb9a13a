"""What an alert shows beside its score: the lines, the lines before them, and what was expected instead.

The last events of all sources are kept, with their text, for as long as `KEPT`; nothing is looked up unless
something alerts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from logwatch.decide.alerts import Facts
from logwatch.parse.headline import excerpt
from logwatch.parse.variable_types import Named, typed_in
from logwatch.score.keys import KeyTable
from logwatch.score.registry import Registry
from logwatch.types import EventBatch, Expected, Float32, Int64, Kind, Line, Stream, UnitBatch, position_of

KEPT = 8192
"""Events kept for context: about 2 MB of text."""

SHOWN = 5
"""Lines shown of what alerted, and of what came before."""

MAX_TEXT = 2000
"""Characters of a line in an alert."""


class Model(Protocol):
    """The detector that says what it expected."""

    @property
    def version(self) -> str: ...
    def expected(self, rows: Sequence[int], top: int = 3) -> list[list[Expected]]: ...
    def expected_next(self, slots: Sequence[int], top: int = 3) -> list[list[Expected]]: ...


class Explains(Protocol):
    """The detector of field values."""

    def explain(self, events: EventBatch, row: int) -> str: ...


class Templates(Protocol):
    """Texts of templates."""

    def text(self, id: int) -> str: ...


class Context:
    """Implements `logwatch.decide.alerts.Evidence`.

    Args:
        model: None where the LSTM is switched off.
        usual: usual counts of a source's windows: low, mean, high.
        window: length of windows, ns.
        values: None where the detector of field values is switched off.
        named: names of variables, by the configuration.
    """

    def __init__(
        self,
        registry: Registry,
        keys: KeyTable,
        templates: Templates,
        model: Model | None,
        usual: Callable[[int], tuple[float, float, float] | None],
        window: int,
        values: Explains | None = None,
        named: Named | None = None,
    ) -> None:
        self._named = named
        self._values = values
        self._usual = usual
        self._window_s = window / 1e9
        self._registry = registry
        self._keys = keys
        self._templates = templates
        self._model = model
        self._recent: deque[tuple[EventBatch, Float32]] = deque()
        self._size = 0
        self._now: EventBatch | None = None  # the sub-batch that is being judged

    def add(self, events: EventBatch, nats: Float32) -> None:
        """Remember a scored sub-batch; it is the one that is judged next."""
        self._recent.append((events, nats))
        self._size += len(events)
        self._now = events
        while self._size - len(self._recent[0][0]) >= KEPT:
            self._size -= len(self._recent.popleft()[0])

    def ticking(self) -> None:
        """What is judged next belongs to no sub-batch."""
        self._now = None

    def lines(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        """The most surprising lines of a visit or a window in their order, the line of an event, the last before a
        silence."""
        kind = Kind(int(units.kind[row]))
        if kind is Kind.EVENT:
            return self._own(units, row)
        if kind is Kind.SILENCE:
            return self._before_position(units, row, 1)
        picked = self._members(units, row)
        if kind is Kind.VISIT and (own := self._own(units, row)):
            picked = [(surprise, line) for surprise, line in picked if line.position != own[0].position]
            return tuple(line for _, line in _most(picked, SHOWN - 1)) + own
        return tuple(line for _, line in _most(picked, SHOWN))

    def before(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        """What the stream said before."""
        if units.kind[row] == Kind.SILENCE:
            return self._before_position(units, row, SHOWN + 1)[:-1]
        return self._before_position(units, row, SHOWN, inclusive=False)

    def expected(self, units: UnitBatch, row: int) -> tuple[Expected, ...]:
        """The model's top templates before the event, or after the last line of what is silent."""
        if self._model is None:
            return ()
        kind, event = int(units.kind[row]), self._event(units, row)
        if event >= 0:
            return tuple(self._model.expected([event])[0])
        slot = self._slot(units, row)
        if slot is None or kind == Kind.WINDOW:
            return ()
        if kind == Kind.VISIT and self._now is not None and units.row[row] >= 0:
            again = np.flatnonzero(self._now.slot[units.row[row] :] == slot)  # the visit goes on after its silence
            if len(again):
                return tuple(self._model.expected([int(units.row[row] + again[0])])[0])
        return tuple(self._model.expected_next([slot])[0])

    def _event(self, units: UnitBatch, row: int) -> int:
        """Row of the line at which an event or a visit was judged; −1: of none, or of another key, while its own keeps
        silent."""
        event = int(units.row[row])
        if self._now is None or event < 0 or units.kind[row] > Kind.VISIT:
            return -1
        return event if self._now.slot[event] == units.slot[row] else -1

    def _slot(self, units: UnitBatch, row: int) -> int | None:
        slot = int(units.slot[row])
        return slot if slot >= 0 else self._keys.find(int(units.stream[row]), None)

    def template(self, units: UnitBatch, row: int) -> tuple[int, str]:
        """Of the line at which the unit was judged; its variables have the types of that line's own values."""
        event = self._event(units, row)
        if self._now is None or event < 0:
            return -1, ""
        number = int(self._now.template[event])
        return number, typed_in(self._templates.text(number), (self._now.text[event],), self._named)

    def level(self, units: UnitBatch, row: int) -> int:
        """Of the line at which an event or a visit was judged; 0 elsewhere.

        Only of that line: which others are still at hand depends on restarts, and a severity must not.
        """
        event = self._event(units, row)
        if self._now is None or event < 0:
            return 0
        return int(self._now.level[event])

    def facts(self, units: UnitBatch, row: int) -> Facts:
        """Numbers for a window or a silence, the odd value of an event."""
        event = self._event(units, row)
        if units.kind[row] <= Kind.VISIT:
            if self._values is None or self._now is None or event < 0:
                return Facts()
            return Facts(odd=self._values.explain(self._now, event))
        usual = self._usual(int(units.source[row]))
        if units.kind[row] == Kind.SILENCE and usual is not None and usual[1] > 0:
            return Facts(usual_gap=self._window_s / usual[1])
        if units.kind[row] != Kind.WINDOW:
            return Facts()
        lines = sum(len(rows) for _, _, rows in self._find(units, row)) or None
        low, high = (None, None) if usual is None else (math.floor(usual[0]), math.ceil(usual[2]))
        return Facts(lines=lines, low=low, high=high)

    def latest(self, source: int) -> tuple[Line, ...]:
        """The last lines of a source."""
        lines: list[Line] = []
        for events, _ in reversed(self._recent):
            for i in np.flatnonzero(events.source == source)[::-1].tolist():
                lines.append(_line(events, i))
                if len(lines) == SHOWN:
                    return tuple(reversed(lines))
        return tuple(reversed(lines))

    def stream(self, number: int) -> Stream:
        """Source and instance."""
        return self._registry.streams[number]

    def entity(self, slot: int) -> str | None:
        """Entity of a key."""
        return self._keys.key(slot)[1]

    def position(self, stream: int, offset: int) -> Mapping[str, Any]:
        """File and byte offset."""
        return position_of(self._registry.streams[stream].instance, offset)

    def model(self) -> str:
        """Version of the model that scored."""
        return self._model.version if self._model is not None else ""

    def _own(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        event = int(units.row[row])
        return () if self._now is None or event < 0 else (_line(self._now, event),)

    def _find(self, units: UnitBatch, row: int) -> list[tuple[EventBatch, Float32, Int64]]:
        """Events of a visit (by its key) or a window (by its source), oldest first."""
        slot, start, end = int(units.slot[row]), int(units.start[row]), int(units.end[row])
        found = []
        for events, nats in self._recent:
            mine = events.slot == slot if slot >= 0 else events.stream == units.stream[row]
            found.append((events, nats, np.flatnonzero(mine & (events.start >= start) & (events.start <= end))))
        return found

    def _members(self, units: UnitBatch, row: int) -> list[tuple[float, Line]]:
        members = []
        for events, nats, rows in self._find(units, row):
            surprise = np.nansum(nats[rows], axis=1)
            members += [(float(s), _line(events, i)) for s, i in zip(surprise, rows.tolist(), strict=True)]
        return members

    def _before_position(self, units: UnitBatch, row: int, count: int, inclusive: bool = True) -> tuple[Line, ...]:
        """The last lines of the stream before the unit's first record (silence: up to its last one)."""
        limit = int(units.end[row] if inclusive else units.start[row])
        lines: list[Line] = []
        for events, _ in reversed(self._recent):
            earlier = (events.stream == units.stream[row]) & (
                events.start <= limit if inclusive else events.start < limit
            )
            for i in np.flatnonzero(earlier)[::-1].tolist():
                lines.append(_line(events, i))
                if len(lines) == count:
                    return tuple(reversed(lines))
        return tuple(reversed(lines))


def _line(events: EventBatch, row: int) -> Line:
    text = events.text[row]
    return Line(excerpt(text, MAX_TEXT), int(events.time[row]), int(events.start[row]), int(events.template[row]))


def _most(members: list[tuple[float, Line]], count: int) -> list[tuple[float, Line]]:
    """The `count` most surprising, in the order of the stream."""
    chosen = sorted(range(len(members)), key=lambda i: (-members[i][0], i))[:count]
    return [members[i] for i in sorted(chosen)]
