"""`course`: a long visit judged as a whole, by the mean surprise of its lines.

The largest of hundreds of surprises tells little: some line is odd in every long visit. What tells is a course that is
odd all along (system calls, `adfa_ld`: area under the ROC curve 0.60 by peaks, 0.81 so). Where most of a source's
visits are long, a closed one is judged by its mean, and peaks keep the small share of the budget that is left: a peak
must be `PEAK` nats rarer among the source's peaks than a mean among its means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.score import tail
from logwatch.score.detectors.pending import Pending
from logwatch.score.tail import BINS, EDGES, Fit
from logwatch.score.tail_rows import Rows
from logwatch.types import Float32, Float64, Int64

LONG = 64
"""Lines of a long visit."""
MOSTLY = 0.75
"""Share of a source's visits that are long where courses are judged."""
ENOUGH = 128.0
"""Long visits before they are."""
PEAK = 4.0
"""Nats: peaks have e^-4 of the budget, 2 %."""
MOST = 6.0
"""Nats that one line adds to a course at most: a single shock is a peak, no course."""
SUMMED = (("lstm",), ("new", "rare"))
"""Detectors whose nats are added; of a group the largest."""
UNIT = 256
"""Steps of a nat in which courses are summed: integers, so that no sum depends on its order."""
FINE = 8.0
"""Means are small: their bins are so much finer than those of peaks."""
MEMORY = 10_000.0
"""Visits over which the past ages."""
LEAST = np.array([1.0, 0.25])  # nats: least scales of the tails of peaks, and of means times `FINE`

ROW = np.dtype(
    [
        ("visits", "<f8"),  # aged, since the first long one
        ("long", "<f8"),
        ("peaks", "<f4", (BINS,)),
        ("means", "<f4", (BINS,)),
    ]
)


def steps(nats: Float32, detectors: Sequence[str]) -> NDArray[np.uint64]:
    """What lines with these nats [n, D] add to their visits' courses: the network's, and how rare they are."""
    total = np.zeros(len(nats), np.float32)
    for group in SUMMED:
        columns = [detectors.index(name) for name in group if name in detectors]
        if columns:
            largest = nats[:, columns[0]]
            for column in columns[1:]:
                largest = np.fmax(largest, nats[:, column])
            total += np.fmax(largest, np.float32(0))
    return (np.minimum(total, np.float32(MOST)) * np.float32(UNIT)).astype(np.uint64)


class _Past(NamedTuple):
    """How rare each height is in a source's past: by line between the bins, by the fitted end beyond."""

    fit: Fit  # of one row

    def log_p(self, values: Float64) -> Float64:
        inside = np.interp(values, EDGES, self.fit.log_survival[0])
        beyond = self.fit.log_sf(values)
        return np.where(values < EDGES[self.fit.start[0]], inside, beyond)

    def quantile(self, log_p: Float64) -> Float64:
        body = slice(0, int(self.fit.start[0]) + 1)
        inside = np.interp(-log_p, -self.fit.log_survival[0][body], EDGES[body])
        return np.where(log_p > self.fit.log_share[0], inside, self.fit.quantile(log_p))


class Closed(NamedTuple):
    """Visits [m] that close."""

    lines: Int64
    surprise: NDArray[np.uint64]  # sums of `steps`

    def means(self) -> Float64:
        """Nats a line [m]; NaN of short ones."""
        means: Float64 = self.surprise / (UNIT * np.maximum(self.lines, 1))
        return np.where(self.lines >= LONG, means, np.nan)


class Courses:
    """The past of each source's long visits: their peaks, and their means. Learned at chunk ends."""

    def __init__(self) -> None:
        self._rows = Rows(ROW, 1)
        self._closed = Pending(source="i4", peak="f4", mean="f8")
        self._past: dict[int, tuple[_Past, _Past]] = {}  # of sources whose courses are judged

    def __bool__(self) -> bool:
        """Some source's are judged."""
        return bool(self._past)

    def score(self, source: NDArray[Any], peak: Float32, closed: Closed | None) -> Float32:
        """On the scale of peaks: the height [m] that is as rare among peaks as what is judged; NaN where courses are
        not.

        Args:
            source: [m]
            peak: combined nats [m] so far.
            closed: None: they are open.
        """
        out = np.full(len(source), np.nan, np.float32)
        for number in np.unique(source).tolist() if self._past else ():
            if (past := self._past.get(number)) is None:
                continue
            rows = np.flatnonzero((source == number) & ~np.isnan(peak))
            peaks, means = past
            rarity = np.minimum(peaks.log_p(peak[rows].astype(np.float64)) + PEAK, 0.0)
            if closed is not None:
                rarity = np.fmin(rarity, means.log_p(FINE * closed.means()[rows]))
            out[rows] = peaks.quantile(rarity)
        return out

    def close(self, source: NDArray[Any], peak: Float32, closed: Closed) -> None:
        """Visits [m] have closed, with combined nats [m] at most; learned at the chunk's end."""
        mean = closed.means()
        told = ~np.isnan(peak) & (~np.isnan(mean) | (self._rows.find(source, np.zeros_like(source)) >= 0))
        if told.any():
            self._closed.add(source=source[told], peak=peak[told], mean=mean[told])

    def learn(self) -> None:
        """At a chunk's end. In which order visits closed in it does not matter."""
        closed = self._closed.take()
        source, long = closed["source"], ~np.isnan(closed["mean"])
        first = np.zeros_like(source)
        self._rows.need(np.unique(source[long]), first[: len(np.unique(source[long]))])
        for number in np.unique(source).tolist():
            mine = source == number
            row = int(self._rows.find(np.array([number]), first[:1])[0])
            self._add(row, int(mine.sum()), closed["peak"][mine & long], closed["mean"][mine & long])
            self._regard(number, row)

    def _add(self, row: int, visits: int, peak: Float32, mean: Float64) -> None:
        old, kept = self._rows.data[row], float(np.exp(-visits / MEMORY))
        for name, values in (("peaks", peak), ("means", FINE * mean)):
            counts = np.bincount(tail.bin_of(values), minlength=BINS)
            old[name] = (old[name] * kept + counts).astype(np.float32)
        old["visits"], old["long"] = old["visits"] * kept + visits, old["long"] * kept + len(peak)
        self._rows.mark(np.array([row]))

    def _regard(self, number: int, row: int) -> None:
        """Judge the source's courses from now on, as its past is, or no more."""
        data = self._rows.data[row]
        if data["long"] < ENOUGH or data["long"] < MOSTLY * data["visits"]:
            self._past.pop(number, None)
            return
        units = np.array([data["long"]])
        fits = [tail.fit(data[name][None], units, LEAST[at : at + 1]) for at, name in enumerate(("peaks", "means"))]
        self._past[number] = (_Past(fits[0]), _Past(fits[1]))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        for name, cell in self._rows.changes():
            yield f"course/{name}", cell
        yield from self._closed.changes("closed")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._closed.restore("closed", cells)
        self._rows.restore({name[7:]: cell for name, cell in cells.items() if name.startswith("course/")})
        for row, number in enumerate(self._rows.source[: self._rows.used].tolist()):
            self._regard(number, row)
