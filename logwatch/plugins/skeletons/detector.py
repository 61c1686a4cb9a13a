"""Detector `skeleton`: lines that are longer than they should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.api import EventBatch, Float32, PluginConfig, plugin


class Config(PluginConfig):
    """Settings of `[detectors.skeleton]`; unknown keys are refused."""

    longest: int = 1000  # characters of a usual line
    nats: float = 12.0  # of surprise: how unusual a longer one is


@plugin(kind="detector", name="skeleton", api=(1, 0), config=Config)
class Skeleton:
    """A plain rule: nothing is learned, so nothing is kept."""

    name = "skeleton"

    def __init__(self, config: Config) -> None:
        self._config = config

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], ≥ 0, high = anomalous; NaN where the detector has no opinion."""
        longer = [len(text) > self._config.longest for text in events.text]
        return np.where(longer, self._config.nats, 0.0).astype(np.float32)

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Once a chunk, after all of it was scored: the only place where parameters may change."""

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """State to be saved: (name, bytes) of what changed since the last call."""
        return ()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """State as it was saved: go on as if there had been no restart."""
