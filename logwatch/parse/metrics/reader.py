"""Reads the records of metric streams, whatever their formats."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from logwatch.parse.formats.read import Failed
from logwatch.parse.metrics import csvlines, influx, jsonl, prometheus
from logwatch.parse.metrics.detect import format_of
from logwatch.parse.metrics.gathered import Gathered
from logwatch.parse.metrics.memory import Memory, Remembered
from logwatch.parse.metrics.moments import Spelled
from logwatch.parse.metrics.redacted import CleanNames
from logwatch.parse.metrics.settings import MetricSettings
from logwatch.samples import Samples
from logwatch.telemetry import DEAD_LETTERS
from logwatch.types import Flag, Int64, RecordBatch

_OF_TEXT = {"influx": influx.read, "prometheus": prometheus.read, "csv": csvlines.read}


class Read(NamedTuple):
    """What a batch holds."""

    samples: Samples
    failed: list[Failed]  # rows that could not be read, or not all of them; ascending


class MetricReader:
    """Reads the records of many sources at once; remembers of each stream its format, header and types.

    Args:
        settings: the settings of a source, by its name; asked once for each.
        redact: rules, for the names of series and their labels.

    Raises:
        ConfigError: a setting or a rule is wrong.
    """

    def __init__(self, settings: Callable[[str], MetricSettings], redact: Sequence[str] = ()) -> None:
        self._settings_of = settings
        self._settings: dict[str, MetricSettings] = {}
        self._memory = Memory()
        self._clean = CleanNames(redact)

    def read(self, records: RecordBatch) -> Read:
        """Samples of n records in stream order, and the rows that failed. Never raises, whatever their bytes are."""
        collecting = gc.isenabled()
        gc.disable()  # new series are many small objects, and none of them a cycle: looking for some doubles the time
        try:
            return self._read(records)
        finally:
            if collecting:
                gc.enable()

    def _read(self, records: RecordBatch) -> Read:
        out = Gathered()
        groups = _by_stream(records)
        known = [Remembered(changed=False)] * len(records.streams)
        for number, rows in groups:
            stream = records.streams[number]
            settings = self._settings_for(stream.source)
            known[number] = self._memory.hear(stream)
            self._stream(records, rows, known[number], settings, out.moments.of(settings.timezone), out)
        order = np.array([one.order for one in known], dtype=np.int64)
        samples, failed = out.done(records.stream, order)
        samples.names = self._clean.of(samples.names)
        for number, _ in groups:
            if known[number].order != order[number]:
                known[number].order, known[number].changed = int(order[number]), True
        self._memory.forget()
        for reason, count in Counter(one.reason for one in failed).items():
            DEAD_LETTERS.inc(count, reason=reason)
        return Read(samples, failed)

    def _settings_for(self, source: str) -> MetricSettings:
        if source not in self._settings:
            settings = self._settings_of(source)
            settings.check()
            self._settings[source] = settings
        return self._settings[source]

    def _stream(
        self, records: RecordBatch, of: Int64, known: Remembered, settings: MetricSettings, times: Spelled,
        out: Gathered,
    ) -> None:  # fmt: skip
        """The records of one stream."""
        cut = records.flags[of] & Flag.TRUNCATED
        for row in of[cut > 0].tolist():
            out.fail(row, "truncated")
        rows: list[int] = of[cut == 0].tolist()
        lines = records.lines if len(rows) == len(records.lines) else [records.lines[row] for row in rows]
        form = settings.format
        if form == "auto":
            if not known.format:
                first = _told(lines, known)
                for row, line in zip(rows[:first], lines, strict=False):
                    if line.strip():
                        out.fail(row, "not_metrics")
                rows, lines = rows[first:], lines[first:]
            form = known.format
        if form == "json":
            jsonl.read(lines, rows, known, times, out)
        elif form and rows:
            _OF_TEXT[form](_decoded(lines), rows, known, times, out)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        return self._memory.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._memory.restore(cells)


def _by_stream(records: RecordBatch) -> list[tuple[int, Int64]]:
    """Streams of the batch, the one heard last at the end, with their rows."""
    if not len(records):
        return []
    order = np.argsort(records.stream, kind="stable")
    ordered = records.stream[order]
    parts = np.split(order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    parts.sort(key=lambda rows: int(rows[-1]))
    return [(int(records.stream[rows[0]]), rows) for rows in parts]


def _told(lines: list[bytes], known: Remembered) -> int:
    """The place of the first line that tells the format; their count where none does."""
    for i, line in enumerate(lines):
        form = format_of(line)
        if form:
            known.format, known.changed = form, True
            return i
    return len(lines)


def _decoded(lines: list[bytes]) -> list[str]:
    """Lines as text, without what is left of a line end and without a byte order mark."""
    text = b"\n".join(lines).decode("utf-8", "replace")
    texts = text.split("\n")
    if len(texts) != len(lines):
        texts = [line.decode("utf-8", "replace") for line in lines]
    if "\r" in text or "\ufeff" in text:
        texts = [one.rstrip("\r").removeprefix("\ufeff") for one in texts]
    return texts
