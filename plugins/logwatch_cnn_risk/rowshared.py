"""The network that reads every row alike, and pools over rows: it stands metrics that are missing, or new to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from logwatch_cnn_risk.frames import CHANNELS


class RowShared(nn.Module):
    """Logits [n] of frames [n, 7, m, c], trends not read, for any m; a row in which nothing was measured has no say.

    Args:
        columns: c.
        wide: filters of the first layer.
    """

    def __init__(self, columns: int, wide: int = 12, dropout: float = 0.2) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, wide, (1, 5), padding=(0, 2))
        self.second = nn.Conv2d(wide, 2 * wide, (1, 5), padding=(0, 2))
        self.pool = nn.AvgPool2d((1, 2), ceil_mode=True)
        self.row = nn.Linear(2 * wide * -(-columns // 4), 24)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(3 * 24, 32), nn.ReLU(), nn.Linear(32, 1))

    def features(self, frames: Tensor) -> Tensor:
        """The last maps [n, 2 · wide, m, c / 4]; zero in rows without a value."""
        measured = (frames[:, 2].mean(dim=2) < 1).to(frames.dtype)  # [n, m]
        x = self.pool(torch.relu(self.first(frames[:, :CHANNELS])))  # [n, wide, m, c / 2]
        maps: Tensor = self.pool(torch.relu(self.second(x)))
        return maps * measured[:, None, :, None]

    def judge(self, maps: Tensor) -> Tensor:
        """Logits [n] of the last maps."""
        n, wide, m, c = maps.shape
        measured = (maps.detach().abs().sum(dim=(1, 3)) > 0).to(maps.dtype)[:, :, None]  # [n, m, 1]
        rows = torch.relu(self.row(maps.permute(0, 2, 1, 3).reshape(n, m, wide * c))) * measured  # [n, m, 24]
        count = measured.sum(dim=1).clamp(min=1)
        mean = rows.sum(dim=1) / count
        deviation = ((rows**2).sum(dim=1) / count - mean**2).clamp(min=1e-6).sqrt()
        most = rows.amax(dim=1)
        logits: Tensor = self.head(torch.cat([mean, deviation, most], dim=1))
        return logits[:, 0]

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))
