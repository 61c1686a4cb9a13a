"""The clock of learning: chunks of events, counted over the whole run, and the rows of the open one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.types import EventBatch, Float32, UnitBatch

FIRST_ENDS = (64, 128, 256, 512, 1024)
"""Ends of the first chunks: short ones, so that a short file is learned too."""

CHUNK = 1024
"""Events of every later chunk. Shorter ones make learning dearer; longer ones make it late."""


def chunk_end(event: int) -> int:
    """Number of the first event after the chunk that holds `event`."""
    for end in FIRST_ENDS:
        if event < end:
            return end
    return (event // CHUNK + 1) * CHUNK


_EVENT_ARRAYS = tuple(f.name for f in fields(EventBatch) if f.name not in {"first", "entity", "text"})
_UNIT_ARRAYS = tuple(f.name for f in fields(UnitBatch) if f.name != "detectors")


class Pending:
    """What was scored since the last chunk's end. One cell; empty right after a chunk's end."""

    def __init__(self) -> None:
        self._events: list[EventBatch] = []
        self._nats: list[Float32] = []
        self._units: list[UnitBatch] = []
        self._crossed: list[NDArray[np.bool_]] = []
        self._dirty = False

    def add(self, events: EventBatch, nats: Float32) -> None:
        self._events.append(events)
        self._nats.append(nats)
        self._dirty = True

    def add_units(self, units: UnitBatch, crossed: NDArray[np.bool_]) -> None:
        """Units and whether each crossed its threshold."""
        if len(units):
            self._units.append(units)
            self._crossed.append(crossed)
            self._dirty = True

    def take(self) -> tuple[EventBatch, Float32, UnitBatch | None, NDArray[np.bool_]]:
        """The whole chunk: events (no text, no entity), their nats [n, D], its units and whether they crossed."""
        events = join_events(self._events)
        nats = np.concatenate(self._nats)
        units = join_units(self._units)
        crossed = np.concatenate(self._crossed) if self._crossed else np.zeros(0, np.bool_)
        self._events, self._nats, self._units, self._crossed = [], [], [], []
        self._dirty = True
        return events, nats, units, crossed

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        if not self._dirty:
            return
        self._dirty = False
        yield "events", self._pack_events() if self._events else None
        yield "units", self._pack_units() if self._units else None

    def _pack_events(self) -> bytes:
        events = join_events(self._events)
        arrays = {name: getattr(events, name) for name in _EVENT_ARRAYS}
        return pack({**arrays, "nats": np.concatenate(self._nats)}, first=events.first)

    def _pack_units(self) -> bytes:
        units = join_units(self._units)
        assert units is not None  # noqa: S101  # for the type checker: there are some
        arrays = {name: getattr(units, name) for name in _UNIT_ARRAYS}
        return pack({**arrays, "crossed": np.concatenate(self._crossed)}, detectors=units.detectors)

    def restore(self, cells: Mapping[str, bytes]) -> None:
        if "events" in cells:
            arrays, header = unpack(cells["events"])
            self._nats = [arrays.pop("nats")]
            n = len(arrays["source"])
            self._events = [EventBatch(first=header["first"], entity=[None] * n, text=[""] * n, **arrays)]
        if "units" in cells:
            arrays, header = unpack(cells["units"])
            self._crossed = [arrays.pop("crossed")]
            self._units = [UnitBatch(detectors=tuple(header["detectors"]), **arrays)]


def join_events(batches: list[EventBatch]) -> EventBatch:
    """One batch of many, without text and entities."""
    n = sum(map(len, batches))
    columns = {name: np.concatenate([getattr(b, name) for b in batches]) for name in _EVENT_ARRAYS}
    return EventBatch(first=batches[0].first, entity=[None] * n, text=[""] * n, **columns)


def join_units(batches: list[UnitBatch]) -> UnitBatch | None:
    """One batch of many; None of none."""
    if not batches:
        return None
    columns = {name: np.concatenate([getattr(b, name) for b in batches]) for name in _UNIT_ARRAYS}
    return UnitBatch(detectors=batches[0].detectors, **columns)
