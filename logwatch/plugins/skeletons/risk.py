"""Risk `skeleton`: the share of a source's metrics that rose sharply."""

from __future__ import annotations

import numpy as np

from logwatch.api import MetricWindow, PluginConfig, Risk, plugin


class Config(PluginConfig):
    """Settings; unknown keys are refused."""

    factor: float = 2.0  # of the second half's mean over the first half's
    horizon: float = 600.0  # seconds


@plugin(kind="risk", name="skeleton", api=(1, 0), config=Config)
class Skeleton:
    """Each window by itself."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def assess(self, window: MetricWindow) -> Risk | None:
        """The risk at the window's end; None where there is nothing to be said of it."""
        half = window.values.shape[1] // 2
        known = ~np.isnan(window.values).any(axis=1)
        if not half or not known.any():
            return None
        values = window.values.astype(np.float64)
        before, after = values[:, :half].mean(axis=1), values[:, half:].mean(axis=1)
        rose = known & (after > self._config.factor * np.abs(before))
        names = [name for name, up in zip(window.metrics, rose, strict=True) if up]
        return Risk(float(rose.mean()), self._config.horizon, tuple((name, 1 / len(names)) for name in names))
