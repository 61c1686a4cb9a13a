"""The words of each line's head: where they begin and end, and which of them name a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.head import Head
from logwatch.types import Int8, Int64

UNKNOWN, TRACE, DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL = range(8)

LEVELS = {
    "TRACE": TRACE, "TRC": TRACE, "FINEST": TRACE, "FINER": TRACE, "SILLY": TRACE, "VERBOSE": TRACE, "TRACE1": TRACE,
    "DEBUG": DEBUG, "DBG": DEBUG, "FINE": DEBUG, "DEBU": DEBUG, "DEBUG1": DEBUG, "DEBUG2": DEBUG, "DEBUG3": DEBUG,
    "DEBUG4": DEBUG, "DEBUG5": DEBUG, "CONFIG": DEBUG, "TRACE2": TRACE, "TRACE3": TRACE,
    "INFO": INFO, "INF": INFO, "INFORMAT": INFO, "LOG": INFO, "DETAIL": INFO, "HINT": INFO, "STATEMEN": INFO,
    "CONTEXT": INFO, "SYSTEM": INFO, "QUERY": INFO, "LOCATION": INFO,
    "NOTICE": NOTICE, "NOTE": NOTICE,
    "WARN": WARNING, "WARNING": WARNING, "WRN": WARNING,
    "ERROR": ERROR, "ERR": ERROR, "EROR": ERROR, "ERRO": ERROR, "SEVERE": ERROR, "FAILURE": ERROR,
    "FATAL": CRITICAL, "CRITICAL": CRITICAL, "CRIT": CRITICAL, "PANIC": CRITICAL, "EMERG": CRITICAL,
    "EMERGENC": CRITICAL, "ALERT": CRITICAL, "FTL": CRITICAL, "DPANIC": CRITICAL, "CRI": CRITICAL,
}  # fmt: skip
_LONG = {"INFORMAT": 11, "EMERGENC": 9, "STATEMEN": 9}  # words of more than eight letters, by their first eight
LETTERS = {
    "V": TRACE, "T": TRACE, "D": DEBUG, "I": INFO, "N": NOTICE, "W": WARNING, "E": ERROR, "C": CRITICAL,
    "F": CRITICAL, "A": CRITICAL, "S": CRITICAL,
}  # fmt: skip
REDIS = {".": DEBUG, "-": INFO, "*": NOTICE, "#": WARNING}
SYSLOG = (CRITICAL, CRITICAL, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG)
"""Levels of the severities of RFC 5424."""


def _key(word: str) -> int:
    return int.from_bytes(word[:8].encode().ljust(8, b"\0"), "little")


_ORDER = sorted(LEVELS, key=_key)
_KEYS = np.array([_key(word) for word in _ORDER], dtype=np.uint64)
_LEVEL = np.array([LEVELS[word] for word in _ORDER], dtype=np.int8)
_LENGTH = np.array([_LONG.get(word, len(word)) for word in _ORDER], dtype=np.int64)
# A multiplicative hash without collisions among the words: one look-up instead of a binary search.
_BITS = 12


def _perfect() -> tuple[np.uint64, Int64]:
    rng = np.random.default_rng(1)
    while True:
        factor = np.uint64(int(rng.integers(1, 2**63)) * 2 + 1)
        slots = ((_KEYS * factor) >> np.uint64(64 - _BITS)).astype(np.int64)
        if len(np.unique(slots)) == len(slots):
            table = np.zeros(1 << _BITS, dtype=np.int64)
            table[slots] = np.arange(len(slots))
            return factor, table


_FACTOR, _TABLE = _perfect()
_KEEP = np.array([(1 << (8 * k)) - 1 for k in range(8)] + [2**64 - 1], dtype=np.uint64)


def level_of(head: Head, start: Int64, end: Int64) -> Int8:
    """Level [m] that the bytes from start to end name in letters of any case, -1 where none."""
    length = end - start
    found = np.full(len(start), -1, dtype=np.int8)
    rows = np.flatnonzero((length >= 3) & (length <= 11))
    if not len(rows):
        return found
    word = head.bytes_at(start[rows], 8)
    lower = (word - np.uint8(97)) < 26
    key = (word - (lower * np.uint8(32))).view(np.uint64).ravel() & _KEEP[np.minimum(length[rows], 8)]
    at = _TABLE[((key * _FACTOR) >> np.uint64(64 - _BITS)).astype(np.int64)]
    hit = (_KEYS[at] == key) & (_LENGTH[at] == length[rows])
    found[rows[hit]] = _LEVEL[at[hit]]
    return found


@dataclass(slots=True)
class Words:
    """Words of all heads, parted by blanks; `start` and `end` have as many entries as there are words, and one more
    behind the last that is past everything."""

    start: Int64  # flat positions, ascending
    end: Int64

    def first(self, at: Int64) -> Int64:
        """Index of the first word that begins at or after each position; it may lie behind all heads."""
        return np.minimum(np.searchsorted(self.start, at), len(self.start) - 1)


def words_of(head: Head) -> Words:
    """Split at blanks, tabs and bars."""
    blank = head.flat <= 32
    blank[np.flatnonzero(head.flat == 124)] = True
    edge = np.flatnonzero(blank[1:] != blank[:-1]) + 1
    far = np.int64(len(head.flat))
    return Words(np.append(edge[0::2], far), np.append(edge[1::2], far))


def table_of(marks: dict[str, int]) -> NDArray[np.int8]:
    """Level by byte, -1 for others."""
    table = np.full(256, -1, dtype=np.int8)
    for mark, level in marks.items():
        table[ord(mark)] = level
    return table


LETTER_TABLE = table_of(LETTERS)
REDIS_TABLE = table_of(REDIS)


def trimmed(head: Head, start: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Words without the brackets before and the brackets, commas and colons behind; and their last byte."""
    start = start + OPEN[head.flat[start]]
    for _ in range(2):
        end = end - (CLOSE[head.flat[end - 1]] & (end > start))
    return start, end


def byte_set(chars: bytes) -> NDArray[np.bool_]:
    """Table [256] of the bytes in `chars`."""
    table = np.zeros(256, dtype=np.bool_)
    table[np.frombuffer(chars, dtype=np.uint8)] = True
    return table


OPEN = byte_set(b"[(<")
CLOSE = byte_set(b"]),:>")
