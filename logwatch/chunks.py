"""The clock of learning: chunks of events, counted over the whole run, and the rows of the open one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.decide.judge import Judged
from logwatch.errors import StateCorrupt
from logwatch.types import NO_TIME, EventBatch, Flag, Float32, Int64, Kind, UnitBatch

FIRST_ENDS = (64, 128, 256, 512, 1024)
"""Ends of the first chunks: short ones, so that a short file is learned too."""

CHUNK = 1024
"""Events of a later chunk, at least. Shorter ones make learning dearer; longer ones make it late."""

LONGER = ((65_536, 8192), (16_384, 4096), (8192, 2048), (0, CHUNK))
"""Events seen, and the longest chunk from there on: the fixed costs of learning halve with each doubling."""

PATIENCE = 10_000_000_000
"""Event time that a chunk of more than `CHUNK` events spans at most, ns: only a stream of hundreds of lines a second
is learned in longer chunks, and it hardly waits longer for it."""


def longest_end(begin: int) -> int:
    """Number of the first event after the chunk that begins with event `begin`, were it as long as any may be.

    Full chunks end at 1,024 more than a multiple of their length, so that they end with a multiple of `CHUNK` whose
    quotient is one more than a multiple of four: what is done at every fourth `CHUNK` still has its turn.
    """
    for end in FIRST_ENDS:
        if begin < end:
            return end
    size = next(size for seen, size in LONGER if begin >= seen)
    return ((begin - CHUNK) // size + 1) * size + CHUNK


LONGEST = 8192
"""Events of the longest chunks."""


def full_batch(seen: int) -> int:
    """Records to read at once after so many events, 1 to `LONGEST`: up to where a long chunk may end, so that stages
    are called for whole chunks."""
    return LONGEST - (seen - CHUNK) % LONGEST


class ChunkClock:
    """Where chunks end: by the number of the event and by event time, whatever the batches.

    Attributes:
        begin: first event of the open chunk.
        since: newest event time when it began; NO_TIME where none was known.
        newest: newest event time so far.
    """

    def __init__(self) -> None:
        self.begin = 0
        self.since = self.newest = int(NO_TIME)

    def step(self, seen: int, time: Int64) -> tuple[int, bool]:
        """How many of the next events belong to the open chunk, at least one; and whether it ends with them.

        Args:
            seen: number of the first of them.
            time: of the next events [n], n > 0, ns or NO_TIME.
        """
        last = longest_end(self.begin)
        newest = np.maximum(np.maximum.accumulate(time[: last - seen]), self.newest)
        ends = range(min((seen // CHUNK + 1) * CHUNK, last), last + 1, CHUNK)
        for end in ends:
            if end - seen > len(newest):
                break
            now = int(newest[end - seen - 1])
            if end == last or self.since == NO_TIME or now - self.since >= PATIENCE:
                self.begin, self.since, self.newest = end, now, now
                return end - seen, True
        self.newest = int(newest[-1])
        return len(newest), False

    def end(self, seen: int) -> bool:
        """End the open chunk before its time; False where it has no events yet."""
        open_, self.begin, self.since = seen > self.begin, seen, self.newest
        return open_

    def saved(self) -> list[int]:
        """Everything, for JSON."""
        return [self.begin, self.since, self.newest]

    def restore(self, saved: list[int]) -> None:
        """Rebuild from `saved`."""
        self.begin, self.since, self.newest = saved


_EVENT_ARRAYS = tuple(f.name for f in fields(EventBatch) if f.name not in {"first", "entity", "text", "values"})
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
            self._events = [EventBatch(first=header["first"], entity=[None] * n, text=[""] * n, values=None, **arrays)]
        if "units" in cells:
            arrays, header = unpack(cells["units"])
            self._crossed = [arrays.pop("crossed")]
            self._units = [UnitBatch(detectors=tuple(header["detectors"]), **arrays)]

    def regard(self, before: Sequence[str], now: Sequence[str], units: Sequence[str]) -> None:
        """Right after `restore`: NaN for new detectors. Raises StateCorrupt.

        Args:
            before: the event detectors of then.
            now: and of now.
            units: the detectors of units now.
        """
        if any(nats.shape[1] != len(before) for nats in self._nats):
            raise StateCorrupt("it was saved with other detectors, by another version")
        if before != now:
            self._nats = [_aligned(nats, before, now) for nats in self._nats]
        for one in self._units:
            if one.detectors != tuple(units):
                one.nats, one.detectors = _aligned(one.nats, one.detectors, units), tuple(units)


def _aligned(nats: Float32, before: Sequence[str], now: Sequence[str]) -> Float32:
    """Columns [n, detectors] by other names."""
    out = np.full((len(nats), len(now)), np.nan, np.float32)
    kept = [name for name in now if name in before]
    out[:, [now.index(name) for name in kept]] = nats[:, [before.index(name) for name in kept]]
    return out


def join_events(batches: list[EventBatch]) -> EventBatch:
    """One batch of many, without text and entities."""
    n = sum(map(len, batches))
    columns = {name: np.concatenate([getattr(b, name) for b in batches]) for name in _EVENT_ARRAYS}
    return EventBatch(first=batches[0].first, entity=[None] * n, text=[""] * n, values=None, **columns)


def join_units(batches: list[UnitBatch]) -> UnitBatch | None:
    """One batch of many; None of none."""
    if not batches:
        return None
    columns = {name: np.concatenate([getattr(b, name) for b in batches]) for name in _UNIT_ARRAYS}
    return UnitBatch(detectors=batches[0].detectors, **columns)


def flagged_windows(units: UnitBatch | None, crossed: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """(source, end) of the windows that alerted."""
    if units is None:
        return set()
    rows = np.flatnonzero(crossed & (units.kind == Kind.WINDOW))
    return set(zip(units.source[rows].tolist(), units.last[rows].tolist(), strict=True))


def mark_alerted(events: EventBatch, units: UnitBatch, crossing: NDArray[np.bool_]) -> None:
    """Events that alerted stay out of learning."""
    rows = units.row[crossing & (units.row >= 0) & (units.kind <= Kind.VISIT)]
    slots = units.slot[crossing & (units.row >= 0) & (units.kind <= Kind.VISIT)]
    rows = rows[events.slot[rows] == slots]  # a visit that keeps silent is judged at another key's event
    if len(rows):
        events.flags = events.flags.copy()
        events.flags[rows] |= np.uint8(Flag.ALERTED)


def keep_silent(units: UnitBatch, judged: Judged, events: EventBatch) -> None:
    """What was there before the first start teaches, and alerts nobody."""
    if not len(units):
        return
    warm = (events.flags & Flag.WARMUP) != 0
    if warm.any():
        silent = warm[np.maximum(units.row, 0)] & (units.row >= 0)
        judged.crossing &= ~silent
        judged.holding &= ~silent
