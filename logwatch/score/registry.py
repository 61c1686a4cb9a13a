"""Small integers for sources and streams, stable over restarts, and which component brought each source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.types import Int32, RecordBatch, Stream


class Registry:
    """Numbers sources and streams in order of appearance.

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

    def number(self, records: RecordBatch, component: str) -> tuple[Int32, Int32]:
        """Source and stream numbers [n] of a batch from `component`; unknown streams are added."""
        known = [*map(self._stream_number.get, records.streams)]
        if None in known:
            known = [self._add(stream, component) for stream in records.streams]
        streams: Int32 = np.array(known, dtype=np.int32)[records.stream]
        return self._source_of[streams], streams

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
