"""The metric LSTM behind its switch. It is made when the first points come: torch takes a second to import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from logwatch.samples import Points
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.series.lstm_columns import QUANTILES
from logwatch.types import Bool, Float32, Float64, Int32

if TYPE_CHECKING:
    from logwatch.score.series.lstm import MetricLstm


def _nobody_listens(points: Points, quantiles: Float64) -> None:
    """Nothing is reported."""


class Forecaster:
    """Forecasts points, and learns them.

    Args:
        table: one row a series, with `lstm_columns.COLUMNS` among its columns.
        config: settings; None: switched off, nothing is forecast, and the columns may be missing.
        wanted: which sources [n] want it; None: all do.
    """

    def __init__(
        self, table: KeyTable, config: LstmConfig | None, wanted: Callable[[Int32], Bool] | None = None
    ) -> None:
        self._table, self._config, self._wanted = table, config, wanted
        self._model: MetricLstm | None = None
        self.on_forecast: Callable[[Points, Float64], None] = _nobody_listens

    @property
    def there(self) -> bool:
        """Whether it is switched on, and with it the LSTM of the logs."""
        return self._config is not None

    def score(self, points: Points) -> tuple[Float32, Float64]:
        """Nats [n] and quantiles [n, QUANTILES] of n points, see `MetricLstm.score`."""
        nats, quantiles = np.full(len(points), np.nan, np.float32), np.full((len(points), len(QUANTILES)), np.nan)
        if not len(points) or self._config is None:
            return nats, quantiles
        rows = None if self._wanted is None else self._wanted(points.source)
        if rows is None or rows.all():
            said = self._made(self._config).score(points)
            self.on_forecast(points, said.quantiles)
            return said.nats, said.quantiles
        if rows.any():
            some = points.take(np.flatnonzero(rows))
            nats[rows], quantiles[rows] = self.score(some)
        return nats, quantiles

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
