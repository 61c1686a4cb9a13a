"""Template merges: the miner finds out that two templates are one, and counts move from the loser to the winner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import EventBatch, Int64

Untold = Callable[[], Sequence[tuple[int, int, int]]]
"""Merges since the last chunk's end, in order: number of the event from which they hold, loser, winner."""

RETIRED = 0
"""The winner over templates that were given up: they are not one."""


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


class OpenMerges:
    """Merges of the open chunk: events come with the winner's id already, counts are still the losers' own.

    Args:
        untold: by the miner; None: there are none.
    """

    def __init__(self, untold: Untold | None) -> None:
        self._untold = untold

    def losers(self, events: EventBatch, rows: Int64) -> Iterator[tuple[Int64, int]]:
        """Those of some rows of the batch whose template stands for another one as well, and the id of that one."""
        others: dict[int, list[tuple[int, int]]] = {}
        for event, loser, winner in self._untold() if self._untold else ():
            if winner != RETIRED:
                others.setdefault(winner, []).append((event, loser))
                others[winner] += [(event, other) for _, other in others.get(loser, ())]
        if not others:
            return
        template, number = events.template[rows], events.first + rows
        for winner in np.intersect1d(template, list(others)).tolist():
            for event, loser in others[winner]:
                held = rows[(template == winner) & (number >= event)]
                if len(held):
                    yield held, loser
