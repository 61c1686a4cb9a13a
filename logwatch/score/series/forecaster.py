"""The metric LSTM behind its switch. It is made when the first points come: torch takes a second to import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from logwatch.samples import Points
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.series.lstm_columns import QUANTILES
from logwatch.types import Float32, Float64

if TYPE_CHECKING:
    from logwatch.score.series.lstm import MetricLstm


def _nobody_listens(points: Points, quantiles: Float64) -> None:
    """Nothing is reported."""


class Forecaster:
    """Forecasts points, and learns them.

    Args:
        table: one row a series, with `lstm_columns.COLUMNS` among its columns.
        config: settings; None: switched off, nothing is forecast, and the columns may be missing.
    """

    def __init__(self, table: KeyTable, config: LstmConfig | None) -> None:
        self._table, self._config = table, config
        self._model: MetricLstm | None = None
        self.on_forecast: Callable[[Points, Float64], None] = _nobody_listens

    def score(self, points: Points) -> tuple[Float32, Float64]:
        """Nats [n] and quantiles [n, QUANTILES] of n points, see `MetricLstm.score`."""
        if not len(points) or self._config is None:
            return np.full(len(points), np.nan, np.float32), np.full((len(points), len(QUANTILES)), np.nan)
        said = self._made(self._config).score(points)
        self.on_forecast(points, said.quantiles)
        return said.nats, said.quantiles

    def _made(self, config: LstmConfig) -> MetricLstm:
        if self._model is None:
            from logwatch.score.series.lstm import MetricLstm

            self._model = MetricLstm(self._table, config.learning, config.learn_cap, config.seed)
        return self._model

    def close(self) -> None:
        """End what runs in the background."""
        if self._model is not None:
            self._model.close()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        return () if self._model is None else self._model.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if cells and self._config is not None:
            self._made(self._config).restore(cells)
