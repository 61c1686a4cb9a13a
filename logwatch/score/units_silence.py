"""Silence: a source that says nothing for longer than it should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.detectors.gap import BUCKETS, MILLISECOND, octave
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups, gather
from logwatch.score.units_pieces import Piece, Rank, silent
from logwatch.types import NO_TIME, EventBatch, Float32, Float64, Int32, Int64, Kind

MEMORY = 10_000.0
"""Gaps of a source over which their distribution ages."""
LEAST = 64
"""Gaps of a source before there is an opinion, and after which it is formed anew."""
FLOOR = 5.0
"""Nats below which a silence is no unit: else every event would bring one."""
STEEPEST, FLATTEST = 4.0, 0.5
"""Bounds of the tail's exponent: beyond the longest gap seen it falls like a power, at the slope of what was seen."""

LAST = (
    ("seen", "u1"),
    ("rung", "u1"),  # octave of the silence going on that was said already
    ("stream", "i4"),
    ("watermark", "i8"),
    ("time", "i8"),
    ("start", "i8"),
    ("end", "i8"),
)
GAPS = (
    ("least", "u1"),  # first octave that may reach the floor; 0: none yet
    ("count", "i8"),
    ("octaves", "f4", (BUCKETS,)),  # aged
)


class Silences:
    """When each source spoke last, and how long its gaps are, by octaves on its watermark.

    A gap is judged when it ends (`final`), and while it lasts by `tick`, once per octave.

    Args:
        width: columns of a unit; the last is `silence`.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._last = SourceRows(LAST)
        self._gaps = SourceRows(GAPS)
        self._ended = Pending(source="i4", octave="u1")

    def build(self, events: EventBatch, groups: Groups) -> list[Piece]:
        """Units of the improbable silences that ended in a batch; `groups` are its rows by source."""
        self._last.reach(events.source)
        self._gaps.reach(events.source)
        order = groups.order
        old = self._last.get(groups.keys)
        watermark = events.watermark[order]
        was = np.empty_like(watermark)
        was[1:] = watermark[:-1]
        was[groups.begin] = np.where(old["seen"] > 0, old["watermark"], NO_TIME)
        timed = was != NO_TIME
        gap = np.where(timed, np.maximum(watermark - np.where(timed, was, 0), 0), 0)
        lasted = octave(gap)
        source = groups.keys[groups.group]
        self._ended.add(source=source[timed], octave=lasted[timed])
        least = self._gaps.rows["least"][source]
        at = np.flatnonzero((least > 0) & (lasted >= least))
        piece = self._ended_at(events, groups, at, gap[at], old) if len(at) else None
        self._remember(events, groups)
        return [piece] if piece is not None else []

    def _ended_at(self, events: EventBatch, groups: Groups, at: Int64, gap: Int64, old: NDArray[Any]) -> Piece:
        order = groups.order
        source = groups.keys[groups.group[at]]
        nats = self._nats(source, gap)
        keep = nats >= FLOOR
        at, source, nats = at[keep], source[keep], nats[keep]
        # What stands around the silence is the event before it: of this batch, or the one remembered.
        stored = groups.head[at]
        before, held = order[np.maximum(at - 1, 0)], gather(old, groups.group[at])
        row = order[at]
        return self._piece(
            True, row, source, np.where(stored, held["stream"], events.stream[before]),
            np.where(stored, held["time"], events.time[before]), events.time[row],
            np.where(stored, held["start"], events.start[before]),
            np.where(stored, held["end"], events.end[before]), nats,
        )  # fmt: skip

    def _remember(self, events: EventBatch, groups: Groups) -> None:
        last = np.zeros(len(groups), dtype=self._last.dtype)
        last["seen"] = 1
        last["stream"] = events.stream[groups.last]
        last["watermark"] = events.watermark[groups.last]
        last["time"] = events.time[groups.last]
        last["start"] = events.start[groups.last]
        last["end"] = events.end[groups.last]
        self._last.put(groups.keys, last)

    def tick(self, source: Int32, watermark: Int64) -> list[Piece]:
        """Units of sources [s] whose silence has lasted into another octave at watermarks [s]."""
        self._last.reach(source)
        self._gaps.reach(source)
        last = self._last.get(source)
        timed = (last["seen"] > 0) & (last["watermark"] != NO_TIME)
        gap = np.where(timed, np.maximum(watermark - np.where(timed, last["watermark"], 0), 0), 0)
        lasts, least = octave(gap), self._gaps.rows["least"][source]
        rows = np.flatnonzero((least > 0) & (lasts >= least) & (lasts > last["rung"]))
        nats = self._nats(source[rows], gap[rows])
        rows, nats = rows[nats >= FLOOR], nats[nats >= FLOOR]
        self._last.rows["rung"][source[rows]] = lasts[rows]
        self._last.mark(source[rows])
        last = gather(last, rows)
        now = np.zeros(len(rows), dtype=np.int64)
        return [
            self._piece(
                False,
                now,
                source[rows].astype(np.int64),
                last["stream"],
                last["time"],
                watermark[rows],
                last["start"],
                last["end"],
                nats,
            )
        ]

    def _piece(
        self, final: bool, row: Int64, source: Int64, stream: Int32, first: Int64, last: Int64, start: Int64,
        end: Int64, silence: Float32,
    ) -> Piece:  # fmt: skip
        nats = np.full((len(row), self._width), np.nan, dtype=np.float32)
        nats[:, -1] = silence
        return Piece(
            Kind.SILENCE, Rank.SILENCE, final, row, source, source, stream, silent(len(row)), first, last, start, end,
            nats,
        )  # fmt: skip

    def _nats(self, source: NDArray[Any], gap: Int64) -> Float32:
        """−log of the share of the source's gaps at least as long [m]: between octaves and beyond them a power law."""
        edges, slope, top = self._tail(source)
        length = np.log2(gap // MILLISECOND + 1.0)
        below = np.minimum(np.floor(length).astype(np.int64), BUCKETS - 1)
        rows = np.arange(len(source))
        low, high = edges[rows, below], edges[rows, below + 1]
        inside = low + (length - below) * (high - low)
        beyond = edges[rows, top] + slope * (length - top)
        nats: Float32 = np.where(length >= top, beyond, inside).astype(np.float32)
        return nats

    def _tail(self, source: NDArray[Any]) -> tuple[Float64, Float64, Int64]:
        """−log survival at the edges of the octaves [m, 33], slope beyond per octave [m], first empty octave [m]."""
        rows = self._gaps.get(source)
        octaves = rows["octaves"].astype(np.float64)
        over = np.zeros((len(source), BUCKETS + 1))
        over[:, :-1] = np.cumsum(octaves[:, ::-1], axis=1)[:, ::-1]
        edges = -np.log((over + 0.5) / (over[:, :1] + 0.5))
        # Aged to less than half a gap is as good as never.
        top = BUCKETS - np.argmax(over[:, ::-1] >= 0.5, axis=1)
        top = np.minimum(top, BUCKETS)
        tenth = np.argmax(edges >= np.log(10.0), axis=1)
        width = np.maximum(top - tenth, 1)
        fall = edges[np.arange(len(source)), top] - edges[np.arange(len(source)), np.minimum(tenth, top - 1)]
        slope = np.clip(fall / width, FLATTEST * np.log(2.0), STEEPEST * np.log(2.0))
        return edges, slope, top

    def learn(self) -> None:
        """At a chunk's end: the gaps that ended in it."""
        ended = self._ended.take()
        if not len(ended["source"]):
            return
        self._gaps.reach(ended["source"])
        cell = ended["source"].astype(np.int64) * BUCKETS + ended["octave"]
        by_cell = Groups(cell)
        cells, times = by_cell.keys, by_cell.counts
        by_source = Groups(ended["source"])
        sources, count = by_source.keys, by_source.counts
        rows, keep = self._gaps.rows, np.exp(-count / MEMORY).astype(np.float32)
        rows["octaves"][sources] *= keep[:, None]
        rows["octaves"][cells // BUCKETS, cells % BUCKETS] += times
        rows["count"][sources] += count
        due = rows["count"][sources] // LEAST != (rows["count"][sources] - count) // LEAST
        self._look_from(sources[due])
        self._gaps.mark(sources)

    def _look_from(self, sources: NDArray[Any]) -> None:
        """The first octave in which a gap can reach the floor, told by its upper edge."""
        edges, _, top = self._tail(sources)
        reach = edges[:, 1:] >= FLOOR
        first = np.where(reach.any(axis=1), np.argmax(reach, axis=1), top)
        self._gaps.rows["least"][sources] = np.maximum(first, 1)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._last.changes("silence/last/")
        yield from self._gaps.changes("silence/gaps/")
        yield from self._ended.changes("silence/ended")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._last.restore("silence/last/", cells)
        self._gaps.restore("silence/gaps/", cells)
        self._ended.restore("silence/ended", cells)
