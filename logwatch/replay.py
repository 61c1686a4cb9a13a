"""History as a stream: finished files, merged by time into one order that is the same in every run.

Several files merge by their running-maximum time; ties go by the order of the arguments; a line without a time takes
the time before it; files without any time come last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from logwatch.types import NO_TIME, Int64, RecordBatch, Stream, UInt8

Chunk = tuple[list[bytes], Int64, Int64, UInt8]
"""Lines, start positions, end positions, flags: as `sources.finished.read_finished` yields them."""

Times = Callable[[list[bytes]], Int64]
"""Times of the next lines of a file, NO_TIME where a line has none and none came before."""

BATCH = 4096
"""Records of a batch. The results do not depend on it."""

PROBE = 1000
"""A file with no time in its first lines is taken for one without times."""


@dataclass
class Finished:
    """One finished file to replay."""

    stream: Stream
    chunks: Iterator[Chunk]
    times: Times


def replay(files: Sequence[Finished]) -> Iterator[RecordBatch]:
    """Batches of all files in one order."""
    if len(files) == 1:
        for chunk in files[0].chunks:
            yield _batch([files[0].stream], [chunk], np.zeros(len(chunk[0]), np.int32))
        return
    heads = [_Head(file) for file in files]
    timed = [head for head in heads if head.timed]
    yield from _merge([head for head in timed if head.fill()])
    for head in heads:
        if not head.timed:
            while head.fill():
                lines = head.take(len(head.times))
                yield _batch([head.stream], [lines], np.zeros(len(lines[0]), np.int32))


def _merge(heads: list[_Head]) -> Iterator[RecordBatch]:
    while heads:
        # Everything up to the earliest last known time is safe: no file can still bring something before it. Lines
        # of that very time in later files must wait until the earlier files have brought all of theirs.
        limits = [(int(head.times[-1]), order) for order, head in enumerate(heads)]
        bound, holder = min(limits)
        parts, merged, owner = [], [], []
        for order, head in enumerate(heads):
            count = int(np.searchsorted(head.times, bound, side="right" if order <= holder else "left"))
            merged.append(head.times[:count])
            parts.append(head.take(count))
            owner.append(np.full(count, order, np.int32))
        owners = np.concatenate(owner)
        order_by_time = np.lexsort((owners, np.concatenate(merged)))
        yield from _cut(_batch([head.stream for head in heads], parts, owners, order_by_time))
        heads = [head for head in heads if head.fill()]


class _Head:
    """The part of a file that has been read but not yet merged."""

    def __init__(self, file: Finished) -> None:
        self.stream = file.stream
        self._chunks = file.chunks
        self._times = file.times
        self._last = NO_TIME
        self._lines: list[bytes] = []
        self._start = self._end = np.zeros(0, np.int64)
        self._flags = np.zeros(0, np.uint8)
        self.times = np.zeros(0, np.int64)
        self.fill()
        self.timed = bool((self.times[:PROBE] != NO_TIME).any())

    def fill(self) -> bool:
        """Read on where nothing is left; False at the end of the file."""
        while not len(self.times):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._lines, self._start, self._end, self._flags = chunk
            own = self._times(self._lines)
            if len(own):
                own[0] = max(own[0], self._last)
                self.times = np.maximum.accumulate(own)
                self._last = int(self.times[-1])
        return True

    def take(self, count: int) -> Chunk:
        """Remove and return the first `count` lines."""
        taken = self._lines[:count], self._start[:count], self._end[:count], self._flags[:count]
        self._lines, self.times = self._lines[count:], self.times[count:]
        self._start, self._end, self._flags = self._start[count:], self._end[count:], self._flags[count:]
        return taken


def _batch(
    streams: list[Stream], parts: list[Chunk], owner: np.ndarray, order: np.ndarray | None = None
) -> RecordBatch:
    lines = [line for part in parts for line in part[0]]
    start, end, flags = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
    if order is not None:
        lines = [lines[i] for i in order.tolist()]
        start, end, flags, owner = start[order], end[order], flags[order], owner[order]
    return RecordBatch(lines, streams, owner.astype(np.int32), start, end, flags)


def _cut(batch: RecordBatch) -> Iterator[RecordBatch]:
    for at in range(0, len(batch), BATCH):
        part = slice(at, at + BATCH)
        yield RecordBatch(
            batch.lines[part], batch.streams, batch.stream[part], batch.start[part], batch.end[part], batch.flags[part]
        )
