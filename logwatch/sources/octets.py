"""Syslog over a stream with octet counting (RFC 6587, 3.4.1): `LENGTH <PRI>MESSAGE`, one after the other.

A message may hold line ends; it is one record. Where the count of a frame is missing, everything up to the next line
end is a record of its own, and the count is looked for again behind it.
"""

from __future__ import annotations

import re
from typing import Protocol

import numpy as np

from logwatch.sources.lines import LineSplitter, Records, join, no_records
from logwatch.types import Flag

_COUNT = re.compile(rb"([1-9]\d{0,5}) (?=<\d{1,3}>)")
_LINE_END = 10
_MAY_COUNT = re.compile(rb"[1-9]\d{0,5}(?: (?:<\d{0,3})?)?$")


class Splitter(Protocol):
    """Takes blocks of bytes in order and gives records."""

    @property
    def held(self) -> int:
        """Bytes that wait for their end."""
        ...

    def feed(self, block: bytes) -> Records:
        """The records that this block completes."""
        ...

    def flush(self) -> Records:
        """What is held, as a record marked unfinished."""
        ...


class StreamSplitter:
    """Splits a stream by octet counts where it begins with one, by lines otherwise.

    Args:
        max_line_bytes: longer records are truncated.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self._max = max_line_bytes
        self._chosen: Splitter | None = None
        self._first = b""

    @property
    def held(self) -> int:
        """Bytes that wait for their end."""
        return len(self._first) if self._chosen is None else self._chosen.held

    def feed(self, block: bytes) -> Records:
        """The records that this block completes."""
        if self._chosen is not None:
            return self._chosen.feed(block)
        self._first += block
        if _MAY_COUNT.fullmatch(self._first):
            return no_records()
        return self._begin()

    def flush(self) -> Records:
        """What is held, as a record marked unfinished."""
        begun = self._begin() if self._chosen is None else no_records()
        return join([begun, self._chosen.flush()]) if self._chosen is not None else begun

    def _begin(self) -> Records:
        counted = _COUNT.match(self._first) is not None
        self._chosen = OctetSplitter(self._max) if counted else LineSplitter(self._max)
        first, self._first = self._first, b""
        return self._chosen.feed(first)


class OctetSplitter:
    """Splits by octet counts. Positions are those of the frames.

    Args:
        max_line_bytes: longer messages are truncated.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self._max = max_line_bytes
        self._held = b""
        self._at = 0  # position of what is held

    @property
    def held(self) -> int:
        """Bytes that wait for their end; at most those of one frame and one block."""
        return len(self._held)

    def feed(self, block: bytes) -> Records:
        """The records that this block completes."""
        data, at, found = self._held + block, 0, []
        while at < len(data):
            if data[at] == _LINE_END:  # between frames it belongs to neither
                at += 1
                continue
            step = self._step(data, at)
            if step is None:
                break
            begin, end, flags = step
            found.append((data[begin:end], at, flags, end))
            at = end
        records = self._records(found)
        self._held, self._at = data[at:], self._at + at
        return records

    def flush(self) -> Records:
        """What is held, as a record marked unfinished."""
        data, self._held = self._held, b""
        counted = _COUNT.match(data)
        text = data[counted.end() if counted else 0 :]
        records = self._records([(text, 0, Flag.UNFINISHED, len(data))]) if data else no_records()
        self._at += len(data)
        return records

    def _step(self, data: bytes, at: int) -> tuple[int, int, int] | None:
        """Begin and end of the next message, and flags; None where it is not all there."""
        counted = _COUNT.match(data, at)
        if counted is not None:
            end = counted.end() + int(counted[1])
            return (counted.end(), end, 0) if end <= len(data) else None
        line_end = data.find(b"\n", at)
        if line_end < 0:
            cut = len(data) - at > self._max and not _MAY_COUNT.fullmatch(data, at)
            return (at, len(data), Flag.TRUNCATED) if cut else None
        return at, line_end, 0

    def _records(self, found: list[tuple[bytes, int, int, int]]) -> Records:
        lines, flags = [], []
        for message, _, flag, _ in found:
            text = message.removesuffix(b"\n").removesuffix(b"\r").rstrip(b"\0")
            lines.append(text[: self._max])
            flags.append(flag | (Flag.TRUNCATED if len(text) > self._max else 0))
        start = self._at + np.array([at for _, at, _, _ in found], np.int64)
        end = self._at + np.array([end for _, _, _, end in found], np.int64)
        return Records(lines, start.astype(np.int64), end.astype(np.int64), np.array(flags, np.uint8))
