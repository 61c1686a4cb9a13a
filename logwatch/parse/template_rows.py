"""Patterns of one length as a matrix: which one matches a line, and which of them are one statement in truth.

A line differs from each pattern in a set of slots D. Where patterns differ from it in the same few slots and agree in
all others, each of these slots is judged by all that was seen there (`template_evidence`): where all are variables, the
patterns are one. So several words that vary together are seen as well as one, which counting slot by slot cannot.
Slot 0 is the scope: patterns of other scopes are no evidence, and equal texts of two scopes are one template.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from logwatch.parse.kept import realm_of, without_realm
from logwatch.parse.template import Pattern
from logwatch.parse.template_evidence import SURE, odds
from logwatch.parse.template_heads import Recent
from logwatch.parse.template_words import MASKED, OPEN, Words
from logwatch.types import Bool, Int32, Int64

MAX_ROWS = 2_048
"""Patterns of one length: bounds the time of one comparison (0.1 ms)."""

MAX_TRIES = 24
"""Sets of slots that are tried for one line: bounds the time of learning (1 ms)."""

MAX_OPEN = 4
"""Slots opened at once; more than that vary together only in lines that say different things."""

TOLD_ANYWHERE = 2
"""Constant words that make a text the same statement whatever scope it comes from."""


class Joined(NamedTuple):
    """Templates that turned out to be one."""

    pattern: Pattern
    ids: list[int]  # ascending: the first one stays


def all_of(ids: Int32) -> Bool:
    """Evidence that does not age."""
    return np.ones(len(ids), np.bool_)


class Rows:
    """The patterns of one length, and of one realm."""

    def __init__(self, length: int, words: Words) -> None:
        self.words = words
        self.count = 0
        self.ids: Int32 = np.zeros(16, np.int32)
        self.table: Int32 = np.zeros((length + 1, 16), np.int32)
        self._latest: tuple[int, list[int]] | None = None
        """Id and words of the latest match, where no older pattern shares lines with it: a flood is of one."""
        self.power: Int64 = np.left_shift(np.int64(1), np.arange(length + 1, dtype=np.int64))

    def add(self, id: int, pattern: Pattern) -> None:
        """Append one row."""
        self._latest = None
        if self.count == len(self.ids):
            self.ids = np.concatenate([self.ids, np.zeros_like(self.ids)])
            self.table = np.concatenate([self.table, np.zeros_like(self.table)], axis=1)
        self.ids[self.count] = id
        numbers = self.words.intern(slots(pattern))
        self.table[:, self.count] = numbers
        self.words.count(numbers[1:], 1)
        self.count += 1

    def remove(self, ids: Sequence[int]) -> None:
        """Drop the rows of these ids."""
        self._latest = None
        dropped = np.isin(self.ids[: self.count], ids)
        for column in np.flatnonzero(dropped).tolist():
            self.words.count(self.table[1:, column].tolist(), -1)
        keep = np.flatnonzero(~dropped)
        self.count = len(keep)
        self.ids[: self.count] = self.ids[keep]
        self.table[:, : self.count] = self.table[:, keep]

    def alive(self) -> list[int]:
        """Ids of all rows."""
        ids: list[int] = self.ids[: self.count].tolist()
        return ids

    def match(self, pattern: Pattern) -> int:
        """Id of the oldest pattern that the line matches; -1 for none."""
        known = self.words.known(slots(pattern))
        if self._latest is not None and all(a in (b, OPEN) for a, b in zip(self._latest[1], known, strict=True)):
            return self._latest[0]
        matching = np.flatnonzero(self._matching(np.array(known, np.int32)))
        if not len(matching):
            return -1
        column = matching[self.ids[matching].argmin()]
        id, row = int(self.ids[column]), self.table[:, column]
        shared = self._shared(row) & (self.ids[: self.count] < id)
        self._latest = None if shared.any() else (id, row.tolist())
        return id

    def join(self, pattern: Pattern, recent: Recent = all_of) -> Joined | None:
        """The patterns that, with this new line, are one template; None while there is too little evidence.

        Args:
            pattern: the line's.
            recent: which of some ids, variants of one statement, still count as evidence.
        """
        table = self.table[:, : self.count]
        line = np.array(self.words.intern(slots(pattern)), np.int32)
        differ = (table != line[:, None]) & (table != OPEN)
        bits = self.power @ differ
        for open_bits in self._candidates(bits, len(line)):
            members = np.flatnonzero((bits & ~open_bits) == 0)
            members = members[recent(self.ids[members])]
            if not len(members):
                continue
            joined = self._judge(line, table[:, members], int(open_bits), pattern)
            if joined is not None:
                covered = ((table == joined[:, None]) | (joined == OPEN)[:, None]).all(axis=0)
                ids = sorted(self.ids[: self.count][covered].tolist())
                words = [self.words.word[number] for number in joined]
                scope = realm_of(pattern.scope) + words[0]
                return Joined(Pattern(scope, tuple(words[1:]), pattern.separators), ids)
        return None

    def crossed(self, pattern: Pattern, id: int) -> bool:
        """Whether a younger pattern shares lines with this one: then cached answers may be out of date."""
        line = np.array(self.words.known(slots(pattern)), np.int32)
        return bool((self._shared(line) & (self.ids[: self.count] > id)).any())

    def _shared(self, row: Int32) -> Bool:
        """Patterns [n] that some line matches as well as this one."""
        table, row = self.table[:, : self.count], row[:, None]
        shared: Bool = ((table == row) | (table == OPEN) | (row == OPEN)).all(axis=0)
        return shared

    def _matching(self, line: Int32) -> Bool:
        table = self.table[:, : self.count]
        matching: Bool = ((table == line[:, None]) | (table == OPEN)).all(axis=0)
        return matching

    def _candidates(self, bits: Int64, length: int) -> list[int]:
        sets, counts = np.unique(bits, return_counts=True)
        most = min(MAX_OPEN, max(1, (length - 1) // 2))
        ranked = sorted(
            (s.bit_count(), -c, s)
            for s, c in zip(sets.tolist(), counts.tolist(), strict=True)
            if s and s.bit_count() <= most and (s == 1 or not s & 1)
        )
        return [s for _, _, s in ranked[:MAX_TRIES]]

    def _judge(self, line: Int32, members: Int32, open_bits: int, pattern: Pattern) -> Int32 | None:
        """The line with these slots open, where the members are evidence enough; else None."""
        if open_bits == 1 and np.count_nonzero(line[1:] > MASKED) < TOLD_ANYWHERE:
            return None
        opened = [slot for slot in range(len(line)) if open_bits >> slot & 1]
        joined = np.where((members == OPEN).any(axis=1), np.int32(OPEN), line)
        joined[opened] = OPEN
        if open_bits == 1:
            return joined
        if not np.count_nonzero(joined[1:] > MASKED):
            return None
        rest: list[int] = joined[1:].tolist()
        for slot in opened:
            values = np.unique(np.append(members[slot], line[slot]))
            if len(values) < 2:
                return None
            if not self._counted(rest, slot, values) and odds(pattern, self.words, rest, slot - 1, values) < SURE:
                return None
        return joined

    def _counted(self, rest: list[int], slot: int, values: Int32) -> bool:
        """`1 byte`, `2 bytes`."""
        if len(values) != 2 or slot < 2 or rest[slot - 2] > MASKED:
            return False
        numbers: list[int] = values.tolist()
        short, long = sorted((self.words.word[number] for number in numbers), key=len)
        return short + "s" == long


def slots(pattern: Pattern) -> tuple[str, ...]:
    """Slot 0 is the scope, the others are the words."""
    return (without_realm(pattern.scope), *pattern.words)
