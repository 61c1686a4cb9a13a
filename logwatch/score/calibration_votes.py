"""Which detectors decide, and how their nats become one number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logwatch.types import Float32

VOTES: tuple[tuple[str, ...], ...] = (("lstm",), ("new", "rare", "set"), ("rate",), ("silence",))
"""Sum of complementary nats; inside a group only the largest counts: a new template is also a rare one, and makes its
visit's set a rare one (HDFS: average precision 0.90 so, 0.84 with `set` on its own)."""

SHOWN = frozenset({"gap", "markov"})
"""Computed and shown, without a vote: shadows of the LSTM, whose sum would count the same surprise twice."""


class Votes:
    """Combines nats [m, D] into [m]. Detectors named neither in `votes` nor in `shown` (plugins) vote on their own."""

    def __init__(
        self,
        detectors: Sequence[str],
        votes: tuple[tuple[str, ...], ...] = VOTES,
        shown: frozenset[str] = SHOWN,
    ) -> None:
        named = {name for group in votes for name in group}
        groups = [*votes, *((name,) for name in detectors if name not in named and name not in shown)]
        columns = [[detectors.index(name) for name in group if name in detectors] for group in groups]
        self.groups = [group for group in columns if group]
        self.voting = sorted(column for group in self.groups for column in group)

    def combine(self, nats: Float32) -> Float32:
        """Sum over groups of the group's largest nats, ≥ 0; NaN where no voting detector has an opinion."""
        total = np.zeros(len(nats), dtype=np.float32)
        silent = np.ones(len(nats), dtype=np.bool_)
        for group in self.groups:
            largest = nats[:, group[0]]
            for column in group[1:]:
                largest = np.fmax(largest, nats[:, column])
            silent &= np.isnan(largest)
            total += np.fmax(largest, np.float32(0))
        total[silent] = np.nan
        return total

    def top(self, nats: Float32) -> int:
        """Column of the voting detector with the largest nats in one unit's nats [D]; -1 where none has an opinion."""
        heard = [column for column in self.voting if not np.isnan(nats[column])]
        return max(heard, key=lambda column: float(nats[column]), default=-1)
