"""Networks of one build that answer together: each was stopped on another part of the deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Committee(nn.Module):
    """The mean of its members' logits [n]; its maps are theirs, side by side."""

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def features(self, frames: Tensor) -> Tensor:
        """The last maps of all members, [n, members · filters, …]."""
        return torch.cat([member.features(frames) for member in self.members], dim=1)  # type: ignore[operator]

    def judge(self, maps: Tensor) -> Tensor:
        """Logits [n] of the last maps."""
        parts = maps.chunk(len(self.members), dim=1)
        each = [member.judge(part) for member, part in zip(self.members, parts, strict=True)]  # type: ignore[operator]
        return torch.stack(each).mean(dim=0)

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))
