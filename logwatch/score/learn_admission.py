"""What may be learned: what surprises stays out until it has become a habit.

What is rare on its source stays out, too: the pipeline marks it, see `detectors.too_rare`.

Always by a share of the recent stream, never by a count: with a count, whatever happens often enough in absolute
numbers is learned in the end, faults included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.score.keys import KeyTable
from logwatch.score.learn_segments import LENGTH, Runs
from logwatch.types import Bool, EventBatch, Flag, Float32, Float64, Int32, Int64

SURPRISING = 0.003
"""Share of the events, the most surprising of all recent ones, that is not learned …"""

HABIT = 0.03
"""… unless its step (template after template) has become this share of the recent events."""

SURPRISING_SILENCES = 0.02
"""The same share of the silences: there is one at most for each visit, so it compares with several events."""

EVENTS = 10_000
"""Recent events that the quantile and the steps refer to."""

STEPS = 4096
"""Counters of steps; steps that share one are counted together."""

BIN = 0.05
BINS = 512
"""Nats are counted in bins of 0.05 up to 25.6."""


class Tail:
    """Aged histogram of recent nats, for their high quantiles.

    Args:
        memory: values that it remembers, about.
    """

    def __init__(self, memory: int = EVENTS) -> None:
        self.counts: Float64 = np.zeros(BINS)
        self._keep = 1.0 - 1.0 / memory

    def add(self, nats: Float32) -> None:
        """Count values [n]; NaN is passed over."""
        said = nats[~np.isnan(nats)]
        self.counts *= self._keep ** len(said)
        np.add.at(self.counts, np.minimum((said / np.float32(BIN)).astype(np.int64), BINS - 1), 1.0)

    def above(self, share: float) -> float:
        """The nats that this share of the recent values exceed; infinite while too few are known."""
        total = float(self.counts.sum())
        if total * share < 1.0:
            return float("inf")
        higher = np.cumsum(self.counts[::-1])[::-1]  # [i]: values in bin i or higher
        return float(np.searchsorted(-higher, -share * total, side="left")) * BIN


class Admission:
    """Aged counts that decide which events are learned.

    Args:
        capacity: template slots.
    """

    def __init__(self, capacity: int) -> None:
        self._events: Float64 = np.zeros(capacity)  # recent events of the template of each slot
        self._nats = Tail()
        self._silences = Tail()
        self._steps: Float64 = np.zeros(STEPS)
        self._dirty = False

    def shares(self) -> Float64:
        """[capacity] share of each slot's template in the recent events."""
        return self._events / max(1.0, float(self._events.sum()))

    def learn(self, chunk: EventBatch, slots: Int32, fresh: Int64, nats: Float32, runs: Runs, table: KeyTable) -> Bool:
        """Count a chunk and say which of its events [n] are barred from learning for good.

        Args:
            chunk: n events.
            slots: [n] their templates' slots.
            fresh: slots that got another template at this chunk's end: their counts start anew.
            nats: [n] what the model said; NaN where nothing.
            runs: the events by key.
            table: keys, for the events before the chunk.
        """
        self._events[fresh] = 0.0
        self._events *= (1.0 - 1.0 / EVENTS) ** len(chunk)
        np.add.at(self._events, slots, 1.0)
        barred = (chunk.flags & Flag.ALERTED) > 0
        limit = self._nats.above(SURPRISING)
        steps = self._step(chunk, runs, table)
        self._steps *= (1.0 - 1.0 / EVENTS) ** len(chunk)
        np.add.at(self._steps, steps, 1.0)
        habit = self._steps[steps] >= HABIT * self._steps.sum()
        barred |= (nats > limit) & ~habit
        self._nats.add(nats)
        self._dirty = True
        return barred

    def admit_silences(self, nats: Float32) -> Bool:
        """Which silences [n] may be learned, by the nats of having kept silent so far; counts them."""
        limit = self._silences.above(SURPRISING_SILENCES)
        self._silences.add(nats)
        return nats <= limit

    def _step(self, chunk: EventBatch, runs: Runs, table: KeyTable) -> Int64:
        ordered = chunk.template[runs.order].astype(np.int64)
        before = np.roll(ordered, 1)
        seen = table.view("lstm_seen")[runs.slots]
        place = seen - runs.lengths - 1  # of the event before the chunk
        held = (place >= 0) & (runs.lengths < LENGTH)
        before[runs.starts] = np.where(held, table.view("lstm_ring")[runs.slots, place % LENGTH], -1)
        # Large odd multipliers spread the pairs over the counters.
        mixed = (before + 1) * 0x9E3779B1 + ordered * 0x85EBCA77
        out = np.empty(len(chunk), dtype=np.int64)
        out[runs.order] = (mixed >> 7) % STEPS
        return out

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell of 49 kB."""
        if self._dirty:
            yield "counts", pack(self._arrays())
        self._dirty = False

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "counts" in cells:
            arrays, _ = unpack(cells["counts"])
            for name, array in self._arrays().items():
                array[:] = arrays[name]

    def _arrays(self) -> dict[str, Float64]:
        return {
            "events": self._events,
            "nats": self._nats.counts,
            "silences": self._silences.counts,
            "steps": self._steps,
        }
