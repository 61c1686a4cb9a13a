"""A look at the first and last bytes of many lines at once: which of them may go on with the one before.

What is passed over here is a plain line; what is not is read by `join_lines`, one by one. Every answer depends on the
line alone, not on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.words import byte_set
from logwatch.types import Bool, Int64, UInt8

UInt32 = NDArray[np.uint32]

_PAD = b"\n" * 128  # more than is ever looked at beyond a line's start
_NEWLINE = 10
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_FIRST = byte_set(b" \t\n\r\v\f}])#")
_LETTER = byte_set(_LETTERS + _LETTERS.upper() + b"_$")
_IN_NAME = byte_set(_LETTERS + _LETTERS.upper() + b"0123456789_.$:\\\n(")
_PART = byte_set(_LETTERS + _LETTERS.upper() + b"0123456789_.$\\:")
_LAST, _BEFORE = byte_set(b"rnetp"), byte_set(b"olpiru")  # of Error, Exception, Throwable, Exit, Fault, Group
_OPENING = byte_set(b":{[(")
_WORDS = (
    b"Caus", b"caus", b"... ", b"Supp", b"--- ", b"Trac", b"Duri", b"The ", b"goro", b"crea", b"exit", b"stac", b"note",
    b"PHP ", b"Stac", b"Node", b"[sig", b"pani", b"fata", b"thre", b"Exce", b"Unha", b"Unca", b"Fata",
)  # fmt: skip
_WORD_FIRST = byte_set(bytes({word[0] for word in _WORDS}))
_NAME_BYTES = 128  # longest name of an exception that is recognised


def _fold(words: UInt32) -> UInt32:
    folded: UInt32 = (words ^ (words >> np.uint32(16))) & np.uint32(0xFFFF)
    return folded


_WORD_TABLE = np.zeros(1 << 16, dtype=np.bool_)
_WORD_TABLE[_fold(np.frombuffer(b"".join(_WORDS), dtype="<u4"))] = True


_ALARMING = np.zeros(1 << 16, dtype=np.bool_)
_ALARMING[[int.from_bytes(pair, "little") for pair in (b"RR", b"FA", b"CR", b"SE", b"PA")]] = True


@dataclass(slots=True)
class Look:
    """What n lines look like from afar."""

    candidate: Bool  # [n] to be read by itself
    opening: Bool  # [n] its last byte says that it may go on
    sole: Bool  # [n] a whole JSON object: nothing belongs to it


@dataclass(slots=True)
class Laid:
    """n lines in one buffer, from `at` to `end`, with bytes to read on behind the last one."""

    data: UInt8
    at: Int64  # [n]
    end: Int64  # [n]


def lay_out(lines: list[bytes]) -> Laid:
    """Lines one after the other, with a line end behind each."""
    sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    end = np.cumsum(sizes + 1) - 1
    return Laid(np.frombuffer(b"\n".join([*lines, _PAD]), dtype=np.uint8), end - sizes, end)


def look_at(laid: Laid, skip: Int64 | None = None) -> Look:
    """A look at n lines.

    Args:
        skip: bytes [n] before each line's content; None: none.
    """
    data, end = laid.data, laid.end
    at = laid.at if skip is None else laid.at + skip
    first, last = data[at], np.where(end > at, data[end - 1], _NEWLINE)
    sole = (first == 123) & (last == 125)
    candidate = _FIRST[first]
    _words(data, at, first, candidate)
    _names(data, at, first, candidate)
    candidate &= ~sole
    return Look(candidate, _OPENING[last] & ~sole, sole)


def words_at(data: UInt8, at: Int64, kind: str) -> NDArray[Any]:
    """Little-endian words ("<u4", "<u8") at any bytes of the buffer."""
    size = np.dtype(kind).itemsize
    found: NDArray[Any] = np.ndarray((len(data) - size + 1,), kind, data.data, strides=(1,))[at]
    return found


def _words(data: UInt8, at: Int64, first: UInt8, candidate: Bool) -> None:
    rows = np.flatnonzero(_WORD_FIRST[first])
    if len(rows):
        candidate[rows] |= _WORD_TABLE[_fold(words_at(data, at[rows], "<u4"))]


def _names(data: UInt8, at: Int64, first: UInt8, candidate: Bool) -> None:
    """Lines that begin with a word like `ValueError:`."""
    rows = np.flatnonzero(_LETTER[first] & ~candidate)
    for column in (3, 4, 2, 1):  # what tells names from months, levels and sentences stands mostly there
        if not len(rows):
            return
        rows = rows[_IN_NAME[data[at[rows] + column]]]
    if not len(rows):
        return
    begin = at[rows]
    length = np.full(len(rows), _NAME_BYTES)
    left = np.arange(len(rows))
    for column in range(0, _NAME_BYTES, 16):
        block = _PART[data[np.minimum(begin[left, None] + np.arange(column, column + 16), len(data) - 1)]]
        ended = ~block.all(axis=1)
        length[left[ended]] = column + np.argmin(block[ended], axis=1)
        left = left[~ended]
        if not len(left):
            break
    stop = begin + length
    colon = (data[stop - 1] == 58) & (length > 1)
    stop = stop - colon
    ok = (length < _NAME_BYTES) & _LAST[data[stop - 1]] & _BEFORE[data[stop - 2]]
    after = data[stop]
    bracket = (after == 32) & (data[stop + 1] == 40)
    candidate[rows[ok & (colon | bracket | (after == 40) | (after == _NEWLINE))]] = True


def bytes_at(data: UInt8, at: Int64, width: int) -> UInt8:
    """The `width` bytes [n, width] from each position on."""
    found: UInt8 = np.ndarray((len(data) - width + 1, width), np.uint8, data.data, strides=(1, 1))[at]
    return found


def maybe_alarming(laid: Laid, at: Int64, within: int) -> Int64:
    """Lines that may say ERROR, FATAL, CRITICAL, SEVERE or PANIC in the first bytes, at most 63, behind `at` [n]."""
    pairs = np.ndarray((len(laid.data) - within, within), "<u2", laid.data.data, strides=(1, 1))[at]
    return np.flatnonzero(_ALARMING[pairs].any(axis=1))
