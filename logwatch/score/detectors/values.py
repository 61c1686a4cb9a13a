"""`values`: a field with a value that is rare for it, or with a number far out in its tail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Flag, Float32, KeyFields, plugin
from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.table import UInt64
from logwatch.score.detectors.values_fields import Fields
from logwatch.score.detectors.values_keys import TEXT, Held, held, number_keys, told, word_keys
from logwatch.score.detectors.values_sketch import usual
from logwatch.types import Bool, FieldColumn, Float64, Int32, Int64

SHOWN = 3
"""Usual values named in an alert."""


class _Look(NamedTuple):
    """A column against what is known of its fields."""

    held: Held
    nats: Float64  # [k] NaN without an opinion
    keep: Bool  # [k] to be learned: its values are told apart, or are numbers
    keys: UInt64  # [k] of the values
    apart: Bool  # [f]


@plugin(kind="detector", name="values", api=(1, 0), config=ValuesConfig)
class ValuesOdd:
    """Nats: −ln of how rare the value of a field is on its source, of the most unusual one of the event's fields, less
    ln of how many were looked at; NaN where there is no opinion on any.

    A field with few different values has their shares, one of many numbers their distribution (both tails; a counter
    has none), one of many words (ids, paths) says nothing. What is known is a chunk's end old, and ages by the value.

    Args:
        config: settings.
        keys: unused; all detectors are built alike.
        has_entities: unused.
    """

    name = "values"
    FIELDS = KeyFields(())

    def __init__(self, config: ValuesConfig, keys: Any = None, has_entities: Callable[..., Any] | None = None) -> None:
        self._fields = Fields(config.memory, config.limit, config.per_source)
        self._seen = Pending(at="i8", source="i4", field="u8", value="u8", number="f8")
        self._texts = Pending(value="u8", text=f"S{TEXT}")
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], from what was known at the last chunk's end."""
        nats = np.full(len(events), np.nan, dtype=np.float32)
        if events.values is None:
            return nats
        most, looks = np.zeros(len(events)), np.zeros(len(events), dtype=np.int64)
        for column in events.values.columns():
            look = self._look(column, events.source)
            self._remember(column, look, events)
            said = np.flatnonzero(~np.isnan(look.nats))
            rows = column.rows[said]
            np.maximum.at(most, rows, look.nats[said])
            np.add.at(looks, rows, 1)
        heard = np.flatnonzero(looks)
        nats[heard] = np.maximum(most[heard] - np.log(looks[heard]), 0.0)
        return nats

    def _look(self, column: FieldColumn, source: Int32) -> _Look:
        fields = held(column, source)
        numeric = column.numbers is not None
        at, apart, spread = self._fields.kinds(fields.keys, self._chunk, numeric)
        keep = (apart | numeric)[fields.of]
        keys = np.zeros(len(column.rows), dtype=np.uint64)
        nats = np.full(len(column.rows), np.nan)
        if apart.any():
            keys = _value_keys(column)
        rows = np.flatnonzero((apart & (at >= 0))[fields.of])
        if len(rows):
            nats[rows] = self._rarity(at[fields.of[rows]], keys[rows])
        if column.numbers is not None and spread.any():
            rows = np.flatnonzero(spread[fields.of])
            nats[rows] = self._fields.tail(fields.keys, fields.of[rows], column.numbers[rows])
        return _Look(fields, nats, keep, keys, apart)

    def _rarity(self, at: Int64, keys: UInt64) -> Float64:
        """Each different value once: a field has few."""
        if len(at) > 64 and (at == at[0]).all():
            different, back = np.unique(keys, return_inverse=True)
            few: Float64 = self._fields.rarity(np.full(len(different), at[0]), different)[back.reshape(-1)]
            return few
        return self._fields.rarity(at, keys)

    def _remember(self, column: FieldColumn, look: _Look, events: EventBatch) -> None:
        """For the chunk's end: who spoke, and what they said."""
        rows = np.flatnonzero(look.keep)
        if not len(rows):
            return
        of, event = look.held.of[rows], column.rows[rows]
        numbers = np.zeros(len(rows)) if column.numbers is None else column.numbers[rows]
        self._seen.add(
            at=events.first + event.astype(np.int64), source=events.source[event], field=look.held.keys[of],
            value=look.keys[rows], number=numbers,
        )  # fmt: skip
        if column.code is not None and column.words is not None:
            code = np.unique(column.code[rows])
            words = [column.words[i].encode("utf-8", "replace")[:TEXT] for i in code.tolist()]
            self._texts.add(value=word_keys([column.words[i] for i in code.tolist()]), text=np.array(words, f"S{TEXT}"))

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Learn the values of events that did not alert."""
        seen, texts = self._seen.take(), self._texts.take()
        row = seen["at"] - chunk.first
        calm = np.flatnonzero((chunk.flags[row] & np.uint8(Flag.ALERTED)) == 0)
        if len(calm):
            order = calm[np.lexsort((seen["value"][calm], seen["at"][calm], seen["field"][calm]))]
            self._learn({name: column[order] for name, column in seen.items()}, chunk.stream[row[order]], texts)
        self._chunk += 1

    def _learn(self, seen: dict[str, NDArray[Any]], stream: Int32, texts: dict[str, NDArray[Any]]) -> None:
        """Rows by field, then in the order of the stream."""
        head = np.flatnonzero(np.r_[True, seen["field"][1:] != seen["field"][:-1]])
        of = np.repeat(np.arange(len(head)), np.diff(np.r_[head, len(seen["field"])]))
        keys = seen["field"][head]
        order = np.lexsort((keys, seen["at"][head]))  # of appearance: the first ones find room
        at = np.empty(len(head), dtype=np.int64)
        at[order] = self._fields.admit(keys[order], seen["source"][head][order].astype(np.int64), self._chunk)
        rows = np.flatnonzero(at[of] >= 0)
        apart = ~(self._fields.table.values["wide"][at] > self._chunk)
        told_apart = rows[apart[of[rows]]]
        if len(told_apart):
            self._count(at, of[told_apart], seen["value"][told_apart], seen["number"][told_apart], texts)
        numbers = rows[~apart[of[rows]]]
        if len(numbers):
            some, back = np.unique(of[numbers], return_inverse=True)
            self._fields.spread(keys[some], back.reshape(-1), seen["number"][numbers], self._chunk)
        self._step(at, of[rows], seen["number"][rows], stream[rows])

    def _count(self, at: Int64, of: Int64, value: UInt64, number: Float64, texts: dict[str, NDArray[Any]]) -> None:
        """Values that are told apart, with how often each came, by field and in the order in which they came."""
        place = np.arange(len(of))
        order = np.lexsort((place, value, of))
        new = np.r_[True, (of[order][1:] != of[order][:-1]) | (value[order][1:] != value[order][:-1])]
        begin = np.flatnonzero(new)
        times = np.diff(np.r_[begin, len(order)])
        first = order[begin]
        came = np.lexsort((first, of[first]))
        first, times = first[came], times[came]
        fields, back = np.unique(of[first], return_inverse=True)
        words = _texts_of(value[first], number[first], texts)
        self._fields.count(at[fields], back.reshape(-1), value[first], words, times, self._chunk)

    def _step(self, at: Int64, of: Int64, number: Float64, stream: Int32) -> None:
        """Which numbers follow which, within a stream."""
        order = np.lexsort((np.arange(len(of)), stream, of))
        of, number, stream = of[order], number[order], stream[order]
        follows = np.flatnonzero((of[1:] == of[:-1]) & (stream[1:] == stream[:-1])) + 1
        if len(follows):
            steps = np.bincount(of[follows], minlength=len(at))
            ups = np.bincount(of[follows], number[follows] > number[follows - 1], len(at))
            some = np.flatnonzero(steps)
            self._fields.step(at[some], steps[some], ups[some].astype(np.int64))

    def explain(self, events: EventBatch, row: int) -> str:
        """`status 503; usual 200 201 304`: the oddest field of an event that was just scored; "" where none is."""
        if events.values is None:
            return ""
        best, said = 0.0, ""
        for column in events.values.take(row, row + 1).columns():
            look = self._look(column, events.source[row : row + 1])
            if not np.isnan(look.nats[0]) and look.nats[0] > best:
                best, said = float(look.nats[0]), self._told(column, look)
        return said

    def _told(self, column: FieldColumn, look: _Look) -> str:
        if column.numbers is not None:
            value = told(float(column.numbers[0]))
        else:
            value = column.words[int(column.code[0])] if column.words is not None and column.code is not None else ""
        if look.apart[0]:
            entry = int(self._fields.table.find(look.held.keys)[0])
            names = [text.decode("utf-8", "replace") for _, text in self._fields.slots(entry)[:SHOWN]]
            return f"{column.name} {value}; usual {' '.join(sorted(names))}"
        at = int(self._fields.sketches.find(look.held.keys)[0])
        low, high = usual(self._fields.sketches.values[at])
        return f"{column.name} {value}; usual {told(low)} to {told(high)}"

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._fields.changes()
        yield from self._seen.changes("seen")
        yield from self._texts.changes("texts")
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._fields.restore(cells)
        self._seen.restore("seen", cells)
        self._texts.restore("texts", cells)
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")


def _value_keys(column: FieldColumn) -> UInt64:
    """Keys [k] of a column's values."""
    if column.numbers is not None:
        return number_keys(column.numbers)
    if column.code is None or column.words is None:
        return np.zeros(len(column.rows), dtype=np.uint64)
    used, back = np.unique(column.code, return_inverse=True)
    keys: UInt64 = word_keys([column.words[i] for i in used.tolist()])[back.reshape(-1)]
    return keys


def _texts_of(value: UInt64, number: Float64, texts: dict[str, NDArray[Any]]) -> NDArray[np.bytes_]:
    """What people call values [p]: words as they were said, numbers as they are written."""
    known, first = np.unique(texts["value"], return_index=True)
    at = np.minimum(np.searchsorted(known, value), max(len(known) - 1, 0))
    out = np.array([told(one).encode()[:TEXT] for one in number.tolist()], dtype=f"S{TEXT}")
    if len(known):
        word = known[at] == value
        out[word] = texts["text"][first[at[word]]]
    return out
