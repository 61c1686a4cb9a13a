"""Which streams are metrics and which are logs: said by the configuration, or told by a stream's first lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Literal

import numpy as np

from logwatch.parse.metrics.detect import MOST, could_be_header, looks_like_metrics
from logwatch.types import Bool, Int64, RecordBatch, Stream

Signal = Literal["logs", "metrics", "auto"]

REMEMBERED = 200_000
"""Streams whose answer is kept: as many as the registry numbers. Beyond, a stream is a log unless its source says."""


class Signals:
    """Remembers the answer for each stream that was told by its lines.

    Args:
        signal_of: the setting of a source, by the component that brings it and its name.
        was_heard: whether a stream had records before.

    Cells: one a stream of metrics, or that has begun with what could be the header of CSV: then with that line. One
    without that was heard before is a log's.
    """

    def __init__(self, signal_of: Callable[[str, str], Signal], was_heard: Callable[[Stream], bool]) -> None:
        self._signal_of, self._was_heard = signal_of, was_heard
        self._is_metric: dict[Stream, bool] = {}
        self._headers: dict[Stream, bytes] = {}  # of streams that have said nothing more
        self._changed: dict[Stream, bytes | None] = {}

    def metrics(self, records: RecordBatch, component: str) -> Bool | None:
        """Records [n] that are metrics; None where none is."""
        known = [self._is_metric.get(stream) for stream in records.streams]
        if None in known:
            known = self._tell(records, component, known)
        if not any(known):
            return None
        found: Bool = np.array(known, dtype=np.bool_)[records.stream]
        return found if found.any() else None

    def _tell(self, records: RecordBatch, component: str, known: list[bool | None]) -> list[bool | None]:
        for number in np.unique(records.stream).tolist():
            known[number] = self._is_metric.get(records.streams[number])  # it may stand in the list twice
            if known[number] is None:
                rows = np.flatnonzero(records.stream == number)[:MOST].tolist()
                known[number] = self._look(records.streams[number], component, [records.lines[row] for row in rows])
        return known

    def _look(self, stream: Stream, component: str, first: list[bytes]) -> bool:
        """Whether a stream is one of metrics, by its setting or else by its first lines."""
        signal = self._signal_of(component, stream.source)
        header = self._headers.pop(stream, None)
        told = signal == "auto" and (header is not None or not self._was_heard(stream))
        lines = first if header is None else [header, *first]
        metric = signal == "metrics" or (told and looks_like_metrics(lines))
        if told and not metric and could_be_header(lines):
            self._headers[stream] = self._changed[stream] = next(line for line in lines if line.strip())
            return True  # and what comes next tells more
        if len(self._is_metric) < REMEMBERED:
            self._is_metric[stream] = metric
            if metric:
                self._changed[stream] = b""
            elif header is not None:
                self._changed[stream] = None
        return metric

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        for stream, header in sorted(self._changed.items(), key=lambda one: one[0]):
            text = f"{stream.source}\0{stream.instance}".encode()
            cell = None if header is None else text + (b"\0" + header if header else b"")
            yield blake2b(text, digest_size=16).hexdigest(), cell
        self._changed.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        for cell in cells.values():
            source, instance, *header = cell.split(b"\0", 2)
            stream = Stream(source.decode(), instance.decode())
            if header:
                self._headers[stream] = header[0]
            else:
                self._is_metric[stream] = True


NO_METRICS: Bool = np.zeros(0, np.bool_)


def pieces(records: RecordBatch) -> list[Int64]:
    """Rows of a batch in parts of at most `PIECE` bytes, or of one record: one record may have thousands of samples."""
    last = np.cumsum([len(line) for line in records.lines]) - 1
    return np.split(np.arange(len(records)), np.flatnonzero(np.diff(last // PIECE)) + 1)


PIECE = 1 << 20
"""Bytes of records of metrics that are read at once: 100,000 samples or so."""


def beside(joined: RecordBatch, records: RecordBatch, rows: Int64) -> RecordBatch:
    """The joined lines of a batch, and its metrics, which are in `rows`, after them."""
    measured = records.take(rows)
    start, end, flags = (
        np.concatenate([getattr(joined, name), getattr(measured, name)]) for name in ("start", "end", "flags")
    )
    stream = np.concatenate([joined.stream, measured.stream + len(joined.streams)])
    metrics = np.arange(len(stream)) >= len(joined)
    return RecordBatch(
        [*joined.lines, *measured.lines], [*joined.streams, *measured.streams], stream, start, end, flags,
        cursor=records.cursor, gaps=records.gaps, lane=records.lane, metrics=metrics,
    )  # fmt: skip
