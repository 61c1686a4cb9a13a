"""The protocol of the Numenta Anomaly Benchmark (Lavin and Ahmad, 2015), standard profile.

The first 15 % of a file, 750 points at most, are not scored. In a labelled window the earliest detection counts, the
more the earlier; a missed window costs 1; a detection outside costs up to 0.11, less shortly after a window. One
threshold for all files. 0 is a detector that says nothing, 100 a perfect one.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Float64, Int64
from tests.benchmarks.series_rounds import Series

FALSE_ALARM = 0.11
PROBATION, LONGEST_PROBATION = 0.15, 750


class Labelled(NamedTuple):
    """A file of the benchmark."""

    series: Series
    windows: list[tuple[int, int]]  # rows, both ends inside


def corpus(folder: Path) -> Iterator[Labelled]:
    """The files in the order of their names."""
    for name, windows in sorted(json.loads((folder / "combined_windows.json").read_text()).items()):
        with gzip.open(folder / "data" / f"{name}.gz", "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        time = np.array([_seconds(row["timestamp"]) for row in rows])
        value = np.array([float(row["value"]) for row in rows])
        at = {stamp: row for row, stamp in reversed(list(enumerate(time.tolist())))}
        yield Labelled(Series(name, time, value), [(at[_seconds(a)], at[_seconds(b)]) for a, b in windows])


def _seconds(stamp: str) -> int:
    return int(np.datetime64(stamp.replace(" ", "T")[:19], "s").astype(np.int64))


def sigmoid(x: Float64) -> Float64:
    """From about +1 at −1 over 0 at 0 to −1 past 3."""
    return np.where(x > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * x)) - 1.0)


@dataclass(slots=True)
class Worth:
    """What a detection at each scored point of a file is worth."""

    first: int  # row of the first scored point
    window: Int64  # [n] number of the window, -1 outside
    worth: Float64  # [n]

    @property
    def windows(self) -> int:
        """Windows with a scored point."""
        return len(np.unique(self.window[self.window >= 0]))


def worth_of(length: int, windows: Sequence[tuple[int, int]]) -> Worth:
    """Worth of detections in a file of `length` points."""
    window, worth = np.full(length, -1), np.full(length, -1.0)
    for number, (left, right) in enumerate(windows):
        rows = np.arange(left, right + 1)
        window[rows] = number
        worth[rows] = sigmoid(-(right - rows + 1) / (right - left + 1.0)) / sigmoid(np.array(-1.0))
        stop = windows[number + 1][0] if number + 1 < len(windows) else length
        worth[right + 1 : stop] = sigmoid((np.arange(right + 1, stop) - right) / float(right - left))
    first = min(int(PROBATION * length), LONGEST_PROBATION)
    return Worth(first, window[first:], np.where(window < 0, FALSE_ALARM * worth, worth)[first:])


class Sweep:
    """Scores of all thresholds.

    Args:
        files: what detections are worth.
        scores: of every point of each file, also of those not scored.
    """

    def __init__(self, files: Sequence[Worth], scores: Sequence[NDArray[np.floating]]) -> None:
        self.windows = sum(file.windows for file in files)
        number, offset = [], 0
        for file in files:
            found, dense = np.unique(file.window, return_inverse=True)
            inside = file.window >= 0
            number.append(np.where(inside, offset + dense - int(found[0] < 0), -1))
            offset += file.windows
        score = np.concatenate([one[file.first :] for file, one in zip(files, scores, strict=True)])
        order = np.argsort(-score, kind="stable")
        window, worth = np.concatenate(number)[order], np.concatenate([file.worth for file in files])[order]
        gain = np.where(window < 0, worth, 0.0)
        best = np.full(self.windows, -1.0)
        for at in np.flatnonzero(window >= 0).tolist():
            more = worth[at] - best[window[at]]
            if more > 0:
                gain[at] = more
                best[window[at]] = worth[at]
        total = np.cumsum(gain) - self.windows
        last = np.append(score[order][1:] != score[order][:-1], True)
        self._ranked = score[order]
        self.thresholds: Float64 = self._ranked[last]
        self._scores: Float64 = 100.0 * (total[last] + self.windows) / (2.0 * max(self.windows, 1))

    def best(self) -> tuple[float, float]:
        """The highest score, and its threshold."""
        at = int(np.argmax(self._scores))
        return (float(self._scores[at]), float(self.thresholds[at])) if self._scores[at] > 0 else (0.0, np.inf)

    def at(self, threshold: float) -> float:
        """The score where everything at or above the threshold is a detection."""
        above = int(np.count_nonzero(self.thresholds >= threshold))
        return float(self._scores[above - 1]) if above else 0.0

    def budget(self, alarms: int) -> float:
        """The threshold that so many points reach."""
        return float(self._ranked[max(0, min(alarms, len(self._ranked)) - 1)])
