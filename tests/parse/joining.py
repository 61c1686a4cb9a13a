"""Batches for the joiner, and what comes out of it, by stream."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from logwatch.parse.join import Joiner
from logwatch.parse.multiline import AUTO, Multiline
from logwatch.testing import ManualClock
from logwatch.types import RecordBatch, Stream

A, B, C = Stream("shop", "1"), Stream("shop", "2"), Stream("db", "1")


class Row(NamedTuple):
    """One record."""

    stream: Stream
    line: bytes
    start: int
    end: int
    flags: int = 0


def rows_of(lines: Sequence[tuple[Stream, bytes]]) -> list[Row]:
    """Lines one after the other, each with its position in its stream."""
    at: dict[Stream, int] = {}
    rows = []
    for stream, line in lines:
        start = at.get(stream, 0)
        at[stream] = start + len(line) + 1
        rows.append(Row(stream, line, start, at[stream]))
    return rows


def batch(rows: Sequence[Row]) -> RecordBatch:
    """Rows as a batch."""
    index: dict[Stream, int] = {}
    stream = [index.setdefault(row.stream, len(index)) for row in rows]
    return RecordBatch(
        [row.line for row in rows], list(index), np.array(stream, np.int32),
        np.array([row.start for row in rows], np.int64), np.array([row.end for row in rows], np.int64),
        np.array([row.flags for row in rows], np.uint8),
    )  # fmt: skip


def unpacked(records: RecordBatch | None) -> list[Row]:
    """A batch as rows."""
    if records is None:
        return []
    columns = (records.stream.tolist(), records.lines, records.start.tolist(), records.end.tolist())
    return [
        Row(records.streams[stream], line, start, end, flags)
        for stream, line, start, end, flags in zip(*columns, records.flags.tolist(), strict=True)
    ]


def joiner(rule: Multiline = AUTO, clock: ManualClock | None = None) -> Joiner:
    """A fresh joiner with one setting for all."""
    return Joiner(lambda component, source: rule, clock or ManualClock())


def saved(cells: dict[str, bytes], one: Joiner) -> dict[str, bytes]:
    """All cells after a commit."""
    changed: dict[str, bytes | None] = {**cells, **dict(one.changes())}
    return {name: cell for name, cell in changed.items() if cell is not None}


def joined(
    rows: Sequence[Row], cuts: Sequence[int] = (), restarts: Sequence[int] = (), rule: Multiline = AUTO
) -> list[Row]:
    """All rows through a joiner, cut into batches, with a new joiner from the cells at some of the cuts."""
    one, out = joiner(rule), []
    cells: dict[str, bytes] = {}
    points = sorted({0, *cuts, len(rows)})
    for begin, end in pairwise(points):
        if begin in restarts:
            cells = saved(cells, one)
            one = joiner(rule)
            one.restore(cells)
        out += unpacked(one.join(batch(rows[begin:end]), "file"))
    return out + unpacked(one.finish("file"))


def lines_of(text: bytes, stream: Stream = A) -> list[tuple[Stream, bytes]]:
    """The lines of a text."""
    return [(stream, line) for line in text.split(b"\n")]
