"""Points by series, each run after the history of its series: what the forecaster goes along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.samples import Points
from logwatch.score.grouped import gather, scatter
from logwatch.score.keys import KeyTable
from logwatch.score.learn_segments import runs_of
from logwatch.score.series.lstm_columns import HISTORY, State, bits_of, marks_of
from logwatch.score.series.lstm_features import LAGS, Features, features
from logwatch.score.series.lstm_scale import BLOCK, rescaled
from logwatch.types import Bool, Float32, Int32, Int64

LARGEST = 1e30
"""Values are cut here."""

STRIDE = 32
"""Points of a series between the segments that it offers for learning."""

SEGMENT = np.dtype(
    [
        ("values", "<f4", (HISTORY,)),
        ("missing", "<u8"),
        ("barred", "<u8"),
        ("scale", "<f4", (3,)),
        ("time", "<i8"),  # of the last value, ns
        ("step", "<i8"),  # ns
    ]
)

Segments = NDArray[Any]
"""[N] of SEGMENT."""


@dataclass(slots=True)
class Runs:
    """n points of k series, series by series; arrays of "line" hold each series' history before its points."""

    rows: Int64  # [n] of the batch
    slots: Int32  # [k]
    state: State  # [k] as it was
    lengths: Int64  # [k] > 0
    run: Int64  # [n] number of the series, 0 … k - 1
    place: Int64  # [n] in line
    count: Int64  # [n] points of the series so far, with this one
    line: Float32  # values less the series' origin; filled where missing
    missing: Bool  # in line
    scale: Float32  # [n, 3] known once `count` reaches BLOCK
    time: Int64  # [n] ns
    step: Int64  # [n] ns

    @property
    def starts(self) -> Int64:
        """First point of each run [k]."""
        first: Int64 = np.cumsum(self.lengths) - self.lengths
        return first

    def features(self, among: Int64) -> Features:
        """Of some of the points."""
        place = self.place[among]
        values = np.stack([self.line[place - lag] for lag in range(LAGS + 1)]).astype(np.float64)
        return features(values, self.scale[among], self.missing[place], self.time[among], self.step[among])

    def barred(self, barred: Bool) -> Bool:
        """In line, of points [n]."""
        marks = np.zeros(len(self.line), np.bool_)
        marks[self._history()] = marks_of(self.state["barred"])
        marks[self.place] = barred
        return marks

    def _history(self) -> Int64:
        return (self.place - np.arange(len(self.place)) - HISTORY)[self.starts][:, None] + (
            self.starts[:, None] + np.arange(HISTORY)
        )

    def segments(self, barred: Bool) -> Segments:
        """What the series offer for learning, in the order of the batch; `barred` in line."""
        ends = np.flatnonzero(self.count % STRIDE == 0)
        ends = ends[np.argsort(self.rows[ends])]
        at = self.place[ends][:, None] + np.arange(1 - HISTORY, 1)
        out = np.zeros(len(ends), SEGMENT)
        out["values"], out["scale"] = self.line[at], self.scale[ends]
        out["missing"], out["barred"] = bits_of(self.missing[at]), bits_of(barred[at])
        out["time"], out["step"] = self.time[ends], self.step[ends]
        return out

    def save(self, table: KeyTable, state: State, barred: Bool) -> None:
        """Write states [k], of which the network's part is done, to the table; `barred` in line."""
        last = self.starts + self.lengths - 1
        at = self.place[last][:, None] + np.arange(1 - HISTORY, 1)
        state["values"], state["scale"], state["count"] = self.line[at], self.scale[last], self.count[last]
        state["missing"], state["barred"] = bits_of(self.missing[at]), bits_of(barred[at])
        scatter(table.rows["forecast"], self.slots, state)
        table.mark(self.slots)


def in_runs(points: Points, table: KeyTable) -> Runs:
    """Points of series that have had a value, series by series."""
    known = ~np.isnan(points.value)
    found = runs_of(points.slot)
    order, run, slots = found.order, np.repeat(np.arange(len(found.slots)), found.lengths), found.slots
    state = gather(table.rows["forecast"], slots)
    if not known.all():
        so_far = np.cumsum(known[order])
        before = (so_far - known[order])[found.starts]
        begun = (so_far > before[run]) | (state["count"][run] > 0)
        order, run = order[begun], run[begun]
        there = np.flatnonzero(np.bincount(run, minlength=len(slots)))
        slots, state = slots[there], state[there]
        run = np.searchsorted(there, run)
    lengths = np.bincount(run, minlength=len(slots))
    return _laid(points, order, slots, state, lengths, run, known[order])


def _laid(
    points: Points, order: Int64, slots: Int32, state: State, lengths: Int64, run: Int64, known: Bool
) -> Runs:  # fmt: skip
    starts = np.cumsum(lengths) - lengths
    values = np.clip(points.value[order], -LARGEST, LARGEST)
    new = state["count"] == 0
    state["origin"][new] = values[starts[new]]
    nth = np.arange(len(order)) - starts[run]
    place = np.arange(len(order)) + HISTORY * (run + 1)
    line = np.zeros(len(order) + HISTORY * len(slots), np.float32)
    missing = np.zeros(len(line), np.bool_)
    history = (starts + HISTORY * np.arange(len(slots)))[:, None] + np.arange(HISTORY)
    line[history], missing[history] = state["values"], marks_of(state["missing"])
    line[place], missing[place] = values - state["origin"][run], ~known
    if not known.all():
        holds = np.ones(len(line), np.bool_)
        holds[place] = known
        line = line[np.maximum.accumulate(np.where(holds, np.arange(len(line)), 0))]
    count = state["count"][run] + nth + 1
    scale = _scales(state, lengths, run, count, line, place)
    return Runs(
        order, slots, state, lengths, run, place, count, line, missing, scale, points.time[order], points.step[order]
    )


def _scales(state: State, lengths: Int64, run: Int64, count: Int64, line: Float32, place: Int64) -> Float32:
    done = state["count"] // BLOCK
    made = (state["count"] + lengths) // BLOCK - done
    ends = place[count % BLOCK == 0]
    blocks = line[ends[:, None] + np.arange(-BLOCK, 1)].astype(np.float64)
    first = np.cumsum(made + 1) - (made + 1)
    scale: Float32 = rescaled(state["scale"], done, made, blocks)[(first - done)[run] + count // BLOCK]
    return scale
