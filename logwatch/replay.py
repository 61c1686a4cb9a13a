"""History as a stream: finished files, merged by time into one order that is the same in every run.

Several files merge by their running-maximum time; ties go by the order of the arguments; a line without a time takes
the time before it; files without any time come last. Metrics come as an agent sends them, every ten seconds: a log
and metrics that took turns each second would be judged second by second, at a tenth of the speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from logwatch.clock import SystemClock
from logwatch.errors import LogwatchError
from logwatch.parse.join import Joiner
from logwatch.parse.metrics.detect import MOST, looks_like_metrics
from logwatch.parse.multiline import AUTO
from logwatch.types import NO_TIME, Int64, RecordBatch, Stream, UInt8

Chunk = tuple[list[bytes], Int64, Int64, UInt8]
"""Lines, start positions, end positions, flags: as `sources.finished.read_finished` yields them."""

Times = Callable[[list[bytes]], Int64]
"""Times of the next lines of a file, NO_TIME where a line has none and none came before."""

BATCH = 8192
"""Records of a batch. The results do not depend on it."""

PROBE = 1000
"""A file with no time in its first lines is taken for one without times."""


SENT_NS = 10 * 10**9
"""Metrics of a file that is merged with others take their places at the ends of such spans."""


@dataclass
class Finished:
    """One finished file to replay."""

    stream: Stream
    chunks: Iterator[Chunk]
    times: Times


def joined(chunks: Iterator[Chunk], stream: Stream) -> Iterator[Chunk]:
    """Chunks of a file with the lines in one record that belong together. It goes before the merge: a record's place
    is that of its first line. A file of metrics stays as it is."""
    first = next(chunks, None)
    if first is None:
        return
    chunks = chain([first], chunks)
    if looks_like_metrics(first[0][:MOST]):
        yield from chunks
        return
    joiner, failure = Joiner(lambda component, source: AUTO, SystemClock()), None
    try:
        for lines, start, end, flags in chunks:
            which = np.zeros(len(lines), np.int32)
            yield from _chunks(joiner.join(RecordBatch(lines, [stream], which, start, end, flags), ""))
    except (LogwatchError, OSError) as error:
        failure = error  # what came before it is delivered first
    yield from _chunks(joiner.finish(""))
    if failure is not None:
        raise failure


def _chunks(records: RecordBatch | None) -> Iterator[Chunk]:
    if records is not None and len(records):
        yield records.lines, records.start, records.end, records.flags


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
        self._measures: bool | None = None  # whether it holds metrics; None: nothing was read yet
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
            if self._measures is None:
                self._measures = looks_like_metrics(self._lines[:MOST])
            own = self._times(self._lines)
            if self._measures:
                own = np.where(own == NO_TIME, NO_TIME, -(-own // SENT_NS) * SENT_NS)
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


def aligned(batches: Iterable[RecordBatch], seen: int, full_batch: Callable[[int], int]) -> Iterator[RecordBatch]:
    """The same records in batches that end where long chunks do: every call of a stage is as long as it can be.

    Args:
        seen: events before the first of them.
        full_batch: how many records to take after so many events.
    """
    held: RecordBatch | None = None
    for batch in batches:
        held = batch if held is None else _joined(held, batch)
        while len(held) >= (size := full_batch(seen)):
            yield _part(held, slice(0, size))
            seen += size
            held = _part(held, slice(size, None))
    if held is not None and len(held):
        yield held


def _joined(one: RecordBatch, other: RecordBatch) -> RecordBatch:
    streams, shift = one.streams, 0
    if other.streams != streams:
        streams, shift = streams + other.streams, len(streams)
    return RecordBatch(
        one.lines + other.lines,
        streams,
        np.concatenate([one.stream, other.stream + np.int32(shift)]),
        np.concatenate([one.start, other.start]),
        np.concatenate([one.end, other.end]),
        np.concatenate([one.flags, other.flags]),
    )


def _part(batch: RecordBatch, rows: slice) -> RecordBatch:
    return RecordBatch(
        batch.lines[rows], batch.streams, batch.stream[rows], batch.start[rows], batch.end[rows], batch.flags[rows]
    )


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
        yield _part(batch, slice(at, at + BATCH))
