"""One partition as the source holds it: what was read ahead of the pipeline, and how far each side has come."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from logwatch.kafka.decode import Columns, Headers, Lost
from logwatch.types import Int64

PAUSE_RECORDS, PAUSE_BYTES = 16_384, 8 * 2**20
"""A lane that holds more is paused: it has enough for some turns of the pipeline."""


class Piece(NamedTuple):
    """n records of one lane, in order."""

    offset: Int64  # [n]
    key: list[bytes | None] | None
    value: list[bytes | None]  # [n]
    headers: list[Headers] | None
    end: int  # offset to go on from after them
    lost: list[Lost]


@dataclass(slots=True)
class Lane:
    """A partition that is assigned. Guarded by the source's lock."""

    name: str
    tp: Any  # the client's TopicPartition
    reading: bool = False  # resumed by whoever keeps its state
    paused: bool = True  # as the client knows it
    next: int = 0  # offset after what was handed out
    first: int | None = None  # where it began since it is ours
    until: int | None = None  # `once`: where it ends
    topic_id: str = ""
    told: bool = False  # where it goes on has been handed out as a cursor
    newest: int = 0  # ms; time of the newest record that was read
    size: int = 0  # bytes held
    held: int = 0  # records held
    since: float = 0.0  # when the oldest of them came
    _chunks: deque[Columns] = field(default_factory=deque)
    _at: int = 0  # rows of the first chunk that were handed out

    def add(self, columns: Columns, now: float) -> None:
        """Records that were read; `now` by the monotonic clock."""
        if not self._chunks:
            self.since = now
        self._chunks.append(columns)
        self.size += columns.size
        self.held += len(columns)
        if len(columns):
            self.newest = int(columns.time[-1])

    @property
    def waiting(self) -> bool:
        """Whether it has something to hand out."""
        return bool(self._chunks) or (self.reading and not self.told)

    @property
    def full(self) -> bool:
        """Whether it holds enough."""
        return self.held >= PAUSE_RECORDS or self.size >= PAUSE_BYTES

    @property
    def low(self) -> bool:
        """Whether it has room again."""
        return self.held < PAUSE_RECORDS // 2 and self.size < PAUSE_BYTES // 2

    @property
    def done(self) -> bool:
        """`once`: whether all that was there at the start was handed out."""
        return self.reading and self.until is not None and self.next >= self.until

    def take(self, most: int, now: float) -> Piece:
        """At most `most` records, from one chunk or several."""
        self.told = True
        parts: list[tuple[Columns, int, int]] = []
        lost: list[Lost] = []
        room = most
        while self._chunks and room > 0:
            chunk = self._chunks[0]
            begin, end = self._at, min(len(chunk), self._at + room)
            if begin == 0:
                lost += chunk.lost
            parts.append((chunk, begin, end))
            room -= end - begin
            self._at = end
            if end == len(chunk):
                self._drop_first(chunk)
            else:
                break
        self._go_on(parts)
        self.held -= sum(end - begin for _, begin, end in parts)
        self.since = now
        return Piece(
            np.concatenate([c.offset[a:b] for c, a, b in parts]) if parts else np.zeros(0, np.int64),
            _joined([(c.key, a, b) for c, a, b in parts]),
            list(itertools.chain.from_iterable(c.value[a:b] for c, a, b in parts)),
            _joined([(c.headers, a, b) for c, a, b in parts]),
            self.next,
            lost,
        )

    def _drop_first(self, chunk: Columns) -> None:
        self._chunks.popleft()
        self.size -= chunk.size
        self._at = 0

    def _go_on(self, parts: list[tuple[Columns, int, int]]) -> None:
        if not parts:
            return
        chunk, _, end = parts[-1]
        whole = end == len(chunk)
        self.next = chunk.end if whole else int(chunk.offset[end])

    def drop(self) -> None:
        """Forget what was read ahead."""
        self._chunks.clear()
        self.size = self.held = self._at = 0


def _joined(parts: list[tuple[list[Any] | None, int, int]]) -> list[Any] | None:
    """Columns one after another; None where none of them has values."""
    if all(values is None for values, _, _ in parts):
        return None
    return [
        one for values, a, b in parts for one in (values[a:b] if values is not None else itertools.repeat(None, b - a))
    ]
