"""What every source keeps: whole records, in order, and going on exactly where the cursors say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from logwatch.api import Source
from logwatch.testing.errors import expect
from logwatch.types import RecordBatch, Stream

IDLE_POLLS = 2000
"""Polls without a record after which a finite source that is not exhausted counts as stuck."""


@dataclass
class _Reader:
    """Reads a finite source to its end, and remembers what was saved."""

    make: Callable[[], Source]
    cursors: dict[str, bytes] = field(default_factory=dict)
    lines: dict[Stream, list[bytes]] = field(default_factory=dict)
    ends: dict[Stream, int] = field(default_factory=dict)

    def read(self, most: int, stop_after: int | None = None) -> bool:
        """Open with what was saved, read batches of `most`, at most `stop_after` of them; True at the end."""
        source = self.make()
        source.open(dict(self.cursors))
        batches = idle = 0
        while not source.exhausted() and batches != stop_after:
            batch = source.poll(most)
            if batch is None or not len(batch):
                idle += 1
                expect(idle < IDLE_POLLS, "the source is neither exhausted nor does it deliver")
                source.wait(0.001)
                if batch is not None:
                    self._save(batch)
                continue
            idle, batches = 0, batches + 1
            self._take(batch, most)
        done = source.exhausted()
        source.close()
        source.close()
        return done

    def _take(self, batch: RecordBatch, most: int) -> None:
        expect(len(batch) <= most, f"poll({most}) returned {len(batch)} records")
        _check_batch(batch)
        for i, line in enumerate(batch.lines):
            stream = batch.streams[int(batch.stream[i])]
            start, end = int(batch.start[i]), int(batch.end[i])
            expect(start >= self.ends.get(stream, start), f"{stream} went back to {start}")
            self.ends[stream] = end
            self.lines.setdefault(stream, []).append(line)
        self._save(batch)

    def _save(self, batch: RecordBatch) -> None:
        for name, cursor in batch.cursor.items():
            if cursor is None:
                self.cursors.pop(name, None)
            else:
                self.cursors[name] = cursor


def check_source(
    make: Callable[[], Source], lines: Mapping[Stream, Sequence[bytes]] | Sequence[bytes], *, resumes: bool = True
) -> None:
    """Hold a finite source against its contract.

    Args:
        make: builds it anew over the same input, from its beginning; it must come to be exhausted.
        lines: what it should deliver: by stream, or of the only one.
        resumes: False for input that is gone once read (a pipe): then only whole runs are checked.

    Raises:
        NotConforming: lines lost, doubled, changed or out of order, whole or in parts, read in one go or interrupted
            and opened again with the saved cursors; or batches that are not well formed.
    """
    for most in (4096, 7, 1):
        reader = _Reader(make)
        expect(reader.read(most), "the source did not come to its end")
        _expect_lines(reader, lines, f"read {most} at a time")
    if not resumes:
        return
    for most, stop_after in ((5, 1), (3, 4)):
        reader = _Reader(make)
        turns = 0
        while not reader.read(most, stop_after):
            turns += 1
            expect(turns <= sum(map(len, reader.lines.values())) + 2, "opened again and again without getting on")
        _expect_lines(reader, lines, f"interrupted after every {stop_after} batches of {most}")
    finished = _Reader(make, dict(reader.cursors))
    finished.read(100)
    expect(not finished.lines, "opened with the cursors of the end, it delivered something again")


def _expect_lines(reader: _Reader, lines: Mapping[Stream, Sequence[bytes]] | Sequence[bytes], how: str) -> None:
    if isinstance(lines, Mapping):
        wanted = {stream: list(own) for stream, own in lines.items() if own}
        expect(reader.lines.keys() == wanted.keys(), f"{how}: other streams than expected: {list(reader.lines)}")
        pairs = [(reader.lines[stream], own) for stream, own in wanted.items()]
    else:
        expect(len(reader.lines) == (1 if lines else 0), f"{how}: {len(reader.lines)} streams instead of one")
        pairs = [(own, list(lines)) for own in reader.lines.values()]
    for got, want in pairs:
        at = next((i for i, (a, b) in enumerate(zip(got, want, strict=False)) if a != b), min(len(got), len(want)))
        expect(
            got == want,
            f"{how}: {len(got)} lines instead of {len(want)}; line {at} is {got[at : at + 1]}, not {want[at : at + 1]}",
        )


def _check_batch(batch: RecordBatch) -> None:
    n = len(batch.lines)
    columns = {"stream": np.int32, "start": np.int64, "end": np.int64, "flags": np.uint8}
    for name, dtype in columns.items():
        column = getattr(batch, name)
        expect(column.shape == (n,) and column.dtype == dtype, f"{name} must be {dtype.__name__} [{n}]")
    expect(bool(np.all(batch.start <= batch.end)), "a record ends before it starts")
    known = (batch.stream >= 0) & (batch.stream < len(batch.streams))
    expect(bool(np.all(known)), "a record belongs to no stream of its batch")
    expect(
        all(isinstance(line, bytes) and b"\n" not in line[-1:] for line in batch.lines), "lines are bytes, without end"
    )
