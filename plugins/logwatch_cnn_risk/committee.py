"""Networks that answer together: of several builds, and each stopped on another part of the deployments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Committee(nn.Module):
    """The weighted sum of its members' logits [n].

    Args:
        weights: [members], at least 0; None: all alike.
    """

    weights: Tensor
    members: Iterable[Any]  # modules; that they have `features` and `judge` no type says

    def __init__(self, members: Sequence[Any], weights: Tensor | None = None) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        alike = torch.full((len(members),), 1 / len(members))
        self.register_buffer("weights", alike if weights is None else weights)

    def features(self, frames: Tensor) -> list[Tensor]:
        """The last maps of each member, each [n, filters, m', c']."""
        return [member.features(frames) for member in self.members]

    def judge(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits [n] of the last maps."""
        each = [member.judge(one) for member, one in zip(self.members, maps, strict=True)]
        return torch.stack(each, dim=1) @ self.weights

    def forward(self, frames: Tensor) -> Tensor:
        return self.judge(self.features(frames))
