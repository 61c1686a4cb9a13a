"""A weight for each metric's newest trends: what a committee's networks, which see shapes, are measured against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from logwatch.api import Float32
from logwatch_cnn_risk.logistic import Logistic, fit
from logwatch_cnn_risk.trendcnn import FIRST
from logwatch_cnn_risk.trends import SPANS

DECAY = 1.0
"""Strong: three trends of each of many metrics, and few deployments."""

LEAST = 1e-3
"""No deviation is less."""


class Steep(nn.Module):
    """Logits [n] of frames [n, 7, m, c]: logistic regression on the last column's trends."""

    middle: Tensor
    spread: Tensor
    weights: Tensor

    def __init__(self, metrics: int) -> None:
        super().__init__()
        k = metrics * len(SPANS)
        for name, shape in {"middle": k, "spread": k, "weights": k + 1}.items():
            self.register_buffer(name, torch.zeros(shape))

    def features(self, frames: Tensor) -> Tensor:
        """The trends [n, 3, m, c]."""
        return frames[:, FIRST:]

    def judge(self, maps: Tensor) -> Tensor:
        """Logits [n] of trends."""
        scaled = ((maps[..., -1].flatten(1) - self.middle) / self.spread.clamp(min=LEAST)).clamp(-5, 5)
        logits: Tensor = scaled @ self.weights[:-1] + self.weights[-1]
        return logits

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))


def steep(frames: Float32, failing: NDArray[np.bool_]) -> Steep:
    """Fitted on frames [n, 7, m, c]."""
    made = Steep(frames.shape[2])
    found: Logistic = fit(frames[:, FIRST:, :, -1].reshape(len(frames), -1), failing, DECAY)
    state: Mapping[str, Tensor] = {name: torch.from_numpy(array) for name, array in found._asdict().items()}
    made.load_state_dict(state)
    return made.eval()
