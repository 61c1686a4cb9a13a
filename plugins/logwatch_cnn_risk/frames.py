"""Windows as arrays of one shape: rows by name, columns gathered to thirty, channels as the networks read them.

| channel | what |
| --- | --- |
| 0 | level by the metric's own past, −1 to 1 |
| 1 | change, −1 to 1 |
| 2 | share of the column in which nothing was measured, 0 to 1 |
| 3 | distance from the mean of training in half standard deviations, −3 to 3: what the past alone cannot tell, where \
it is short; of a metric that was not trained on, from its own past |
| 4 to 6 | its trends over a sixth, a third and two thirds of the window, against its usual ones |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32, MetricWindow, image
from logwatch_cnn_risk.rule import usual_of
from logwatch_cnn_risk.trends import slopes, trends, usual_trends

COLUMNS = 30
"""Windows of more steps are gathered: a network of thirty columns is four times as quick, and no worse."""

CHANNELS = 4
"""Those before the trends."""

OUTER, WILD = (0.125, 0.875), 2.0
"""Values further outside these quantiles than so many times their distance are drawn in before a mean is taken."""

STILL = 1e-6
"""A metric that varied by less, as a share of its size, stood still."""

FAR = 6.0
"""Standard deviations beyond which nothing is further."""

LEAST_KNOWN = 0.9
"""Share of the columns in which something was measured, below which a window says nothing."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Frames:
    """n windows of the same m metrics and c columns."""

    names: tuple[str, ...]
    own: Float32  # [n, 3, m, c] level by the own past, change, missing
    values: Float32  # [n, m, c] means of what was measured; NaN: nothing was
    usual: Float32  # [n, m, 2] mean and standard deviation of what was before; NaN: not known

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Any) -> Frames:
        """Some of the windows."""
        return Frames(self.names, self.own[rows], self.values[rows], self.usual[rows])

    def only(self, metrics: Sequence[int]) -> Frames:
        """Some of the metrics, by their place."""
        names = tuple(self.names[at] for at in metrics)
        return Frames(names, self.own[:, :, metrics], self.values[:, metrics], self.usual[:, metrics])

    def named(self, names: tuple[str, ...]) -> Frames:
        """Some of the metrics, by their names."""
        return self if names == self.names else self.only([self.names.index(name) for name in names])

    def without(self, gone: NDArray[np.bool_]) -> Frames:
        """As if the metrics [n, m] had not been measured."""
        own, values, usual = self.own.copy(), self.values.copy(), self.usual.copy()
        own[:, 0][gone], own[:, 1][gone], own[:, 2][gone] = 0.0, 0.0, 1.0
        values[gone], usual[gone] = np.nan, np.nan
        return Frames(self.names, own, values, usual)


def known_share(window: MetricWindow) -> float:
    """Share of the columns of a window in which anything was measured, [0, 1]."""
    return float(np.isfinite(window.values).any(axis=0).mean()) if window.values.size else 0.0


def common_names(windows: Sequence[MetricWindow], share: float = 0.5) -> tuple[str, ...]:
    """Metrics that at least a share of the windows have, sorted."""
    counts = Counter(name for window in windows for name in window.metrics)
    return tuple(sorted(name for name, count in counts.items() if count >= share * len(windows)))


def frames(windows: Sequence[MetricWindow], names: Sequence[str], columns: int) -> Frames:
    """Windows with their rows sorted out by name; a metric that a window lacks is missing in it."""
    place = {name: at for at, name in enumerate(names)}
    own = np.zeros((len(windows), 3, len(names), columns), np.float32)
    own[:, 2] = 1.0
    values = np.full((len(windows), len(names), columns), np.nan, np.float32)
    usual = values[:, :, :2].copy()
    for some in _alike(windows):
        one, mean = _gathered(_stacked([windows[number] for number in some]), columns)
        usuals, first = usual_of(_stacked([windows[number] for number in some])), 0
        for number in some:
            metrics = windows[number].metrics
            mine = [at for at, name in enumerate(metrics) if name in place]
            rows, of = [place[metrics[at]] for at in mine], [first + at for at in mine]
            own[number][:, rows], values[number][rows], usual[number][rows] = one[:, of], mean[of], usuals[of]
            first += len(metrics)
    return Frames(tuple(names), own, values, usual)


TOGETHER = 16
"""Windows whose rows are read at once: more would leave the caches."""


