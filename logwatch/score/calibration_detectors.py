"""Tails of single detectors, for people: how unusual was each detector's surprise on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from logwatch.score import tail
from logwatch.score.tail import BINS, EDGES
from logwatch.score.tail_rows import Rows, scatter_add
from logwatch.types import Float32, Int64, Kind, UnitBatch

COARSE = 2  # bins joined: shown with one digit, kept by (source, kind, detector)
EACH = np.dtype([("units", "<f4", (BINS // COARSE,))])
LEAST = 30.0  # effective units before a probability is shown


class DetectorTails:
    """Histograms of unflagged nats by (source, kind, detector), weighted like the units of their (source, kind)."""

    def __init__(self, detectors: Sequence[str]) -> None:
        self._detectors = tuple(detectors)
        self.rows = Rows(EACH, len(Kind) * len(self._detectors))

    def add(self, units: UnitBatch, chosen: Int64, weight: Float32) -> None:
        """Learn the chosen units [k], each with its weight [k]."""
        nats = units.nats[chosen]
        which, detector = np.nonzero(~np.isnan(nats))
        column = units.kind[chosen].astype(np.int64)[which] * len(self._detectors) + detector
        row = self.rows.need(units.source[chosen][which], column)
        # The logarithm is faster than a search, and at the edges of what is only shown it may differ by a bin.
        fine = np.log1p(np.maximum(nats[which, detector], 0)) * np.float32(1 / tail.STEP)
        binned = np.minimum(fine.astype(np.int64), BINS - 1) // COARSE
        flat = self.rows.data.view(np.float32)[: self.rows.used * (BINS // COARSE)]
        at = row * (BINS // COARSE) + binned
        scatter_add(flat, at, weight[which])
        self.rows.mark_numbers(at)

    def scale(self, source: Int64, kind: Int64, factor: np.float32) -> None:
        """Multiply the histograms of (source, kind) pairs [n]."""
        every = np.arange(len(self._detectors))
        column = (kind[:, None] * len(self._detectors) + every).ravel()
        row = self.rows.find(np.repeat(source, len(every)), column)
        row = row[row >= 0]
        self.rows.data["units"][row] *= factor
        self.rows.mark(row)

    def probabilities(self, source: int, kind: int, nats: Float32, now: float) -> list[float | None]:
        """P(S ≥ nats) of each detector [D]; None where it has no opinion or too short a past.

        Args:
            now: today's weight in the scale of (source, kind).
        """
        column = kind * len(self._detectors) + np.arange(len(nats))
        rows = self.rows.find(np.full(len(nats), source), column)
        return [
            None if row < 0 or np.isnan(value) else self._probability(row, value, now)
            for row, value in zip(rows.tolist(), nats, strict=True)
        ]

    def _probability(self, row: int, value: np.float32, now: float) -> float | None:
        hist = self.rows.data["units"][row : row + 1]
        units = hist.sum(axis=1, dtype=np.float64) / now
        if units[0] < LEAST:
            return None
        ends = tail.fit(hist, units, np.ones(1), EDGES[::COARSE])
        binned = int(tail.bin_of(np.array([value]))[0]) // COARSE
        if binned < ends.start[0]:
            return float(np.exp(ends.log_survival[0, binned]))
        over = np.array([float(value) - float(EDGES[::COARSE][ends.start[0]])])
        return float(np.exp(tail.log_sf(over, ends.log_share, ends.sigma, ends.xi)[0]))

    def restore(self, cells: Mapping[str, bytes], saved: tuple[str, ...]) -> None:
        """Rebuild; `saved` names the detectors in the order of the saved columns."""
        if saved == self._detectors:
            self.rows.restore(cells)
            return
        count = len(self._detectors)
        self.rows.restore(
            cells,
            {
                kind * len(saved) + old: kind * count + self._detectors.index(name)
                for kind in range(len(Kind))
                for old, name in enumerate(saved)
                if name in self._detectors
            },
        )
