"""Template merges: the miner finds out that two templates are one, and counts move from the loser to the winner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Int64


class Merges:
    """Pairs (loser, winner) in the order in which they happened, resolved to the last winner."""

    def __init__(self, pairs: Sequence[tuple[int, int]]) -> None:
        winner: dict[int, int] = {}
        for loser, target in reversed(pairs):  # what the target becomes later is known already
            winner[loser] = winner.get(target, target)
        self._losers = np.array(sorted(winner), dtype=np.int64)
        self._winners = np.array([winner[loser] for loser in sorted(winner)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._losers)

    def forward(self, templates: NDArray[Any]) -> Int64:
        """Template ids [n] after the merges [n]."""
        out: Int64 = templates.astype(np.int64)
        if len(self._losers):
            at = np.minimum(np.searchsorted(self._losers, out), len(self._losers) - 1)
            out = np.where(self._losers[at] == out, self._winners[at], out)
        return out
