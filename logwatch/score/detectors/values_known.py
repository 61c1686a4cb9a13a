"""What is known of named values, and how odd the next ones are: the fields of rows, or the places in texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Flag
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.table import UInt64
from logwatch.score.detectors.values_fields import Fields
from logwatch.score.detectors.values_keys import TEXT, Held, held, number_keys, told, word_keys
from logwatch.score.detectors.values_sketch import usual
from logwatch.score.detectors.values_text import shown
from logwatch.types import Bool, FieldColumn, Float64, Int32, Int64

SHOWN = 3
"""Usual values named in an alert."""


SMALL = 512
"""Whole numbers below it are looked up once for all rows that have them."""
DENSE = 1 << 18
"""Values of a batch that are told apart by their place in an array, at most."""


class Look(NamedTuple):
    """A column against what is known of its fields."""

    held: Held
    nats: Float64  # [k] NaN without an opinion
    keep: Bool  # [k] to be learned: its values are told apart, or are numbers
    keys: UInt64  # [k] of the values
    apart: Bool  # [f]


class Known:
    """What is known of named values of sources, a chunk's end old, and the values of the open chunk.

    Args:
        fields: names, with what is remembered of each.
        least: values that a chunk must bring of a new name: what varies may stand where a name does.
        high_only: small numbers are no news.
    """

    def __init__(self, fields: Fields, least: int = 1, high_only: bool = False) -> None:
        self.fields = fields
        self._least, self._high_only = least, high_only
        self._seen = Pending(at="i8", source="i4", field="u8", value="u8", number="f8")
        self._texts = Pending(value="u8", text=f"S{TEXT}")

    def look(self, column: FieldColumn, source: Int32, chunk: int) -> Look:
        """How odd the values of a column are; `source` of each row of the batch, `chunk`: number of the open one."""
        fields = held(column, source)
        numeric = column.numbers is not None
        at, apart, spread = self.fields.kinds(fields.keys, chunk, numeric)
        keep = (apart | numeric)[fields.of]
        keys = np.zeros(len(column.rows), dtype=np.uint64)
        nats = np.full(len(column.rows), np.nan)
        if apart.any():
            keys = _value_keys(column)
        rows = np.flatnonzero((apart & (at >= 0))[fields.of])
        if len(rows):
            nats[rows] = self._rarity(at, fields.of[rows], keys[rows], *_codes(column, rows))
        if column.numbers is not None and spread.any():
            rows = np.flatnonzero(spread[fields.of])
            nats[rows] = self.fields.tail(fields.keys, fields.of[rows], column.numbers[rows], self._high_only)
        return Look(fields, nats, keep, keys, apart)

    def _rarity(self, at: Int64, of: Int64, keys: UInt64, code: Int64, width: int) -> Float64:
        """Nats [k] of values `keys` [k] of the fields at entries `at[of]`: each different one is looked up once, as
        lines say few different things; `code` [k] tells them apart, below `width`, −1 where it does not."""
        nats = np.empty(len(of))
        alone = np.flatnonzero(code < 0)
        if len(at) * width > DENSE:
            alone = np.arange(len(of))
        nats[alone] = self.fields.rarity(at[of[alone]], keys[alone])
        if len(alone) < len(of):
            rows = np.flatnonzero(code >= 0)
            value = of[rows] * width + code[rows]
            one = np.full(len(at) * width, -1, dtype=np.int64)
            one[value] = rows
            different = np.flatnonzero(one >= 0)
            known = np.empty(len(one))
            known[different] = self.fields.rarity(at[of[one[different]]], keys[one[different]])
            nats[rows] = known[value]
        return nats

    def remember(self, column: FieldColumn, look: Look, events: EventBatch) -> None:
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

    def learn(self, events: EventBatch, chunk: int) -> None:
        """The open chunk ends, number `chunk`: learn the values of events that did not alert."""
        seen, texts = self._seen.take(), self._texts.take()
        row = seen["at"] - events.first
        calm = np.flatnonzero((events.flags[row] & np.uint8(Flag.ALERTED)) == 0)
        if len(calm):
            order = calm[np.lexsort((seen["value"][calm], seen["at"][calm], seen["field"][calm]))]
            self._learn({name: one[order] for name, one in seen.items()}, events.stream[row[order]], texts, chunk)

    def _learn(self, seen: dict[str, NDArray[Any]], stream: Int32, texts: dict[str, NDArray[Any]], chunk: int) -> None:
        """Rows by field, then in the order of the stream."""
        head = np.flatnonzero(np.r_[True, seen["field"][1:] != seen["field"][:-1]])
        of = np.repeat(np.arange(len(head)), np.diff(np.r_[head, len(seen["field"])]))
        keys = seen["field"][head]
        order = np.lexsort((keys, seen["at"][head]))  # of appearance: the first ones find room
        if self._least > 1:
            order = order[((np.bincount(of) >= self._least) | (self.fields.table.find(keys) >= 0))[order]]
        at = np.full(len(head), -1, dtype=np.int64)
        at[order] = self.fields.admit(keys[order], seen["source"][head][order].astype(np.int64), chunk)
        rows = np.flatnonzero(at[of] >= 0)
        apart = ~(self.fields.table.values["wide"][at] > chunk)
        told_apart = rows[apart[of[rows]]]
        if len(told_apart):
            self._count(at, of[told_apart], seen["value"][told_apart], seen["number"][told_apart], texts, chunk)
        numbers = rows[~apart[of[rows]]]
        if len(numbers):
            some, back = np.unique(of[numbers], return_inverse=True)
            self.fields.spread(keys[some], back.reshape(-1), seen["number"][numbers], chunk)
        self._step(at, of[rows], seen["number"][rows], stream[rows])
        some, back = np.unique(of[rows], return_inverse=True)
        most = np.full(len(some), -np.inf)
        np.maximum.at(most, back.reshape(-1), seen["number"][rows])
        self.fields.peak(at[some], most)

    def _count(
        self, at: Int64, of: Int64, value: UInt64, number: Float64, texts: dict[str, NDArray[Any]], chunk: int
    ) -> None:
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
        self.fields.count(at[fields], back.reshape(-1), value[first], words, times, chunk)

    def _step(self, at: Int64, of: Int64, number: Float64, stream: Int32) -> None:
        """Which numbers follow which, within a stream."""
        order = np.lexsort((np.arange(len(of)), stream, of))
        of, number, stream = of[order], number[order], stream[order]
        follows = np.flatnonzero((of[1:] == of[:-1]) & (stream[1:] == stream[:-1])) + 1
        if len(follows):
            steps = np.bincount(of[follows], minlength=len(at))
            ups = np.bincount(of[follows], number[follows] > number[follows - 1], len(at))
            some = np.flatnonzero(steps)
            self.fields.step(at[some], steps[some], ups[some].astype(np.int64))

    def told(self, column: FieldColumn, look: Look, at: int) -> str:
        """`status 503; usual 200 201 304`: value number `at` of a column, as people may read it."""
        name = shown(column, at)
        if column.numbers is not None:
            value = told(float(column.numbers[at]))
        else:
            value = column.words[int(column.code[at])] if column.words is not None and column.code is not None else ""
        of = look.held.of[at]
        key = look.held.keys[of : of + 1]
        if look.apart[of]:
            entry = int(self.fields.table.find(key)[0])
            names = [text.decode("utf-8", "replace") for _, text in self.fields.slots(entry)[:SHOWN]]
            return f"{name} {value}; usual {' '.join(sorted(names))}"
        entry = int(self.fields.sketches.find(key)[0])
        low, high = usual(self.fields.sketches.values[entry])
        return f"{name} {value}; usual {told(low)} to {told(high)}"

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; names begin with `prefix`."""
        yield from self.fields.changes(prefix)
        yield from self._seen.changes(f"{prefix}seen")
        yield from self._texts.changes(f"{prefix}texts")

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self.fields.restore(prefix, cells)
        self._seen.restore(f"{prefix}seen", cells)
        self._texts.restore(f"{prefix}texts", cells)


def _codes(column: FieldColumn, rows: Int64) -> tuple[Int64, int]:
    """Small numbers [k] that tell values `rows` [k] apart, −1 where there is none, and what all are below."""
    if column.code is not None and column.words is not None:
        return column.code[rows].astype(np.int64), len(column.words)
    numbers = np.zeros(len(rows)) if column.numbers is None else column.numbers[rows]
    small = (numbers >= 0) & (numbers < SMALL)
    code = np.where(small, numbers, -1.0).astype(np.int64)
    return np.where(code == numbers, code, -1), SMALL


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