def _alike(windows: Sequence[MetricWindow]) -> list[list[int]]:
    """Numbers of windows that have metrics and steps, a few of one length each."""
    of: dict[tuple[int, bool], list[int]] = {}
    for number, window in enumerate(windows):
        if window.values.size:
            of.setdefault((window.values.shape[1], window.past is None), []).append(number)
    return [some[at : at + TOGETHER] for some in of.values() for at in range(0, len(some), TOGETHER)]


def _stacked(windows: Sequence[MetricWindow]) -> MetricWindow:
    """Their rows below each other, as of one window: no row's image depends on another row."""
    if len(windows) == 1:
        return windows[0]
    values = np.concatenate([window.values for window in windows])
    pasts = [window.past for window in windows if window.past is not None]
    return MetricWindow("", (), 0, windows[0].step, values, np.concatenate(pasts) if pasts else None)


def columns_of(steps: int) -> int:
    """Columns of a frame of a window of so many steps."""
    return min(COLUMNS, max(steps, 4))


def bounds(steps: int, columns: int) -> Ints:
    """Where each of the columns begins among the steps."""
    first: Ints = np.arange(columns) * steps // columns
    return first


def _gathered(window: MetricWindow, columns: int) -> tuple[Float32, Float32]:
    """The image [3, m, c], and the values [m, c]: means over the steps of a column in which something was measured."""
    made = image(window)
    steps = made.shape[2]
    if steps < columns:  # each step is repeated
        wide = bounds(columns, columns) * steps // columns
        values = np.where(np.isfinite(window.values), window.values, np.float32(np.nan))[:, wide]
        made = made[:, :, wide]
        made[0] = made[0] * 2 - 1
        return made, values
    first = bounds(steps, columns)
    known = 1 - made[2]
    count = np.add.reduceat(known, first, axis=1)
    least = np.maximum(count, 1)
    values = np.where(known > 0, window.values, np.float32(0)).clip(-1e30, 1e30)
    mean = np.where(count > 0, np.add.reduceat(values, first, axis=1) / least, np.float32(np.nan))
    level = np.add.reduceat((made[0] * 2 - 1) * known, first, axis=1) / least
    change = np.add.reduceat(made[1] * known, first, axis=1) / least
    missing = np.add.reduceat(made[2], first, axis=1) / np.add.reduceat(np.ones_like(known), first, axis=1)
    return np.stack([level, change, missing]).astype(np.float32), mean.astype(np.float32)


def scale_of(known: Frames) -> Float32:
    """Mean and standard deviation [m, 2] of each metric, without its wildest values; a deviation of 0: it stood still,
    or was never measured."""
    made = np.zeros((len(known.names), 2), np.float32)
    for row in range(len(made)):
        every = known.values[:, row]
        some = every[np.isfinite(every)].astype(np.float64)
        if len(some):
            low, high = np.quantile(some, OUTER)
            wide = WILD * (high - low)
            tame = some.clip(low - wide, high + wide) if wide else some
            deviation = tame.std()
            made[row] = tame.mean(), deviation if deviation > STILL * np.abs(some).max() else 0.0
    return made


def distances(some: Frames, scale: Float32 | None) -> Float32:
    """Distances [n, m, c] of the values from a mean in standard deviations; of the own past where scale is None."""
    far: Float32 = np.nan_to_num(_away(some, scale), posinf=0, neginf=0).clip(-FAR, FAR).astype(np.float32)
    return far


def _away(some: Frames, scale: Float32 | None) -> Float32:
    middle, spread = (some.usual if scale is None else scale[None]).transpose(2, 0, 1)[..., None]
    with np.errstate(all="ignore"):
        away: Float32 = (some.values - middle) / spread
    return away


def trends_of(some: Frames, scale: Float32 | None) -> Float32:
    """Usual trends [m, 3, 2] of these windows; without a scale [3, 2], of all metrics alike by their own past."""
    last = slopes(_away(some, scale))[..., -1].transpose(0, 2, 1)  # [n, m, 3]
    return usual_trends(last if scale is not None else last.reshape(-1, last.shape[2]))


def channels(some: Frames, scale: Float32 | None, usual: Float32) -> Float32:
    """What networks read, [n, 7, m, c], with usual trends of `trends_of`; without a scale, metrics are measured by
    their own past alone."""
    usual = np.broadcast_to(usual, (len(some.names), *usual.shape[-2:]))
    risen = trends(slopes(_away(some, scale)), usual, some.own[:, 2].mean(axis=2) < 1)
    return np.concatenate([some.own, distances(some, scale)[:, None] / 2, risen], axis=1)
