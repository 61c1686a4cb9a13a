"""`season`: a value far from what the series shows at this hour of the day."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from logwatch.score.series.detectors.borrowed import Columns
from logwatch.types import Float32, Int32, Int64

HOURS = 24
HOUR = 3_600_000_000_000
RATE = 0.05  # of an hour's mean
SLOW = 0.01  # of the mean over all hours, which speaks for an hour not yet seen, and of the usual distance
SMOOTH = 0.4  # of the distances: a point or two a little out together count more than one
BAND = 2.5  # usual distances either side: 95 % of a normal series


class Expected(NamedTuple):
    """Of n points."""

    level: Float32  # [n]; NaN before a series' first value
    around: Float32  # [n] the usual distance from it


class Season:
    """Exponentially weighted means of the hours of the day, UTC."""

    FIELDS: tuple[tuple[Any, ...], ...] = (
        ("season_hours", "f4", (HOURS,)),
        ("season_seen", "u1", (HOURS,)),  # values of each hour, up to 255
        ("season_rest", "f4", (3,)),  # mean over all hours, usual distance, smoothed distance
    )

    def __init__(self, table: Columns) -> None:
        self._table = table

    def expected(self, slots: Int32, time: Int64, seen: Float32) -> Expected:
        """What is expected at points [n]; learns nothing.

        Args:
            slots: [n] each once.
            time: [n] ns.
            seen: [n] values of the series before.
        """
        hour = time // HOUR % HOURS
        rest = self._table.view("season_rest")[slots]
        known = self._table.view("season_seen")[slots, hour] > 0
        level = np.where(known, self._table.view("season_hours")[slots, hour], rest[:, 0])
        return Expected(np.where(seen > 0, level, np.float32(np.nan)), rest[:, 1])

    def magnitude(self, slots: Int32, time: Int64, values: Float32, level: Float32, seen: Float32) -> Float32:
        """Of the smoothed distances of values [n] from the level expected before them; then learns."""
        hours, counts = self._table.view("season_hours"), self._table.view("season_seen")
        rest = self._table.view("season_rest")
        hour = time // HOUR % HOURS
        mean, count = hours[slots, hour], counts[slots, hour].astype(np.float32)
        overall, around, smooth = np.ascontiguousarray(rest[slots].T)
        distance = np.where(seen > 0, values - level, np.float32(0))
        smooth = smooth + np.float32(SMOOTH) * (distance - smooth)
        hours[slots, hour] = np.where(count > 0, mean + np.maximum(RATE, 1 / (count + 1)) * (values - mean), values)
        counts[slots, hour] = np.minimum(count + 1, 255)
        slow = np.maximum(np.float32(SLOW), 1 / (seen + 1))
        overall = overall + slow * (values - overall)
        around = around + slow * (np.abs(distance) - around)
        rest[slots] = np.stack([overall, around, smooth], axis=1)
        return np.where(seen > 0, np.abs(smooth), np.float32(np.nan))
