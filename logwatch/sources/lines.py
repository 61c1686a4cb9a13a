"""Splits a stream of bytes into records with positions, without a Python step per line.

A record's `start` and `end` are byte offsets; `end` lies after the line end, which is `\\n` or `\\r\\n` and not part
of the text. Two records end elsewhere: one flushed before its line end came (`Flag.UNFINISHED`: `end` is where the
bytes ended) and one longer than `max_line_bytes` (`Flag.TRUNCATED`: `end` is `start + max_line_bytes`, wherever the
buffers were cut). What a splitter must know to go on after a record follows from that record's flags alone
(`after`), so that a cursor is an offset and one word.

NUL bytes at the start of a line are passed over: a writer that keeps its old offset after copytruncate leaves a
hole of them before its next line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

import numpy as np

from logwatch.sources.limits import MAX_LINE_BYTES
from logwatch.types import Flag, Int64, UInt8

BOM = b"\xef\xbb\xbf"
"""What some programs begin a UTF-8 file with; no part of its first line."""


class At(StrEnum):
    """What the next byte belongs to."""

    LINE = "line"  # a line's start
    REST = "rest"  # a line that was flushed unfinished: a line end that comes now is swallowed
    SKIP = "skip"  # a truncated line: everything up to its line end is dropped


@dataclass(slots=True)
class Records:
    """Lines [n] with their positions and flags."""

    lines: list[bytes]
    start: Int64
    end: Int64
    flags: UInt8

    def __len__(self) -> int:
        return len(self.lines)

    def cut(self, n: int) -> tuple[Records, Records]:
        """The first n and the others; the arrays are views."""
        return (
            Records(self.lines[:n], self.start[:n], self.end[:n], self.flags[:n]),
            Records(self.lines[n:], self.start[n:], self.end[n:], self.flags[n:]),
        )


def no_records() -> Records:
    """An empty batch."""
    return Records([], np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))


def join(parts: list[Records]) -> Records:
    """All parts in order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_records()
    return Records(
        reduce(lambda lines, part: lines + part.lines, parts[1:], parts[0].lines),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.flags for part in parts]),
    )


def after(flags: int) -> At:
    """Where a splitter stands after a record with these flags."""
    if flags & Flag.TRUNCATED:
        return At.SKIP
    return At.REST if flags & Flag.UNFINISHED else At.LINE


class LineSplitter:
    """Takes blocks of bytes in order and gives records; holds the unfinished last line.

    Args:
        max_line_bytes: longer lines are truncated; at least 1.
        offset: position of the first byte that will be fed.
        at: what that byte belongs to.
    """

    __slots__ = ("_held", "at", "fed", "max", "start")

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES, offset: int = 0, at: At = At.LINE) -> None:
        self.max = max_line_bytes
        self.start = offset  # where to go on: the start of the held line
        self.fed = offset  # position after the last byte that was fed
        self.at = at
        self._held = b""

    @property
    def held(self) -> int:
        """Bytes of the unfinished line held; at most `max_line_bytes + 1`."""
        return len(self._held)

    def feed(self, block: bytes) -> Records:
        """The records that this block completes."""
        data = self._held + block if self._held else block
        self.fed += len(block)
        self._held = b""
        if not self.start and data.startswith(BOM):
            data, self.start = data[len(BOM) :], len(BOM)
        if self.at is not At.LINE:
            data = self._resume(data)
        last = data.rfind(b"\n") + 1
        if not last:
            return self._hold(data)
        whole = self._split(data[:last])
        self.start += last
        return join([whole, self._hold(data[last:])]) if last < len(data) else whole

    def flush(self) -> Records:
        """The held line as a record of its own, marked unfinished; none where nothing is held."""
        held = self._held
        if not held or self.at is not At.LINE:
            return no_records()
        text = held[:-1] if held.endswith(b"\r") else held
        if len(text) > self.max:
            return self._truncate(held)
        start, self._held, self.start, self.at = self.start, b"", self.fed, At.REST
        return _one(text, start, self.fed, Flag.UNFINISHED)

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`: what lies between was a hole. Only where nothing is held."""
        self.start = self.fed = offset

    def _resume(self, data: bytes) -> bytes:
        """What is left of `data` after the line that was flushed or truncated before."""
        if self.at is At.REST:
            if data == b"\r":
                return data
            drop = 1 if data.startswith(b"\n") else 2 if data.startswith(b"\r\n") else 0
        else:
            drop = data.find(b"\n") + 1
            if not drop:
                self.start += len(data)
                return b""
        self.at = At.LINE
        self.start += drop
        return data[drop:]

    def _split(self, data: bytes) -> Records:
        """Whole lines; `data` ends with a line end and begins at `self.start`."""
        lines = data.split(b"\n")
        lines.pop()
        n = len(lines)
        sizes = np.fromiter(map(len, lines), np.int64, n)
        end = np.cumsum(sizes + 1) + self.start
        start = np.empty(n, np.int64)
        start[0] = self.start
        start[1:] = end[:-1]
        flags = np.zeros(n, np.uint8)
        if b"\r" in data and b"\r\n" in data:  # one byte is found much faster than two
            lines = data.replace(b"\r\n", b"\n").split(b"\n")
            lines.pop()
        if b"\0" in data:
            _drop_holes(lines, start)
        if sizes.max() > self.max:
            self._shorten(lines, start, end, flags)
        return Records(lines, start, end, flags)

    def _shorten(self, lines: list[bytes], start: Int64, end: Int64, flags: UInt8) -> None:
        for i, line in enumerate(lines):
            if len(line) > self.max:
                lines[i] = line[: self.max]
                end[i] = start[i] + self.max
                flags[i] |= Flag.TRUNCATED

    def _hold(self, rest: bytes) -> Records:
        """Keep the beginning of a line for the next block, unless it is already too long."""
        if self.at is At.LINE and rest.startswith(b"\0"):
            whole = len(rest)
            rest = rest.lstrip(b"\0")
            self.start += whole - len(rest)
        # One byte more than the maximum may still be the \r of a line end.
        if len(rest) >= self.max + 2:
            return self._truncate(rest)
        self._held = rest
        return no_records()

    def _truncate(self, rest: bytes) -> Records:
        start, self._held, self.start, self.at = self.start, b"", self.fed, At.SKIP
        return _one(rest[: self.max], start, start + self.max, Flag.TRUNCATED)


def _one(text: bytes, start: int, end: int, flags: int) -> Records:
    return Records([text], np.array([start], np.int64), np.array([end], np.int64), np.array([flags], np.uint8))


def _drop_holes(lines: list[bytes], start: Int64) -> None:
    """Pass over the NULs at the start of lines, in place."""
    for i, line in enumerate(lines):
        if line.startswith(b"\0"):
            lines[i] = line.lstrip(b"\0")
            start[i] += len(line) - len(lines[i])
