"""Many windows at once: a network takes sixty-four nearly as quickly as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from logwatch.api import Float32, MetricWindow
from logwatch_cnn_risk.frames import frames
from logwatch_cnn_risk.models import one_thread

if TYPE_CHECKING:
    from logwatch_cnn_risk.weights import Learned

BATCH = 64
"""Batches are filled up to it, so that the answer to a window does not depend on how many came with it."""


def probabilities(windows: Sequence[MetricWindow], learned: Learned, served: str) -> Float32:
    """Probabilities [n] by one of the models."""
    models, parts = learned.models, []
    with one_thread():
        for at in range(0, len(windows), BATCH):
            some = frames(windows[at : at + BATCH], models.names, models.columns)
            full = some.take(np.minimum(np.arange(BATCH), len(some) - 1))
            parts.append(models.probabilities(full, (served,))[served][: len(some)])
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
