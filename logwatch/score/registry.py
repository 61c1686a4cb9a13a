"""Small integers for sources and streams, stable over restarts, and which component brought each source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.telemetry import SHARED, Logger
from logwatch.types import Int32, RecordBatch, Stream

log = Logger(__name__)

MAX_SOURCES = 100_000
"""Sources of one lane that are told apart. Names may come from outside (keys of Kafka records, journal units, paths),
and every stage keeps rows for each source for good (5 KB in all): without a bound, random names fill the memory."""

MAX_STREAMS = 200_000
"""Streams likewise. More than sources, since each rotation of a file begins one: twenty files' of a year, hourly."""

OTHER = "(other)"
"""The name of what is beyond: `COMPONENT/(other)` for new sources, the instance for new streams of a source."""


class Registry:
    """Numbers sources and streams in order of appearance.

    New sources beyond `MAX_SOURCES` are one source for each component, and new streams beyond `MAX_STREAMS` one stream
    for each source. Which they are depends only on the order of the records.

    Cells: one per stream, `number -> [source, instance, component]`.
    """

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.streams: list[Stream] = []
        self.source_of: list[int] = []  # stream number -> source number
        self.component_of: list[str] = []  # source number -> the configured source that brought it
        self._source_of: Int32 = np.zeros(16, np.int32)  # the same, by the batch; with room to grow
        self._source_number: dict[str, int] = {}
        self._stream_number: dict[Stream, int] = {}
        self._saved = 0
        self._told: set[str] = set()  # what was warned of: source, stream

    def __contains__(self, source: object) -> bool:
        """Whether a source of this name had a record."""
        return source in self._source_number

    def heard(self, stream: Stream) -> bool:
        """Whether a stream had a record."""
        return stream in self._stream_number

    def component(self, source: str) -> str:
        """What brought a source that had a record."""
        return self.component_of[self._source_number[source]]

    def number(self, records: RecordBatch, component: str) -> tuple[Int32, Int32]:
        """Source and stream numbers [n] of a batch from `component`; unknown streams are added."""
        known = [*map(self._stream_number.get, records.streams)]
        if None in known:
            known = self._numbered(records, component)
        streams: Int32 = np.array(known, dtype=np.int32)[records.stream]
        return self._source_of[streams], streams

    def _numbered(self, records: RecordBatch, component: str) -> list[int | None]:
        """Number of each of the batch's streams; new ones in the order of their first records. -1: no record has it."""
        used, first, count = np.unique(records.stream, return_index=True, return_counts=True)
        known: list[int | None] = [-1] * len(records.streams)
        for which in np.argsort(first).tolist():
            stream = records.streams[used[which]]
            number = self._stream_number.get(stream)
            if number is None:
                kept = self._bounded(stream, component)
                if kept != stream:
                    self._tell(stream, kept, component, int(count[which]))
                number = self._add(kept, component)
            known[used[which]] = number
        return known

    def _bounded(self, stream: Stream, component: str) -> Stream:
        """The stream that a new one is counted among: its own, while there is room."""
        source, instance = stream
        if source not in self._source_number and len(self.sources) >= MAX_SOURCES:
            source = f"{component}/{OTHER}"
        if Stream(source, instance) not in self._stream_number and len(self.streams) >= MAX_STREAMS:
            instance = OTHER
        return Stream(source, instance)

    def _tell(self, stream: Stream, kept: Stream, component: str, records: int) -> None:
        what = "source" if kept.source != stream.source else "stream"
        SHARED.inc(records, what=what)
        if what not in self._told:
            self._told.add(what)
            most = MAX_SOURCES if what == "source" else MAX_STREAMS
            name, afresh = 'give what belongs together one name, say `name = "{topic}"`', "begin a new state directory"
            log.warning(
                f"too many {what}s to tell apart; new ones are taken for one",
                source=component,
                most=most,
                counted_as=kept.source,
                fix=name if what == "source" else f"{name}; where files were rotated so often, {afresh}",
            )

    def _add(self, stream: Stream, component: str) -> int:
        number = self._stream_number.get(stream)
        if number is None:
            number = self._stream_number[stream] = len(self.streams)
            self.streams.append(stream)
            source = self._source_number.setdefault(stream.source, len(self.sources))
            if source == len(self.sources):
                self.sources.append(stream.source)
                self.component_of.append(component)
            self.source_of.append(source)
            if number == len(self._source_of):
                self._source_of = np.append(self._source_of, np.zeros(number, np.int32))
            self._source_of[number] = source
        return number

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        for number in range(self._saved, len(self.streams)):
            component = self.component_of[self.source_of[number]]
            yield f"{number:08d}", json.dumps([*self.streams[number], component]).encode()
        self._saved = len(self.streams)

    def restore(self, cells: Mapping[str, bytes]) -> None:
        for name in sorted(cells):
            source, instance, component = json.loads(cells[name])
            self._add(Stream(source, instance), component)
        self._saved = len(self.streams)
