"""`values`: a value that is rare for its field or its place in a line, or a number far out in its tail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from logwatch.api import EventBatch, Float32, KeyFields, plugin
from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.values_fields import Fields
from logwatch.score.detectors.values_known import Known
from logwatch.score.detectors.values_sample import Sample
from logwatch.score.detectors.values_text import placed
from logwatch.types import Bool, FieldColumn, Float64, Int32, Int64

OFTEN = 4
"""Values that a chunk must bring of a new place: a name in front of a value may vary as well."""

USUAL = float(-np.log(0.01))
"""Nats below which a value of a place is a usual one, and says nothing: lines have many places, most without meaning.
Where a visit takes the most unusual of its lines, they are the price of so many chances too (HDFS: average precision
0.915 so, 0.90 without)."""

PLACES = "place/"
"""How the names of the cells of places begin."""


@plugin(kind="detector", name="values", api=(1, 0), config=ValuesConfig)
class ValuesOdd:
    """Nats: −ln of how rare the value of a field or a place is on its source, of the most unusual one of the event's,
    less ln of how many were looked at; NaN where there is no opinion on any.

    A field with few different values has their shares, one of many numbers their distribution (both tails; a counter
    has none), one of many words (ids, paths) says nothing. What is known is a chunk's end old, and ages by the value.

    Args:
        config: settings.
        keys: unused; all detectors are built alike.
        has_entities: which of the given source numbers have entities; None: none has.
    """

    name = "values"
    FIELDS = KeyFields(())

    def __init__(
        self, config: ValuesConfig, keys: Any = None, has_entities: Callable[[Int32], Bool] | None = None
    ) -> None:
        self._has_entities = has_entities
        self._fields = Known(Fields(config.memory, config.limit, config.per_source))
        self._places = Known(Fields(config.memory, config.limit, config.places_per_source), OFTEN, high_only=True)
        self._sample = Sample()
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], from what was known at the last chunk's end."""
        most, looks = np.zeros(len(events)), np.zeros(len(events), dtype=np.int64)
        for known, column in self._columns(events, self._sample.rows(events)):
            look = known.look(column, events.source, self._chunk)
            known.remember(column, look, events)
            said = np.flatnonzero(~np.isnan(look.nats))
            rows = column.rows[said]
            np.maximum.at(most, rows, self._news(known, look.nats[said], events.source[rows]))
            np.add.at(looks, rows, 1)
        nats = np.full(len(events), np.nan, dtype=np.float32)
        heard = np.flatnonzero(looks)
        nats[heard] = np.maximum(most[heard] - np.log(looks[heard]), 0.0)
        return nats

    def _columns(self, events: EventBatch, read: Int64) -> Iterator[tuple[Known, FieldColumn]]:
        """Fields of the events, and the values in the text of some rows."""
        fields = [] if events.values is None else events.values.columns()
        for column in fields:
            yield self._fields, column
        for place in placed(events.text, read, fields):
            yield self._places, place

    def _news(self, known: Known, nats: Float64, source: Int32) -> Float64:
        """Nats [k] of values on sources [k], of places less what is usual there."""
        if known is self._fields:
            return nats
        price = 0.0 if self._has_entities is None else USUAL * self._has_entities(source)
        return np.where(nats < USUAL, 0.0, nats - price)

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Learn the values of events that did not alert."""
        self._fields.learn(chunk, self._chunk)
        self._places.learn(chunk, self._chunk)
        self._sample.learn(chunk)
        self._chunk += 1

    def explain(self, events: EventBatch, row: int) -> str:
        """`status 503; usual 200 201 304`: the oddest value of an event that was just scored; "" where none is."""
        best, said = 0.0, ""
        for known, column in self._columns(events.take(slice(row, row + 1)), np.zeros(1, np.int64)):
            look = known.look(column, events.source[row : row + 1], self._chunk)
            nats = self._news(known, np.nan_to_num(look.nats, nan=0.0), np.repeat(events.source[row], len(column.rows)))
            at = int(nats.argmax())
            if nats[at] > best:
                best, said = float(nats[at]), known.told(column, look, at)
        return said

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._fields.changes("")
        yield from self._places.changes(PLACES)
        yield from self._sample.changes(PLACES)
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._fields.restore("", cells)
        self._places.restore(PLACES, cells)
        self._sample.restore(PLACES, cells)
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")
