"""The first bytes of each line as one matrix, on which times, levels and headers are found without a loop.

Rows are WIDTH bytes of content and PAD zero bytes, between two empty rows, in one flat buffer: looking a
few bytes back or ahead of any position never meets another line. Positions are flat indices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Int64, UInt8

WIDTH = 128
"""Bytes of a line in which its header is looked for."""
PAD = 32
"""At least the longest look back (a date: 24 bytes) and ahead (fraction, zone, year: 30 bytes)."""


@dataclass(slots=True)
class Head:
    """Heads of n lines."""

    flat: UInt8  # [(n + 2) * stride]
    stride: int
    n: int
    digit: Bool  # [as flat] is 0-9

    def base(self) -> Int64:
        """Flat position [n] of each line's first byte."""
        return (np.arange(self.n, dtype=np.int64) + 1) * self.stride

    def row(self, at: Int64) -> Int64:
        """Line of each flat position."""
        row: Int64 = at // self.stride - 1
        return row

    def bytes_at(self, at: Int64, count: int) -> UInt8:
        """The `count` bytes [m, count] from each position on; zeros past the end of the buffer."""
        size = len(self.flat) - count
        # A view in which each row begins a byte further: taking rows copies runs of bytes, not single ones.
        rows: UInt8 = np.ndarray((size + 1, count), np.uint8, self.flat, 0, (1, 1))
        taken: UInt8 = rows[np.minimum(at, size)]
        return taken

    def take(self, rows: Int64) -> Head:
        """Some rows, copied."""
        flat = np.zeros((len(rows) + 2, self.stride), dtype=np.uint8)
        flat[1:-1] = self.flat.reshape(-1, self.stride)[rows + 1]
        return Head(flat.reshape(-1), self.stride, len(rows), (flat.reshape(-1) - np.uint8(48)) < 10)

    def replace(self, rows: Int64, raw: list[bytes]) -> None:
        """Put other lines in some rows."""
        other = head_of(raw, self.stride - PAD)
        self.flat.reshape(-1, self.stride)[rows + 1] = other.flat.reshape(-1, self.stride)[1:-1]
        self.digit.reshape(-1, self.stride)[rows + 1] = other.digit.reshape(-1, self.stride)[1:-1]


def kinds(windows: UInt8) -> tuple[Int64, Int64]:
    """Rows [k] of windows [m, 8 j] that are all different, and the one of them that each row equals [m]."""
    words = np.ascontiguousarray(windows).view(np.uint64)
    mixed = words[:, 0].copy()
    for k in range(1, words.shape[1]):
        mixed = mixed * _MIX ^ words[:, k]
    _, first, back = np.unique(mixed, return_index=True, return_inverse=True)
    if (words != words[first[back]]).any():  # two have the same hash: chance, or malice
        _, first, back = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first, back.reshape(-1)


_MIX = np.uint64(0x9E3779B97F4A7C15)


def head_of(raw: list[bytes], width: int = WIDTH) -> Head:
    """Heads of lines (no NUL inside)."""
    stride = width + PAD
    rows = np.zeros((len(raw) + 2, stride), dtype=np.uint8)  # an empty one before and one behind
    if raw:
        fixed: NDArray[np.bytes_] = np.array(raw, dtype=f"S{width}")
        rows[1:-1, :width] = fixed.view(np.uint8).reshape(len(raw), width)
    flat = rows.reshape(-1)
    digit = (flat - np.uint8(48)) < 10
    return Head(flat, stride, len(raw), digit)
