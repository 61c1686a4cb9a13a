"""`values`: a value that is rare for its field or its place in a line, or a number far out in its tail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Float32, KeyFields, plugin
from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.table import UInt64
from logwatch.score.detectors.values_bursts import Bursts
from logwatch.score.detectors.values_fields import Fields
from logwatch.score.detectors.values_known import Known, Look
from logwatch.score.detectors.values_outlines import Outlines
from logwatch.score.detectors.values_sample import Sample
from logwatch.score.detectors.values_text import Read, placed
from logwatch.types import Bool, FieldColumn, Float64, Int32, Int64

OFTEN = 4
"""Values that a chunk must bring of a new place: a name in front of a value may vary as well."""

USUAL = float(-np.log(0.01))
"""Nats below which a value of a place is usual, and says nothing: lines have many places, most without meaning."""

VISIT = 2 * USUAL
"""Price of so many chances where a visit takes the most unusual of its lines, and stands beside the network's nats
(HDFS: average precision 0.928 so, 0.867 at half the price)."""

PLACES, OUTLINES, NETWORKS, BURSTS = "place/", "outline/", "network/", "burst/"
"""How the names of the cells of places begin, of outlines, of networks in outlines, of bursts."""

NEW_WORDS, NEW_NETWORKS = "words that never came together", "an address from where such lines never came"
"""What people read of lines that are new as a whole."""


@plugin(kind="detector", name="values", api=(1, 0), config=ValuesConfig)
class ValuesOdd:
    """Nats: −ln of how rare the value of a field or a place is on its source, or of how rare it is that lines of the
    template bring new words together, of the most unusual one of the event's, less ln of how many were looked at;
    NaN where there is no opinion on any.

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
        self._outlines = Outlines(config.memory, config.limit)
        self._networks = Outlines(config.memory, config.limit)
        self._bursts = Bursts(2 * config.limit)
        self._sample = Sample()
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], from what was known at the last chunk's end."""
        said = _Said(len(events))
        rows = self._sample.rows(events)
        columns, read = self._read(events, rows)
        for known, column in columns:
            look = known.look(column, events.source, self._chunk)
            known.remember(column, look, events)
            some = np.flatnonzero(~np.isnan(look.nats))
            own = column.rows[some]
            said.add(own, self._news(known, look.nats[some], events.source[own]))
            said.together(*self._together(column, look, events))
        for outlines, _, lines, keys in self._combined(read):
            looked = outlines.look(events, lines, keys)
            outlines.remember(looked, events, lines)
            some = np.flatnonzero(~np.isnan(looked.rate))
            at = lines[some]
            said.add(at, self._news(self._places, looked.nats()[some], events.source[at]))
        return said.nats()

    def _read(self, events: EventBatch, rows: Int64) -> tuple[list[tuple[Known, FieldColumn]], Read]:
        """Fields of the events and the values in the text of some rows, and all that was read there."""
        fields = [] if events.values is None else events.values.columns()
        read = placed(events.text, rows, fields)
        columns: list[tuple[Known, FieldColumn]] = [(self._fields, column) for column in fields]
        return columns + [(self._places, column) for column in read.columns], read

    def _combined(self, read: Read) -> tuple[tuple[Outlines, str, Int64, UInt64], ...]:
        """What is known of whole lines, what people read of it, rows, and their keys."""
        return (
            (self._outlines, NEW_WORDS, read.lines, read.outlines),
            (self._networks, NEW_NETWORKS, read.addressed, read.networks),
        )

    def _news(self, known: Known, nats: Float64, source: Int32) -> Float64:
        """Nats [k] of values on sources [k], of places less what is usual there."""
        if known is self._fields:
            return nats
        price = 0.0 if self._has_entities is None else VISIT * self._has_entities(source)
        return np.where(nats < USUAL, 0.0, nats - price)

    def _together(self, column: FieldColumn, look: Look, events: EventBatch) -> tuple[Int32, Float64]:
        """Rows [k], and nats [k] of their values as part of a burst: a source's own, not that of one of its entities
        (with them HDFS: average precision 0.921, without 0.928)."""
        rows, of, nats = column.rows, look.held.of, look.nats
        if self._has_entities is not None:
            plain = np.flatnonzero(~self._has_entities(events.source[rows]))
            rows, of, nats = rows[plain], of[plain], nats[plain]
        return rows, self._bursts.look(look.held.keys, of, nats, events.watermark[rows])

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Learn the values of events that did not alert."""
        self._fields.learn(chunk, self._chunk)
        self._places.learn(chunk, self._chunk)
        self._outlines.learn(chunk, self._chunk)
        self._networks.learn(chunk, self._chunk)
        self._bursts.learn(self._chunk)
        self._sample.learn(chunk)
        self._chunk += 1

    def explain(self, events: EventBatch, row: int) -> str:
        """`status 503; usual 200 201 304`: the oddest value of an event that was just scored; "" where none is."""
        best, said = 0.0, ""
        one, line = events.take(slice(row, row + 1)), np.zeros(1, np.int64)
        columns, read = self._read(one, line)
        for known, column in columns:
            look = known.look(column, one.source, self._chunk)
            nats = self._news(known, np.nan_to_num(look.nats, nan=0.0), np.repeat(one.source, len(column.rows)))
            at = int(nats.argmax())
            if nats[at] > best:
                best, said = float(nats[at]), known.told(column, look, at)
        if said:
            return said  # a value that a line never had makes the line a new one, too
        for outlines, told, lines, keys in self._combined(read):
            nats = self._news(self._places, np.nan_to_num(outlines.look(one, lines, keys).nats()), one.source[lines])
            if nats.max(initial=0.0) > best:
                best, said = float(nats[0]), told
        return said

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._fields.changes("")
        yield from self._places.changes(PLACES)
        yield from self._outlines.changes(OUTLINES)
        yield from self._networks.changes(NETWORKS)
        yield from self._bursts.changes(BURSTS)
        yield from self._sample.changes(PLACES)
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._fields.restore("", cells)
        self._places.restore(PLACES, cells)
        self._outlines.restore(OUTLINES, cells)
        self._networks.restore(NETWORKS, cells)
        self._bursts.restore(BURSTS, cells)
        self._sample.restore(PLACES, cells)
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")


class _Said:
    """The most unusual of what was looked at in each of n events."""

    def __init__(self, n: int) -> None:
        self._most, self._looks = np.zeros(n), np.zeros(n)

    def add(self, rows: NDArray[np.integer], nats: Float64) -> None:
        """Of events `rows` [k], which may repeat."""
        np.maximum.at(self._most, rows, nats)
        self._looks += np.bincount(rows, minlength=len(self._looks))

    def together(self, rows: NDArray[np.integer], nats: Float64) -> None:
        """Of events `rows` [k], which may repeat, as part of a burst; NaN: of none."""
        np.fmax.at(self._most, rows, nats)

    def nats(self) -> Float32:
        """[n]; NaN where nothing was looked at."""
        nats = np.maximum(self._most - np.log(np.maximum(self._looks, 1.0)), 0.0)
        return np.where(self._looks > 0, nats, np.nan).astype(np.float32)
