"""What a source may deliver: a batch that the pipeline can take, whatever is in its lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from logwatch.types import Gap, RecordBatch, Stream

COLUMNS = {"stream": np.int32, "start": np.int64, "end": np.int64, "flags": np.uint8}


def sound(batch: Any) -> RecordBatch:
    """The batch, without what is not a source's to say. Raises TypeError or ValueError: what is wrong with it."""
    if not isinstance(batch, RecordBatch):
        raise TypeError(f"poll returned {type(batch).__name__}, not a RecordBatch or None")
    if not isinstance(batch.lines, list) or not all(type(line) is bytes for line in batch.lines):
        raise TypeError("lines must be a list of bytes")
    n = len(batch.lines)
    for name, dtype in COLUMNS.items():
        column = getattr(batch, name)
        if not isinstance(column, np.ndarray) or column.dtype != dtype or column.shape != (n,):
            raise TypeError(f"{name} must be an array of {dtype.__name__} [{n}]")
    if np.any((batch.stream < 0) | (batch.stream >= len(batch.streams))):
        raise ValueError("a record belongs to no stream of its batch")
    if np.any((batch.start < 0) | (batch.end < batch.start)):
        raise ValueError("a record ends before it starts, or starts before 0")
    for stream in batch.streams:
        _expect_stream(stream)
    for gap in batch.gaps:
        if not isinstance(gap, Gap):
            raise TypeError("gaps must be a list of Gap")
        _expect_stream(gap.stream)
    return RecordBatch(
        batch.lines, batch.streams, batch.stream, batch.start, batch.end, batch.flags, cells(batch.cursor), batch.gaps
    )


def cells(said: Any) -> dict[str, bytes | None]:
    """Names and values as they can be saved. Raises TypeError or ValueError."""
    found = dict(said)
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, bytes | None):
            raise TypeError(f"what is saved must be bytes under a name, not {type(value).__name__} under {name!r}")
        name.encode()  # raises where it is no Unicode
    return found


def _expect_stream(stream: Any) -> None:
    if not isinstance(stream, Stream) or not all(isinstance(part, str) for part in stream):
        raise TypeError("streams must be a list of Stream(source, instance)")
    "".join(stream).encode()  # raises where it is no Unicode
