"""The network on heatmaps: convolution along time, pooling, fully connected. Rows stand where training had them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from logwatch_cnn_risk.trendcnn import MISSING, THIRD, pooled

READ = (0, 2, 3, 4, 5, 6)
"""Channels that it reads: all but the change, of which trends tell more."""

PER_ROW = 8


class HeatmapCnn(nn.Module):
    """Logits [n] of frames [n, 7, m, c].

    All rows share their filters, as few deployments teach few weights; what a filter's answer means in a row is that
    row's own: its gain, its offset, and its say beside the strongest answers.

    Args:
        metrics: m.
        columns: c.
        wide: filters of both layers.
    """

    def __init__(self, metrics: int, columns: int, wide: int = 8, dropout: float = 0.3) -> None:
        super().__init__()
        self.first = nn.Conv2d(len(READ), wide, (1, 5), padding=(0, 2))
        self.second = nn.Conv2d(wide, wide, (1, 3), padding=(0, 1))
        self.pool = nn.AvgPool2d((1, THIRD), ceil_mode=True)
        left = math.ceil(math.ceil(columns / THIRD) / THIRD)
        self.row = nn.Linear(wide * left, PER_ROW)
        self.gain, self.offset, self.say = (nn.Parameter(torch.zeros(metrics, PER_ROW)) for _ in range(3))
        self.drop = nn.Dropout(dropout)
        self.head = nn.Sequential(nn.BatchNorm1d(4 * PER_ROW, affine=False), self.drop, nn.Linear(4 * PER_ROW, 1))

    def features(self, frames: Tensor) -> Tensor:
        """The last maps [n, wide, m, c / 9], zero in rows without a value: what Grad-CAM asks."""
        measured = (frames[:, MISSING].mean(dim=2) < 1).to(frames.dtype)  # [n, m]
        x = self.pool(torch.relu(self.first(frames[:, READ])))  # [n, wide, m, c / 3]
        maps: Tensor = self.pool(torch.relu(self.second(x)))
        return maps * measured[:, None, :, None]

    def judge(self, maps: Tensor) -> Tensor:
        """Logits [n] of the last maps."""
        n, wide, m, c = maps.shape
        measured = (maps.detach().abs().sum(dim=(1, 3)) > 0).to(maps.dtype)[:, :, None]  # [n, m, 1]
        answers = self.row(maps.permute(0, 2, 1, 3).reshape(n, m, wide * c)) * (1 + self.gain) + self.offset
        rows = torch.relu(answers) * measured  # [n, m, PER_ROW]
        logits: Tensor = self.head(pooled(rows, measured))[:, 0] + (self.drop(rows) * self.say).sum(dim=(1, 2))
        return logits

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))
