"""Points of a few series with gaps and late beginnings, and forecasters that read them."""

from __future__ import annotations

import numpy as np

from logwatch.samples import Points
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.series.expected_band import COLUMNS as BAND_COLUMNS
from logwatch.score.series.forecaster import Forecaster
from logwatch.score.series.lstm_columns import COLUMNS
from logwatch.types import Float64, Int64

STEP = 10 * 10**9
START = 1_700_000_000 * 10**9


def values_of(steps: int, count: int, seed: int, missing: float = 0.02) -> Float64:
    """Levels with waves, walks and spikes [steps, count]; some are missing, one series never changes."""
    rng, at = np.random.default_rng(seed), np.arange(steps)[:, None]
    waves = np.sin(at / rng.uniform(3, 30, count) + rng.uniform(0, 6, count))
    walks = np.cumsum(rng.normal(size=(steps, count)), axis=0)
    values: Float64 = (10.0 ** rng.integers(-3, 9, count)) * (waves + 0.1 * walks + 0.3 * rng.normal(size=walks.shape))
    values[rng.random(values.shape) < 0.005] *= 1e4
    values[rng.random(values.shape) < missing] = np.nan
    values[:, -1] = 5.0
    values[: steps // 3, 0] = np.nan  # begins late
    return values


def points_of(values: Float64, seed: int | None = None) -> Points:
    """Points in the order of time; with a seed, series pause here and there, and steps come in any order."""
    steps, count = values.shape
    slot, nth = np.tile(np.arange(count, dtype=np.int32), steps), np.repeat(np.arange(steps), count)
    if seed is not None:
        rng = np.random.default_rng(seed)
        order = np.lexsort((rng.random(len(slot)), nth))
        order = order[rng.random(len(slot)) > 0.1]
        slot, nth = slot[order], nth[order]
    zero, place = np.zeros(len(slot), np.int32), np.arange(len(slot))
    time = START + STEP * nth.astype(np.int64)
    return Points(zero, zero, slot, time, np.full(len(slot), STEP), values[nth, slot], place, place + 1)


def table_for(count: int) -> KeyTable:
    """Rows for slots 0 to count - 1."""
    table = KeyTable([*COLUMNS, *BAND_COLUMNS], max(count, 1))
    table.assign(np.zeros(count, np.int32), np.arange(count, dtype=np.int32), [None] * count)
    return table


class Run:
    """A table and its forecaster, and what they said."""

    def __init__(self, count: int, config: LstmConfig | None = None) -> None:
        self.count, self.config = count, config or LstmConfig()
        self.table = table_for(count)
        self.forecaster = Forecaster(self.table, self.config)
        self._said: list[tuple[Float64, Float64]] = []
        self._saved: dict[str, dict[str, bytes]] = {"table": {}, "forecaster": {}}

    def feed(self, points: Points, begin: int = 0, end: int | None = None, size: int = 1 << 30) -> None:
        """Some of the points, in batches."""
        end = len(points) if end is None else end
        for at in range(begin, end, size):
            nats, quantiles = self.forecaster.score(points.take(slice(at, min(at + size, end))))
            self._said.append((nats.astype(np.float64), quantiles))

    def said(self) -> Float64:
        """Nats and quantiles of all points [n, 6]."""
        nats, quantiles = (np.concatenate(part) for part in zip(*self._said, strict=True))
        return np.column_stack([nats, quantiles])

    def commit(self) -> dict[str, dict[str, bytes]]:
        """Everything saved so far, by component."""
        for component, part in (("table", self.table), ("forecaster", self.forecaster)):
            for name, cell in part.changes():
                if cell is None:
                    self._saved[component].pop(name, None)
                else:
                    self._saved[component][name] = cell
        return self._saved

    def restart(self) -> None:
        """Go on in what another process would be, from what is saved."""
        saved = self.commit()
        self.forecaster.close()
        self.table = KeyTable([*COLUMNS, *BAND_COLUMNS], self.count)
        self.table.restore(saved["table"])
        self.forecaster = Forecaster(self.table, self.config)
        self.forecaster.restore(saved["forecaster"])

    def close(self) -> Float64:
        """Ends what runs beside; returns everything said."""
        self.forecaster.close()
        return self.said()


def places(points: Points, slot: int) -> Int64:
    """Rows of a series."""
    return np.flatnonzero(points.slot == slot)
