"""Files in UTF-16, as Windows programs write them: the same records as of any other file, their text as UTF-8."""

from __future__ import annotations

import numpy as np

from logwatch.sources.limits import MAX_LINE_BYTES
from logwatch.sources.lines import At, LineSplitter, Records, join, no_records
from logwatch.types import Flag

_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_NEWLINE, _MARK = 0x000A, 0xFEFF
_REPLACED = "\ufffd".encode()


def wide_encoding(head: bytes) -> str | None:
    """The encoding that a file's first bytes announce, where it is UTF-16."""
    return _MARKS.get(head[:2])


def splitter_for(head: bytes, max_line_bytes: int = MAX_LINE_BYTES, offset: int = 0, at: At = At.LINE) -> LineSplitter:
    """The splitter for a file that begins with `head`."""
    encoding = wide_encoding(head)
    if encoding is None:
        return LineSplitter(max_line_bytes, offset, at)
    return WideSplitter(encoding, max_line_bytes, offset, at)


class WideSplitter(LineSplitter):
    """Splits UTF-16. Positions are bytes of the file, always even; `max_line_bytes` counts bytes of UTF-8.

    The `end` of a truncated record lies `max_line_bytes` / 2 after its start: surely within the line.

    Args:
        encoding: "utf-16-le" or "utf-16-be".
    """

    __slots__ = ("_encoding", "_unit")

    def __init__(self, encoding: str, max_line_bytes: int, offset: int = 0, at: At = At.LINE) -> None:
        super().__init__(max_line_bytes, offset, at)
        self._encoding = encoding
        self._unit = np.dtype("<u2" if encoding.endswith("le") else ">u2")

    def feed(self, block: bytes) -> Records:
        """The records that this block completes."""
        data = self._held + block if self._held else block
        self.fed += len(block)
        self._held = b""
        if self.start % 2:  # the rest of a unit whose first byte was flushed
            data, self.start = data[1:], self.start + 1
        data = self._resume_wide(data)
        units = self._units(data)
        if self.start == 0 and len(units) and units[0] == _MARK:
            data, units, self.start = data[2:], units[1:], 2
        ends = (np.flatnonzero(units == _NEWLINE) * 2 + 2).tolist()
        parts = [self._line(data[begin:end], self.start + begin) for begin, end in zip([0, *ends], ends, strict=False)]
        last = ends[-1] if ends else 0
        self.start += last
        return join([*parts, self._hold(data[last:])])

    def flush(self) -> Records:
        """The held line as a record of its own, marked unfinished; none where nothing is held."""
        held = self._held
        if len(held) < 2 or self.at is not At.LINE:
            return no_records()
        start, self._held, self.start, self.at = self.start, b"", self.fed, At.REST
        record = self._line(held, start)
        if record.flags[0] & Flag.TRUNCATED:
            self.at = At.SKIP
        else:
            record.flags[0] |= Flag.UNFINISHED
        return record

    def _units(self, data: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
        return np.frombuffer(data, self._unit, len(data) // 2)

    def _resume_wide(self, data: bytes) -> bytes:
        """What is left of `data` after the line that was flushed or truncated before."""
        if self.at is At.LINE:
            return data
        units = self._units(data)
        drop = 0
        if self.at is At.REST:
            if len(units) < 2 and (len(units) == 0 or units[0] == ord("\r")):
                self._held = data
                return b""
            drop = 2 if units[0] == _NEWLINE else 4 if units[:2].tolist() == [ord("\r"), _NEWLINE] else 0
        else:
            found = np.flatnonzero(units == _NEWLINE)
            if not len(found):
                self.start += len(units) * 2
                self._held = data[len(units) * 2 :]
                return b""
            drop = int(found[0]) * 2 + 2
        self.at = At.LINE
        self.start += drop
        return data[drop:]

    def _line(self, raw: bytes, start: int) -> Records:
        end = start + len(raw)
        text = raw.decode(self._encoding, "replace").removesuffix("\n").removesuffix("\r")
        whole = text.lstrip("\0")
        start += 2 * (len(text) - len(whole))
        line, flags = whole.encode(), Flag.NONE
        if len(line) > self.max:
            line = line[: self.max].decode("utf-8", "ignore").encode()
            end, flags = start + self.max // 4 * 2, Flag.TRUNCATED
        if _REPLACED in line:
            flags |= Flag.INVALID
        return Records([line], np.array([start], np.int64), np.array([end], np.int64), np.array([int(flags)], np.uint8))

    def _hold(self, rest: bytes) -> Records:
        if self.at is At.LINE:
            while rest[:2] == b"\0\0":
                rest, self.start = rest[2:], self.start + 2
            if len(rest) >= 2 * self.max + 4:  # more than the maximum in UTF-8, whatever it is
                record = self._line(rest[: len(rest) // 2 * 2], self.start)
                self.start, self.at, self._held = self.fed - len(rest) % 2, At.SKIP, rest[len(rest) // 2 * 2 :]
                return record
            self._held = rest
        return no_records()
