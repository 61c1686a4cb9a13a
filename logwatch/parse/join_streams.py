"""The streams that the joiner knows, by number: the habits of each, and what is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from logwatch.parse.containers import NO_CHANNEL, Key, Prefix
from logwatch.parse.join_lines import OWED
from logwatch.parse.join_open import Event, Habit, dump, load
from logwatch.parse.multiline import Multiline
from logwatch.types import Bool, Int32, Int64, RecordBatch, Stream

MAX_STREAMS = 65_536
"""Streams remembered; those unheard of for longest begin anew."""


class Streams:
    """Numbers for (stream, channel), and columns [streams] beside them. Cells: one for each."""

    def __init__(self, settings: Callable[[str, str], Multiline]) -> None:
        self._settings = settings
        self._number: dict[Key, int] = {}
        self._free: list[int] = []
        self._key: list[Key] = []
        self._component: list[str] = []
        self._heard: Int64 = np.zeros(0, np.int64)  # number of the last batch
        self._batch = 0
        self.rule: list[Multiline] = []
        self.seen: Int32 = np.zeros(0, np.int32)  # lines, up to `join.YOUNG`
        self.headed: Bool = np.zeros(0, np.bool_)  # a line began with a time or a level; or a start was seen
        self.multi: Bool = np.zeros(0, np.bool_)  # a line went on
        self.is_open: Bool = np.zeros(0, np.bool_)
        self.open: dict[int, Event] = {}
        self.used: list[int] = []  # numbers in the batch in hand
        self.dirty: set[int] = set()
        self._gone: set[str] = set()

    def knows(self, stream: Stream) -> bool:
        """Whether anything of the stream was seen."""
        return any((stream, channel) in self._number for channel in range(3))

    def number(self, records: RecordBatch, prefix: Prefix | None, component: str, heir: bool) -> Int32:
        """Numbers [n] of the streams of n records.

        Args:
            heir: the first record goes on with another's event, if its stream is new.
        """
        kinds = records.stream * 3 if prefix is None else records.stream * 3 + prefix.channel
        table = np.full(3 * len(records.streams), -1, np.int32)
        used = np.flatnonzero(np.bincount(kinds, minlength=len(table)))
        first = int(kinds[0])
        inherits = heir and not self.knows(records.streams[first // 3])
        for kind in used.tolist():
            key = (records.streams[kind // 3], kind % 3)
            table[kind] = self._of(key, component)
            if inherits and kind == first:
                self._inherit(int(table[kind]))
        self.used = table[used].tolist()
        self._batch += 1
        self._heard[self.used] = self._batch
        if len(self._number) > MAX_STREAMS:
            self._forget()
        return table[kinds]

    def hold(self, number: int, event: Event) -> None:
        """The stream's event is open."""
        self.open[number] = event
        self.is_open[number] = True
        self.dirty.add(number)

    def close(self, number: int) -> None:
        """It is no more."""
        del self.open[number]
        self.is_open[number] = False
        self.dirty.add(number)

    def due(self, component: str, before: float, owed: float) -> list[Event]:
        """Take the open events whose last line came at `before` or earlier; where more must come, at `owed`."""
        late = [
            number
            for number, event in self.open.items()
            if event.since <= (owed if event.mode in OWED else before) and self._component[number] == component
        ]
        late.sort(key=lambda number: self._key[number])  # the order must not depend on restarts
        events = [self.open[number] for number in late]
        for number in late:
            self.close(number)
        return events

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        for name in sorted(self._gone):
            yield name, None
        for number in sorted(self.dirty):
            yield _name(self._key[number]), dump(self._key[number], self._habit(number), self.open.get(number))
        self._gone.clear()
        self.dirty.clear()

    def restore(self, cells: Mapping[str, bytes], now: float) -> None:
        """See `Cells.restore`."""
        for _, cell in sorted(cells.items()):
            key, habit, event = load(cell, now)
            number = self._of(key, habit.component)
            self.seen[number], self.headed[number], self.multi[number] = habit.seen, habit.headed, habit.multi
            if event is not None:
                self.hold(number, event)
        self.dirty.clear()

    def _habit(self, number: int) -> Habit:
        return Habit(
            self._component[number], int(self.seen[number]), bool(self.headed[number]), bool(self.multi[number])
        )

    def _of(self, key: Key, component: str) -> int:
        number = self._number.get(key)
        if number is None:
            number = self._free.pop() if self._free else self._grow()
            self._number[key] = number
            self._key[number], self._component[number] = key, component
            self.rule[number] = self._settings(component, key[0].source)
            self.seen[number], self.headed[number], self.multi[number] = 0, False, False
        return number

    def _grow(self) -> int:
        number = len(self._key)
        if number == len(self.seen):
            more = max(16, number)
            self.seen, self._heard = np.pad(self.seen, (0, more)), np.pad(self._heard, (0, more))
            self.headed, self.multi = np.pad(self.headed, (0, more)), np.pad(self.multi, (0, more))
            self.is_open = np.pad(self.is_open, (0, more))
        self._key.append((Stream("", ""), NO_CHANNEL))
        self._component.append("")
        self.rule.append(Multiline())
        return number

    def _inherit(self, number: int) -> None:
        """What is open in the only other stream of the source goes on here: its file was rotated."""
        (source, _), channel = self._key[number]
        mine = [n for n in self.open if self._key[n][0].source == source and self._key[n][1] == channel]
        if len(mine) != 1:
            return
        event = self.open[mine[0]]
        self.close(mine[0])
        self.hold(number, event)
        self.headed[number], self.multi[number] = self.headed[mine[0]], self.multi[mine[0]]

    def _forget(self) -> None:
        """Forget the quarter that was unheard of for longest, but for what is open."""
        numbers = sorted(self._number.values(), key=lambda number: int(self._heard[number]))
        for number in numbers[: MAX_STREAMS // 4]:
            if number in self.open or self._heard[number] == self._batch:
                continue
            key = self._key[number]
            del self._number[key]
            self._free.append(number)
            self.dirty.discard(number)
            self._gone.add(_name(key))


def _name(key: Key) -> str:
    return f"stream/{key[1]}/{key[0].source}/{key[0].instance}"
