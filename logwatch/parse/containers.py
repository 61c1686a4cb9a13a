"""Lines of container runtimes: unwrapped, and joined where the runtime has cut them.

Two forms are known by each line alone, whatever stands around it. CRI (`TIME stdout|stderr P|F CONTENT`): the kubelet
cuts long lines into parts, all but the last marked P. Docker's json-file (`{"log": "CONTENT\\n", "stream": …, "time":
…}`): all but the last part bear no line end. Both come out as one whole `TIME stdout|stderr F CONTENT`, with the time
of the first part, and the positions of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.parse.join_look import Laid, bytes_at, lay_out, words_at
from logwatch.types import Bool, Flag, Int64, RecordBatch, Stream, UInt8

MAX_BYTES = 256 * 1024
"""Longest content that is put together; the rest is cut."""

NO_CHANNEL, STDOUT, STDERR = range(3)

_DOCKER = int.from_bytes(b'{"log":"', "little")
_MARKS = {b"stdout F": (STDOUT, False), b"stdout P": (STDOUT, True), b"stderr F": (STDERR, False),
          b"stderr P": (STDERR, True)}  # fmt: skip
_NAMES = {STDOUT: b"stdout", STDERR: b"stderr"}
_TIME_MIN, _TIME_MAX = 20, 36  # bytes of 2006-01-02T15:04:05Z and 2006-01-02T15:04:05.999999999+00:00

Key = tuple[Stream, int]
"""A stream and what it is of it: standard output or error, or NO_CHANNEL."""


@dataclass(slots=True)
class Prefix:
    """What n lines have before their contents."""

    skip: Int64  # [n] bytes of it
    channel: UInt8  # [n] NO_CHANNEL, STDOUT, STDERR
    partial: Bool  # [n] not the last part


@dataclass(slots=True)
class Contents:
    """Where the contents of n lines begin."""

    laid: Laid
    prefix: Prefix | None  # None: no line has one


@dataclass(slots=True)
class Part:
    """A line of which the last part is still to come."""

    component: str
    stream: Stream
    channel: int
    line: bytes  # as it would be if nothing more came
    start: int
    end: int
    flags: int
    since: float

    def add(self, content: bytes, end: int, flags: int) -> None:
        """The next part."""
        room = MAX_BYTES - len(self.line)
        if len(content) > room:
            flags |= Flag.TRUNCATED
        self.line += content[: max(0, room)]
        self.end, self.flags = end, self.flags | flags


class Containers:
    """Unwraps records; holds lines whose last part is still to come. Cells: one for each of those."""

    def __init__(self) -> None:
        self._parts: dict[Key, Part] = {}
        self._dirty: set[Key] = set()

    def unwrap(self, records: RecordBatch, component: str, now: float) -> tuple[RecordBatch, Contents]:
        """The same records, whole, and where their contents begin."""
        laid = lay_out(records.lines)
        unwrapped = _docker(records, laid)
        if unwrapped is not None:
            records, laid = unwrapped, lay_out(unwrapped.lines)
        contents = _cri(laid)
        prefix = contents.prefix
        if prefix is None or not (self._parts or prefix.partial.any()):
            return records, contents
        records = self._whole(records, prefix, component, now)
        return records, contents_of(records.lines)

    def due(self, component: str, before: float) -> list[Part]:
        """Lines that have waited since `before` for their next part; they are given up."""
        keys = [key for key, part in self._parts.items() if part.component == component and part.since <= before]
        keys.sort()  # the order must not depend on restarts
        self._dirty.update(keys)
        return [self._parts.pop(key) for key in keys]

    def waiting(self) -> bool:
        """Whether anything is held."""
        return bool(self._parts)

    def _whole(self, records: RecordBatch, prefix: Prefix, component: str, now: float) -> RecordBatch:
        cut = {(records.streams[records.stream[i]], int(prefix.channel[i])) for i in np.flatnonzero(prefix.partial)}
        cut |= self._parts.keys()
        lines, start, end, flags = list(records.lines), records.start.copy(), records.end.copy(), records.flags.copy()
        keep = np.ones(len(lines), dtype=np.bool_)
        for i in np.flatnonzero(prefix.channel).tolist():
            key = (records.streams[records.stream[i]], int(prefix.channel[i]))
            if key not in cut:
                continue
            partial, skip = bool(prefix.partial[i]), int(prefix.skip[i])
            part = self._parts.get(key)
            if part is not None:
                part.add(lines[i][skip:], int(end[i]), int(flags[i]))
            else:
                whole = lines[i][: skip - 2] + b"F " + lines[i][skip:]
                part = Part(component, *key, whole, int(start[i]), int(end[i]), int(flags[i]), now)
            self._dirty.add(key)
            part.since = now
            keep[i] = not partial
            if partial:
                self._parts[key] = part
            else:
                self._parts.pop(key, None)
                lines[i], start[i], end[i], flags[i] = part.line, part.start, part.end, part.flags
        rows = np.flatnonzero(keep)
        return replace(
            records, lines=[lines[i] for i in rows.tolist()], stream=records.stream[rows], start=start[rows],
            end=end[rows], flags=flags[rows],
        )  # fmt: skip

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        for key in sorted(self._dirty):
            part = self._parts.get(key)
            yield f"part/{key[1]}/{key[0].source}/{key[0].instance}", None if part is None else _dump(part)
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes], now: float) -> None:
        """See `Cells.restore`. What is held waits anew."""
        for cell in cells.values():
            arrays, facts = unpack(cell)
            stream, line = Stream(facts.pop("source"), facts.pop("instance")), arrays["line"].tobytes()
            part = Part(stream=stream, line=line, since=now, **facts)
            self._parts[part.stream, part.channel] = part


def _dump(part: Part) -> bytes:
    facts: dict[str, Any] = {"component": part.component, "source": part.stream.source}
    facts |= {"instance": part.stream.instance, "channel": part.channel}
    facts |= {"start": part.start, "end": part.end, "flags": part.flags}
    return pack({"line": np.frombuffer(part.line, np.uint8)}, **facts)


def contents_of(lines: list[bytes]) -> Contents:
    """Where the contents of whole lines begin."""
    return _cri(lay_out(lines))


def _cri(laid: Laid) -> Contents:
    """Which lines are CRI's, and where their contents begin."""
    data, at = laid.data, laid.at
    rows = np.flatnonzero((data[at + 10] == 84) & (data[at + 4] == 45) & (laid.end - at > _TIME_MIN + 9))
    if not len(rows):
        return Contents(laid, None)
    blank = bytes_at(data, at[rows] + _TIME_MIN, _TIME_MAX - _TIME_MIN) == 32
    gap = _TIME_MIN + np.argmax(blank, axis=1)
    words = words_at(data, at[rows] + gap + 1, "<u8")
    after = at[rows] + gap + 9
    bounded = data[after] == 32
    skip, channel = np.zeros(len(at), np.int64), np.zeros(len(at), np.uint8)
    partial = np.zeros(len(at), np.bool_)
    for mark, (number, cut) in _MARKS.items():
        mine = (words == int.from_bytes(mark, "little")) & bounded & blank[np.arange(len(rows)), gap - _TIME_MIN]
        skip[rows[mine]], channel[rows[mine]], partial[rows[mine]] = gap[mine] + 10, number, cut
    return Contents(laid, Prefix(skip, channel, partial) if channel.any() else None)


def _docker(records: RecordBatch, laid: Laid) -> RecordBatch | None:
    """The batch with Docker's lines in the form of CRI; None where it has none."""
    rows = np.flatnonzero(laid.data[laid.at] == 123)
    rows = rows[words_at(laid.data, laid.at[rows], "<u8") == _DOCKER]
    if not len(rows):
        return None
    import orjson  # only where there is something to read

    lines = list(records.lines)
    for i in rows.tolist():
        try:
            wrapped = orjson.loads(lines[i])
        except orjson.JSONDecodeError:
            continue
        lines[i] = _unwrapped(wrapped) or lines[i]
    return replace(records, lines=lines)


def _unwrapped(wrapped: Any) -> bytes | None:
    log, stream, time = (wrapped.get(name) for name in ("log", "stream", "time"))
    if not (isinstance(log, str) and isinstance(time, str) and stream in ("stdout", "stderr")):
        return None
    if not _TIME_MIN <= len(time) < _TIME_MAX or not time.isascii() or " " in time:
        return None
    ended = log.endswith("\n")
    content = log.removesuffix("\n").removesuffix("\r") if ended else log
    return f"{time} {stream} {'F' if ended else 'P'} {content}".encode("utf-8", "surrogatepass")
