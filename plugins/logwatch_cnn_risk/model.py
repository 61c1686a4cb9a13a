"""The network on heatmaps: convolution, pooling, fully connected. Rows stand where training had them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from logwatch_cnn_risk.frames import CHANNELS


class HeatmapCnn(nn.Module):
    """Logits [n] of frames [n, 7, m, c]; trends are not read.

    Args:
        metrics: m.
        columns: c.
        wide: filters of the first layer.
    """

    def __init__(self, metrics: int, columns: int, wide: int = 16, dropout: float = 0.5) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, wide, 3, padding=1)
        self.second = nn.Conv2d(wide, 2 * wide, 3, padding=1)
        self.pool = nn.AvgPool2d(2, ceil_mode=True)
        cells = -(-metrics // 4) * -(-columns // 4)  # pooled twice by two, rounded up
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * wide * cells, 64),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64, 1),
        )

    def features(self, frames: Tensor) -> Tensor:
        """The last maps [n, 2 · wide, m / 4, c / 4]: what Grad-CAM asks."""
        x = self.pool(torch.relu(self.first(frames[:, :CHANNELS])))  # [n, wide, m / 2, c / 2]
        maps: Tensor = self.pool(torch.relu(self.second(x)))
        return maps

    def judge(self, maps: Tensor) -> Tensor:
        """Logits [n] of the last maps."""
        logits: Tensor = self.head(maps)
        return logits[:, 0]

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))
