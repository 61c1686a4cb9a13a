"""What the joiner remembers of each stream: its habits, and the event that is still open."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from logwatch.errors import StateCorrupt
from logwatch.parse.containers import Key
from logwatch.parse.join_lines import Mode
from logwatch.types import Flag, Stream

VERSION = 1

MAX_LINES = 500
"""Lines of one event; the rest is cut."""

MAX_BYTES = 256 * 1024
"""Bytes of one event; the rest is cut."""


@dataclass(slots=True)
class Event:
    """One record that may go on."""

    stream: Stream
    head: bytes  # its first line
    skip: int  # bytes before the content of the first line
    start: int
    end: int
    flags: int
    mode: Mode = Mode.PLAIN
    since: float = 0.0  # monotonic time of its last line
    row: int = -1  # of its first line in the batch in hand; -1: an earlier batch
    more: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, content: bytes, stream: Stream, end: int, flags: int) -> bool:
        """The next line; False where that filled the event."""
        room = MAX_BYTES - len(self.head) - self.size - 1
        if len(content) > room:
            content, flags = content[: max(0, room)], flags | Flag.TRUNCATED
        self.more.append(content)
        self.size += len(content) + 1
        self.flags |= flags & ~Flag.GAP
        if stream == self.stream:  # not what a rotated file's successor says
            self.end = end
        return len(content) < room and len(self.more) < MAX_LINES - 1

    def line(self) -> bytes:
        """As one record."""
        return b"\n".join([self.head, *self.more]) if self.more else self.head


@dataclass(slots=True)
class Habit:
    """What the lines of a stream have shown so far: a function of them alone."""

    component: str
    seen: int = 0  # lines, up to `join.YOUNG`
    headed: bool = False  # a line began with a time or a level
    multi: bool = False  # a line went on with another


def dump(key: Key, habit: Habit, event: Event | None) -> bytes:
    """One stream as a cell: a small JSON list, then the lines of what is open. It is written with every batch."""
    head: list[Any] = [VERSION, *key[0], key[1], habit.component, habit.seen, habit.headed, habit.multi]
    lines = [] if event is None else [event.head, *event.more]
    if event is not None:
        head += [*event.stream, event.skip, event.start, event.end, int(event.flags), int(event.mode)]
        head.append([len(line) for line in lines])
    text = _encode(head).encode()
    return b"".join([len(text).to_bytes(4, "little"), text, *lines])


_encode = json.JSONEncoder(separators=(",", ":")).encode


def load(cell: bytes, now: float) -> tuple[Key, Habit, Event | None]:
    """A cell as a stream; what was open waits anew. Raises StateCorrupt."""
    try:
        at = 4 + int.from_bytes(cell[:4], "little")
        version, source, instance, channel, component, seen, headed, multi, *rest = json.loads(cell[4:at])
        if version != VERSION:
            raise StateCorrupt(f"a cell of the joiner has version {version}, this program reads {VERSION}")
        key = Stream(source, instance), int(channel)
        habit = Habit(component, int(seen), bool(headed), bool(multi))
        return key, habit, _event(cell, at, rest, now) if rest else None
    except (ValueError, TypeError) as error:
        raise StateCorrupt(f"a cell of the joiner cannot be read: {error}") from error


def _event(cell: bytes, at: int, rest: list[Any], now: float) -> Event:
    source, instance, skip, start, end, flags, mode, sizes = rest
    lines = []
    for size in sizes:
        lines.append(cell[at : at + size])
        at += size
    event = Event(Stream(source, instance), lines[0], skip, start, end, flags, Mode(mode), now)
    event.more, event.size = lines[1:], sum(len(line) + 1 for line in lines[1:])
    return event
