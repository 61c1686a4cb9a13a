"""Which band is shown as expected: the forecaster's, or that of the series' usual level."""

from __future__ import annotations

from typing import Any

import numpy as np

from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.bank import LARGEST, SeriesScores
from logwatch.score.series.rounds import Rounds
from logwatch.types import Bool, Float32, Float64, Int32

COLUMNS: tuple[tuple[Any, ...], ...] = (("band_losses", "<f4", (2,)),)
"""Running losses of the two bands: 8 bytes a series."""

RATE = np.float32(1.0 / 128)
"""Of a running loss, a point."""

LEVELS = np.array([[0.05], [0.5], [0.95]])


class ExpectedBand:
    """Shows the band that described its series better of late, by the pinball loss of its ends and its middle.

    A point far from the usual level may lie just where the forecaster, which follows, expects it by then. That would
    explain nothing: such a point is shown beside the usual level.

    Args:
        table: one row a series, with `COLUMNS` among them.
    """

    def __init__(self, table: KeyTable) -> None:
        self._table = table

    def of(self, slots: Int32, value: Float64, usual: SeriesScores, quantiles: Float64) -> tuple[Float64, Float64]:
        """Lower and upper ends [n], told before the losses take notice of the values.

        Args:
            slots: [n] those of a series in the order of time.
            value: [n] NaN: nothing was measured.
            usual: what the detectors say.
            quantiles: [n, QUANTILES] the forecast, lowest first; NaN: there is none.
        """
        value = np.clip(value, -LARGEST, LARGEST)
        middle, high = quantiles[:, quantiles.shape[1] // 2], quantiles[:, -1]
        low = np.where(usual.low >= 0, np.maximum(quantiles[:, 0], 0.0), quantiles[:, 0])
        far = _outside(value, usual.low, usual.high) & ~_outside(value, low, high)
        now = np.stack([_loss(value, low, middle, high), _loss(value, usual.low, usual.expected, usual.high)], axis=1)
        before = self._losses(slots, now)
        shown = (before[:, 0] < before[:, 1]) & ~np.isnan(middle) & ~far
        return np.where(shown, low, usual.low), np.where(shown, high, usual.high)

    def _losses(self, slots: Int32, now: Float64) -> Float32:
        """Running losses [n, 2] before each point; then those of now count. NaN: one of the bands is not known."""
        rounds = Rounds(slots)
        losses = self._table.view("band_losses")[rounds.slots]
        before = np.empty(now.shape, np.float32)
        added = now.astype(np.float32)[rounds.order]
        known = ~(np.isnan(added[:, :1]) | np.isnan(added[:, 1:]))
        for rows, width in rounds:
            some = losses[:width]
            before[rows] = some
            losses[:width] = np.where(known[rows], some + RATE * (added[rows] - some), some)
        self._table.view("band_losses")[rounds.slots] = losses
        self._table.mark(rounds.slots)
        return rounds.back(before)


def _outside(value: Float64, low: Float64, high: Float64) -> Bool:
    return (value < low) | (value > high)


def _loss(value: Float64, low: Float64, middle: Float64, high: Float64) -> Float64:
    """Pinball loss [n] of the three."""
    apart = value - np.stack([low, middle, high])
    lost: Float64 = np.maximum(LEVELS * apart, (LEVELS - 1) * apart).sum(axis=0)
    return lost
