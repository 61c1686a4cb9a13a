"""Detector `forbidden_words`: words that must not stand in a log. A plain rule, as simple as a plugin gets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
from pydantic import Field

from logwatch.api import EventBatch, Float32, PluginConfig, plugin


class Config(PluginConfig):
    """Settings of `[detectors.forbidden_words]`."""

    words: tuple[str, ...] = ("corrupted", "deadlock", "segfault")  # whole words, upper and lower case alike
    nats: float = Field(default=20.0, ge=0)  # of surprise of a line with one of them


@plugin(kind="detector", name="forbidden_words", api=(1, 0), config=Config)
class ForbiddenWords:
    """Nats: `nats` at a line that holds one of the words, else 0. Nothing is learned, so nothing is kept."""

    name = "forbidden_words"

    def __init__(self, config: Config) -> None:
        words = "|".join(re.escape(word) for word in config.words if word)
        self._found = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE).search if words else None
        self._nats = config.nats

    def score(self, events: EventBatch) -> Float32:
        if self._found is None:
            return np.zeros(len(events), np.float32)
        found = [self._found(text) is not None for text in events.text]
        return np.where(found, self._nats, 0.0).astype(np.float32)

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """A rule learns nothing."""

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return ()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """There is nothing to be restored."""
