"""Patterns of one length as a matrix: which one matches a line, and which of them are one statement in truth.

A line differs from each pattern in a set of slots D. Where many patterns differ from it in the same few slots and
agree in all others, and each of these slots shows enough distinct values, the slots are variable and the patterns are
one. So several words that vary together are seen as well as one, which counting values slot by slot cannot.
Slot 0 is the scope: patterns of other scopes are no evidence, and equal texts of two scopes are one template.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from logwatch.parse.mask import ANY, VARIABLE
from logwatch.parse.template import Pattern, kind
from logwatch.types import Bool, Int32, Int64

OPEN = 0
"""Number of the word that matches every word."""
MASKED = 1
"""Number of a word that is nothing but a masked value."""

UNKNOWN = -1

MAX_ROWS = 2_048
"""Patterns of one length: bounds the time of one comparison (0.1 ms)."""

MAX_TRIES = 24
"""Sets of slots that are tried for one line: bounds the time of learning (1 ms)."""

MAX_OPEN = 4
"""Slots opened at once; more than that vary together only in lines that say different things."""

NEEDED = {"variable": 2, "identifier": 4, "word": 6}
"""Distinct values that make a slot variable, by what they look like."""
NEEDED_VALUE = 4
"""The same after `=` or an opening quote or bracket."""
NEEDED_FIRST = 12
"""The same for the first word: it is a verb or a name of a part more often than a value."""
BEFORE_NAMES = frozenset("as at by for from host in into of on to user via with".split())
"""After these words stands what is spoken of, seldom what is said of it."""


class Words:
    """Numbers of words, so that rows compare as integers; rebuilt from the rows when most words are dead."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {ANY: OPEN, VARIABLE: MASKED}
        self.word: list[str] = [ANY, VARIABLE]

    def known(self, words: Sequence[str]) -> list[int]:
        number = self.number
        return [number.get(word, UNKNOWN) for word in words]

    def intern(self, words: Sequence[str]) -> list[int]:
        for word in words:
            if word not in self.number:
                self.number[word] = len(self.word)
                self.word.append(word)
        return self.known(words)


class Joined(NamedTuple):
    """Templates that turned out to be one."""

    pattern: Pattern
    ids: list[int]  # ascending: the first one stays


class Rows:
    """The patterns of one length."""

    def __init__(self, length: int, words: Words) -> None:
        self.words = words
        self.count = 0
        self.ids: Int32 = np.zeros(16, np.int32)
        self.table: Int32 = np.zeros((length + 1, 16), np.int32)
        self.power: Int64 = np.left_shift(np.int64(1), np.arange(length + 1, dtype=np.int64))

    def add(self, id: int, pattern: Pattern) -> None:
        """Append one row."""
        if self.count == len(self.ids):
            self.ids = np.concatenate([self.ids, np.zeros_like(self.ids)])
            self.table = np.concatenate([self.table, np.zeros_like(self.table)], axis=1)
        self.ids[self.count] = id
        self.table[:, self.count] = self.words.intern(slots(pattern))
        self.count += 1

    def remove(self, ids: Sequence[int]) -> None:
        """Drop the rows of these ids."""
        keep = np.flatnonzero(~np.isin(self.ids[: self.count], ids))
        self.count = len(keep)
        self.ids[: self.count] = self.ids[keep]
        self.table[:, : self.count] = self.table[:, keep]

    def alive(self) -> list[int]:
        """Ids of all rows."""
        ids: list[int] = self.ids[: self.count].tolist()
        return ids

    def match(self, pattern: Pattern) -> int:
        """Id of the oldest pattern that the line matches; -1 for none."""
        line = np.array(self.words.known(slots(pattern)), np.int32)
        matching = self._matching(line)
        return int(self.ids[: self.count][matching].min()) if matching.any() else -1

    def join(self, pattern: Pattern) -> Joined | None:
        """The patterns that, with this new line, are one template; None while there is too little evidence."""
        table = self.table[:, : self.count]
        line = np.array(self.words.intern(slots(pattern)), np.int32)
        differ = (table != line[:, None]) & (table != OPEN)
        bits = self.power @ differ
        for open_bits in self._candidates(bits, len(line)):
            members = (bits & ~open_bits) == 0
            joined = self._judge(line, table[:, members], int(open_bits), pattern)
            if joined is not None:
                covered = ((table == joined[:, None]) | (joined == OPEN)[:, None]).all(axis=0)
                ids = sorted(self.ids[: self.count][covered].tolist())
                words = [self.words.word[number] for number in joined]
                return Joined(Pattern(words[0], tuple(words[1:]), pattern.separators), ids)
        return None

    def crossed(self, pattern: Pattern, id: int) -> bool:
        """Whether a younger pattern shares lines with this one: then cached answers may be out of date."""
        line = np.array(self.words.known(slots(pattern)), np.int32)[:, None]
        table = self.table[:, : self.count]
        both = ((table == line) | (table == OPEN) | (line == OPEN)).all(axis=0)
        return bool((both & (self.ids[: self.count] > id)).any())

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
        opened = [slot for slot in range(len(line)) if open_bits >> slot & 1]
        joined = np.where((members == OPEN).any(axis=1), np.int32(OPEN), line)
        joined[opened] = OPEN
        anys, constants = int(np.count_nonzero(joined[1:] == OPEN)), int(np.count_nonzero(joined[1:] > MASKED))
        if constants < max(anys, 1):
            return None
        if open_bits == 1:
            return joined
        for slot in opened:
            numbers = {*members[slot].tolist(), int(line[slot])}
            needed = self._needed(slot, numbers, pattern)
            if len(numbers) < (needed if constants > 1 else 2 * needed):
                return None
        return joined

    def _needed(self, slot: int, numbers: set[int], pattern: Pattern) -> int:
        looks = kind([self.words.word[number] for number in numbers])
        if looks == "variable":
            return NEEDED["variable"]
        before = pattern.separators[slot - 1].rstrip(" ")[-1:]
        if before and before in "=\"'([{<":
            return NEEDED_VALUE
        if slot == 1:
            return NEEDED_FIRST
        if pattern.words[slot - 2].lower() in BEFORE_NAMES:
            return NEEDED_VALUE
        return NEEDED[looks]


def slots(pattern: Pattern) -> tuple[str, ...]:
    """Slot 0 is the scope, the others are the words."""
    return (pattern.scope, *pattern.words)
