"""The network on trends: every metric read alike along time, pooled over metrics. Few weights, for few deployments."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from logwatch_cnn_risk.trends import SPANS

MISSING, FIRST = 2, 4
"""Places of the channels that it reads: what is missing, and from where on the trends stand."""

THIRD = 3
FEW, MANY = 3, 8
"""Rows with the strongest answers that are pooled."""


class TrendCnn(nn.Module):
    """Logits [n] of frames [n, 7, m, c], for any m; a row in which nothing was measured has no say.

    Args:
        columns: c.
        wide: filters of both layers.
    """

    def __init__(self, columns: int, wide: int = 8, dropout: float = 0.3) -> None:
        super().__init__()
        self.first = nn.Conv2d(1 + len(SPANS), wide, (1, 5), padding=(0, 2))
        self.second = nn.Conv2d(wide, wide, (1, 3), padding=(0, 1))
        self.pool = nn.AvgPool2d((1, THIRD), ceil_mode=True)
        left = math.ceil(math.ceil(columns / THIRD) / THIRD)
        self.row = nn.Linear(wide * left, 8)
        self.head = nn.Sequential(nn.BatchNorm1d(4 * 8, affine=False), nn.Dropout(dropout), nn.Linear(4 * 8, 1))

    def features(self, frames: Tensor) -> Tensor:
        """The last maps [n, wide, m, c / 9]; zero in rows without a value."""
        measured = (frames[:, MISSING].mean(dim=2) < 1).to(frames.dtype)  # [n, m]
        read = torch.cat([frames[:, MISSING : MISSING + 1], frames[:, FIRST:]], dim=1)  # [n, 4, m, c]
        x = self.pool(torch.relu(self.first(read)))
        maps: Tensor = self.pool(torch.relu(self.second(x)))
        return maps * measured[:, None, :, None]

    def judge(self, maps: Tensor) -> Tensor:
        """Logits [n] of the last maps."""
        n, wide, m, c = maps.shape
        measured = (maps.detach().abs().sum(dim=(1, 3)) > 0).to(maps.dtype)[:, :, None]  # [n, m, 1]
        rows = torch.relu(self.row(maps.permute(0, 2, 1, 3).reshape(n, m, wide * c))) * measured  # [n, m, 8]
        logits: Tensor = self.head(pooled(rows, measured))
        return logits[:, 0]

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))


def pooled(rows: Tensor, measured: Tensor) -> Tensor:
    """Mean and strongest answers [n, 4 k] of rows [n, m, k], which are 0 where nothing was measured [n, m, 1]."""
    mean = rows.sum(dim=1) / measured.sum(dim=1).clamp(min=1)
    most = rows.topk(min(MANY, rows.shape[1]), dim=1).values  # [n, 8, k], the strongest first
    return torch.cat([mean, most[:, 0], most[:, :FEW].mean(dim=1), most.mean(dim=1)], dim=1)
