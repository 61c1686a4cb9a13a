"""The header of each line: level, logger, and where the message begins.

From the end of the time, word after word is taken off while it is one that headers are made of: a level, a process
or thread number, a thread in brackets, a host and a program, a logger. Words that only may belong to the header
(plain numbers, a host) go only if one follows that surely does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.head import PAD, Head
from logwatch.parse.stamps import Form, Stamps
from logwatch.parse.words import LETTER_TABLE, REDIS_TABLE, Words, byte_set, level_of, trimmed, words_of
from logwatch.types import Bool, Int8, Int64, UInt8

STEPS = 8
"""Words of a header at most; what follows is the message's."""
_GROUP = 250  # bytes of a thread or request in brackets at most
_NAME = 80  # bytes of a logger's name at most
_SEEN = 32  # bytes of a word that are looked at
_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_DIGIT = b"0123456789"
_LETTER = byte_set(_LOWER + _LOWER.upper() + b"_/")
_DASH = byte_set(b"-:>,")
REDIS_ROLE = byte_set(b"MSCX")
"""The byte before the time of a Redis process."""
# Traits of bytes; a word has those of all its bytes.
_NOT_NAME, _NOT_UPPER, _NOT_NUMBER, _HAS_DIGIT, _MARK, _DOT, _IS_UPPER, _IS_LOWER = (1 << k for k in range(8))


def _traits() -> UInt8:
    table = np.zeros(256, dtype=np.uint8)
    for trait, chars, inside in (
        (_NOT_NAME, _LOWER + _LOWER.upper() + _DIGIT + b"_.$/-@()[]#*<>+:", False),
        (_NOT_UPPER, _LOWER.upper() + b"_", False),
        (_NOT_NUMBER, _DIGIT + b"#[](),:", False),
        (_HAS_DIGIT, _DIGIT, True),
        (_MARK, b".$[@", True),  # not in words, but in names of loggers
        (_DOT, b".", True),
        (_IS_UPPER, _LOWER.upper(), True),
        (_IS_LOWER, _LOWER, True),
    ):
        table[byte_set(chars) == inside] |= trait
    return table


_TRAITS = _traits()
_INSIDE = np.where(np.arange(_SEEN) < np.arange(_SEEN + 1)[:, None], 0xFF, 0).astype(np.uint8)  # [length] -> mask


@dataclass(slots=True)
class Headers:
    """Headers of n lines."""

    level: Int8  # [n] -1: none found
    message: Int64  # [n] column where the message begins; the blanks before it are still there
    scope_start: Int64  # [n] columns of the logger's name; equal where there is none
    scope_end: Int64  # [n]

    def take(self, rows: Int64) -> Headers:
        """Some of them, copied."""
        return Headers(self.level[rows], self.message[rows], self.scope_start[rows], self.scope_end[rows])


@dataclass(slots=True)
class _Look:
    """The word that each of the m lines still being read stands at. Positions are flat."""

    row: Int64  # line
    index: Int64  # number of the word
    start: Int64
    end: Int64
    core: Int64  # without brackets and commas
    core_end: Int64
    first: UInt8  # its first and last byte
    last: UInt8
    traits: UInt8  # or-ed: see _TRAITS

    def only(self, rows: Bool | Int64) -> _Look:
        """Some of them."""
        return _Look(*(getattr(self, name)[rows] for name in self.__slots__))


def read(raw: list[bytes], head: Head, stamps: Stamps) -> Headers:
    """Headers of all lines of a batch."""
    return _Reader(raw, head, stamps).read()


class _Reader:
    """Takes headers off, one word of every line at a time."""

    def __init__(self, raw: list[bytes], head: Head, stamps: Stamps) -> None:
        self.raw = raw
        self.head, self.stamps, self.flat = head, stamps, head.flat
        self.words: Words = words_of(head)
        self.base = head.base()
        self.message = self.base + stamps.end
        self.level = np.full(head.n, -1, dtype=np.int8)
        self.lettered = np.zeros(head.n, dtype=np.bool_)  # its level is a letter: Android
        self.requested = np.zeros(head.n, dtype=np.bool_)  # a bracket followed its logger
        self.scope_start, self.scope_end = self.base.copy(), self.base.copy()
        self.closing: Int64 | None = None

    def read(self) -> Headers:
        row = np.flatnonzero(self.flat[self.base] != 123)  # a line that begins with '{' is JSON: no header
        index = self.words.first(self.message[row])
        for step in range(STEPS):
            look = self._look(row, index)
            if not len(look.row):
                break
            row, index = self._step(look, step)
        base = self.base
        return Headers(self.level, self.message - base, self.scope_start - base, self.scope_end - base)

    def _look(self, row: Int64, index: Int64) -> _Look:
        start, end = self.words.start[index], self.words.end[index]
        inside = start < self.base[row] + self.head.stride
        if not inside.all():
            row, index, start, end = row[inside], index[inside], start[inside], end[inside]
        core, core_end = trimmed(self.head, start, end)
        if not len(row):
            return _Look(row, index, start, end, core, core_end, self.flat[:0], self.flat[:0], self.flat[:0])
        traits = _folded(_TRAITS[self.head.bytes_at(start, _SEEN)] & _INSIDE[np.minimum(end - start, _SEEN)])
        return _Look(row, index, start, end, core, core_end, self.flat[start], self.flat[end - 1], traits)

    def _step(self, look: _Look, step: int) -> tuple[Int64, Int64]:
        """Take one word off each line that has a header's word; the lines that go on, and their next words."""
        colon, opened = look.last == 58, look.core > look.start
        level, quiet = self._levels(look, step, opened, colon)
        number = ~level & (look.traits & (_NOT_NUMBER | _HAS_DIGIT) == _HAS_DIGIT)
        group, close = self._groups(look, opened & ~level & ~number)
        group |= opened & colon & (step == 2) & (self.stamps.form[look.row] == Form.SYSLOG)
        dash = ~level & ~number & ~group & (look.end - look.start <= 3) & _DASH[look.first] & _DASH[look.last]
        rest = np.flatnonzero(~(level | number | group | dash | quiet))
        named, goes_on, weak = self._names(look, rest, step, colon)
        barred = self.flat[look.end] == 124
        strong = level | group | (number & (opened | colon | barred)) | named
        after = dash & (self.message[look.row] == self.words.end[look.index - 1]) & (step > 0)
        strong |= after
        end = np.where(group, close, look.end)
        self.message[look.row[strong]] = end[strong]
        over = (named & ~goes_on) | (level & colon & ~opened) | (after & (self.level[look.row] >= 0))
        go = (strong | number | dash | weak) & ~over
        index = look.index + 1
        if group.any():
            index[group] = self.words.first(close[group])
        return look.row[go], index[go]

    def _levels(self, look: _Look, step: int, opened: Bool, colon: Bool) -> tuple[Bool, Bool]:
        """Words that are a level and part of the header; and those that only begin a message ("error: ...")."""
        level = level_of(self.head, look.core, look.core_end)
        rows = np.flatnonzero(opened & (level < 0) & (look.end - look.start <= 26))
        if len(rows):  # [module:level]
            tail = self.head.bytes_at(look.core_end[rows] - 8, 8)
            cut = 8 - np.argmax(tail[:, ::-1] == 58, axis=1)
            level[rows] = level_of(self.head, look.core_end[rows] - 8 + cut, look.core_end[rows])
        single = np.flatnonzero(look.end - look.start == 1)
        if len(single):
            level[single] = self._marks(look.only(single), step)
        # "Notice of ..." begins a sentence; "Info    CBS" is a column, "Info:" and "[Info]" are marked.
        bare = (level >= 0) & ~opened & ~colon & (look.first < 91) & (self.flat[look.start + 1] > 96)
        level[bare & (self.flat[look.end] == 32) & (self.flat[look.end + 1] > 32)] = -1
        fresh = (level >= 0) & (self.level[look.row] < 0)
        self.level[look.row[fresh]] = level[fresh]
        lower = (self.flat[look.core] >= 97) & ~opened
        quiet = fresh & lower & (colon | (step > 0))
        return fresh & ~quiet, quiet

    def _marks(self, look: _Look, step: int) -> Int8:
        """Levels of words of one letter: Android's behind its numbers, Redis's behind the time."""
        if step > 0:
            self.lettered[look.row] |= LETTER_TABLE[look.first] >= 0
            return LETTER_TABLE[look.first]
        before = self.flat[self.base[look.row] + self.stamps.start[look.row] - 2]
        redis = (self.stamps.start[look.row] > 2) & REDIS_ROLE[before]
        return np.where(redis, REDIS_TABLE[look.first], np.int8(-1))

    def _closing(self) -> Int64:
        """Where brackets close that a blank or a colon follows."""
        if self.closing is None:
            at = np.flatnonzero(self.flat[:-1] == 93)
            after = self.flat[at + 1]
            self.closing = np.append(at[(after <= 32) | (after == 58)], 2 * len(self.flat))
        return self.closing

    def _groups(self, look: _Look, opened: Bool) -> tuple[Bool, Int64]:
        """Threads, requests and clients in brackets, and where they end; one at most behind a logger."""
        close = look.end.copy()
        group = np.zeros(len(look.row), dtype=np.bool_)
        scoped = self.scope_end[look.row] > self.scope_start[look.row]
        rows = np.flatnonzero(opened & (look.first == 91) & ~(scoped & self.requested[look.row]))
        if not len(rows):
            return group, close
        row = look.row[rows]
        at = self._closing()[np.searchsorted(self._closing(), look.start[rows])]
        limit = np.minimum(look.start[rows] + _GROUP, self.base[row] + self.head.stride)
        group[rows] = at < limit
        close[rows] = np.minimum(at + 1 + (self.flat[np.minimum(at + 1, len(self.flat) - 1)] == 58), limit)
        self.requested[row] |= scoped[rows]
        far = np.flatnonzero(at >= limit)
        if len(far):
            self._far(row[far], look.start[rows[far]])
        return group, close

    def _far(self, row: Int64, start: Int64) -> None:
        """Brackets that may close beyond the head: there the message begins."""
        begins, raw = (start - self.base[row]).tolist(), self.raw
        ends = [raw[i].find(b"] ", a, a + _GROUP) + 1 for i, a in zip(row.tolist(), begins, strict=True)]
        end = np.array(ends, dtype=np.int64)
        beyond = end > self.head.stride - PAD
        self.message[row[beyond]] = self.base[row[beyond]] + end[beyond]

    def _names(self, look: _Look, rows: Int64, step: int, colon: Bool) -> tuple[Bool, Bool, Bool]:
        """Words that are loggers or hosts: surely (and whether the header goes on after them), or maybe."""
        named, goes_on, weak = (np.zeros(len(look.row), dtype=np.bool_) for _ in range(3))
        ok = _LETTER[look.first[rows]] & (look.end[rows] - look.start[rows] <= _NAME)
        ok &= (look.traits[rows] & _NOT_NAME) == 0
        rows = rows[ok & (self.stamps.end[look.row[rows]] > 0)]
        if not len(rows):
            return named, goes_on, weak
        word = look.only(rows)
        fresh = self.scope_end[word.row] == self.scope_start[word.row]
        ended = colon[rows]
        behind, behind_end = self.words.start[word.index + 1], self.words.end[word.index + 1]
        there = behind < self.base[word.row] + self.head.stride
        behind, behind_end = np.where(there, behind, 1), np.where(there, behind_end, 2)
        first, last, length = self.flat[behind], self.flat[behind_end - 1], behind_end - behind
        form = self.stamps.form[word.row]
        host = ~ended & (step == 0) & (form == Form.SYSLOG)
        dash = ~ended & there & _DASH[first] & (length <= 3) & ((step <= 1) | (self.level[word.row] >= 0))
        request = ~ended & there & (first == 91) & (self.level[word.row] >= 0) & (word.traits & _DOT > 0)
        upper = ~ended & (word.traits & _NOT_UPPER == 0)
        column = upper & there & (behind - word.end >= 2) & (self.level[word.row] >= 0)
        barred = self.flat[word.end] == 124
        syslog = form == Form.SYSLOG
        ended &= self._like_logger(word, (syslog & (step <= 1)) | ((form == Form.CLUSTER) & (step == 0)))
        process = syslog & (step == 1) & (word.last == 93)  # launchd[1] (com.apple.x[33]): ...
        klog = (form == Form.KLOG) & (word.last == 93)  # file.go:12]
        logger = fresh & (ended | dash | request | column | barred | process | klog)
        tagged = (last == 58) & (self.flat[behind_end - 2] == 93)
        tagged &= (step == 0) | ((step == 1) & syslog)
        maybe = (there & tagged) | (upper & (self.level[word.row] < 0))
        maybe |= self._at_database(word, there, behind, behind_end)
        weak[rows] = ~logger & ~host & maybe
        named[rows] = logger | host
        goes_on[rows] = ~colon[rows] & ~klog
        self._scope(word.only(logger))
        return named, goes_on, weak

    def _at_database(self, word: _Look, there: Bool, behind: Int64, behind_end: Int64) -> Bool:
        """PostgreSQL's user@database before its level."""
        found = np.zeros(len(word.row), dtype=np.bool_)
        rows = np.flatnonzero((word.traits & _MARK > 0) & there & (self.level[word.row] < 0))
        rows = rows[(self.flat[behind_end[rows] - 1] == 58) & (self.flat[behind[rows]] < 97)]
        if len(rows):
            found[rows] = level_of(self.head, behind[rows], behind_end[rows] - 1) >= 0
        return found

    def _like_logger(self, word: _Look, plain: Bool) -> Bool:
        """A word before a colon names a logger, not a person or a state: a dot, a process number, a CamelCase; or any
        word where a program must stand."""
        some: Bool = (word.traits & _MARK > 0) | plain | self.lettered[word.row]
        rows = np.flatnonzero(~some & (word.last == 58) & (word.traits & _IS_UPPER > 0) & (word.traits & _IS_LOWER > 0))
        if len(rows):
            look = _TRAITS[self.head.bytes_at(word.start[rows], _SEEN)]
            look &= _INSIDE[np.minimum(word.end[rows] - word.start[rows], _SEEN)]
            some[rows] = ((look[:, :-1] & _IS_LOWER > 0) & (look[:, 1:] & _IS_UPPER > 0)).any(axis=1)
        some &= self.stamps.form[word.row] != Form.COLUMN
        return some

    def _scope(self, word: _Look) -> None:
        """Keep the logger's name, without its colon and its process number."""
        end = word.end - (word.last == 58)
        squared = self.flat[end - 1] == 93
        at = end - 2
        for _ in range(8):  # back over [12345]
            at = at - (squared & self.head.digit[at])
        number = squared & ((self.flat[at] == 91) | (self.flat[at] == 58))  # file.go:12] too
        end = np.where(number, at, end)
        self.scope_start[word.row], self.scope_end[word.row] = word.start, end


def _folded(traits: UInt8) -> UInt8:
    """All bytes of each row [m, 32] or-ed."""
    words = traits.view(np.uint64)
    all_of: NDArray[np.uint64] = words[:, 0] | words[:, 1] | words[:, 2] | words[:, 3]
    for shift in (32, 16, 8):
        all_of |= all_of >> np.uint64(shift)
    return all_of.astype(np.uint8)
