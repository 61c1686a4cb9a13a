"""Which metric of a source stands in which column of its model, and how many may.

Where more metrics come than there are columns, those that have gone and those that never vary (a constant says nothing
of how metrics move together, and has detectors of its own) give their columns up, and the others take turns: what
varies gets a column and keeps it, in whatever order the metrics come.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Int32, Int64

GRAIN = 16
"""Columns are allocated by so many: the shapes of matrix products change seldom."""
NOBODY = -1


class Columns:
    """Slots by column.

    Args:
        most: columns at most, a multiple of `GRAIN`.

    Attributes:
        slots: [c] slot of each column's metric; `NOBODY` where it is free.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.slots: Int32 = np.full(GRAIN, NOBODY, np.int32)
        self._refused = False  # some metric found no column since the last `make_room`
        self._turn = NOBODY  # slot that got a column last: the next larger one is the next to get one
        self._asked: Int32 = np.zeros(0, np.int32)  # slots last looked up, and their columns
        self._answer: Int64 = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.slots)

    def known(self, slots: Int32) -> Int64:
        """Columns [m] of slots, all different; -1 where a slot has none."""
        if np.array_equal(slots, self._asked):
            return self._answer
        order = np.argsort(self.slots, kind="stable")
        place = np.minimum(np.searchsorted(self.slots, slots, sorter=order), len(order) - 1)
        found: Int64 = np.where(self.slots[order[place]] == slots, order[place], -1)
        self._asked, self._answer = slots.copy(), found
        return found

    def full(self) -> bool:
        """No new metric finds a column; notes that one would have needed it."""
        full = len(self) == self.most and bool((self.slots != NOBODY).all())
        self._refused |= full
        return full

    def admit(self, slots: Int32) -> None:
        """Give columns to slots that have none, as far as there are."""
        free = np.flatnonzero(self.slots == NOBODY)
        more = min(-(-max(len(slots) - len(free), 0) // GRAIN) * GRAIN, self.most - len(self))
        self.slots = np.append(self.slots, np.full(more, NOBODY, np.int32))
        free = np.flatnonzero(self.slots == NOBODY)[: len(slots)]
        new = np.sort(slots)
        new = np.roll(new, -int(np.searchsorted(new, self._turn, side="right")))
        self.slots[free] = new[: len(free)]
        self._turn = int(new[len(free) - 1])
        self._refused |= len(free) < len(new)
        self._forget_answer()

    def make_room(self, dispensable: Bool) -> Int64:
        """Columns freed: those `dispensable` [c], if some metric found none since the last call."""
        freed = np.flatnonzero(dispensable & (self.slots != NOBODY) & self._refused)
        self._refused = False
        self.release(freed)
        return freed

    def release(self, columns: Int64) -> None:
        """Make columns nobody's."""
        self.slots[columns] = NOBODY
        self._forget_answer()

    def _forget_answer(self) -> None:
        self._asked = np.zeros(0, np.int32)
        self._answer = np.zeros(0, np.int64)

    def facts(self) -> dict[str, int]:
        """What a cell says of it, beside `slots`."""
        return {"refused": int(self._refused), "turn": self._turn}

    def restore(self, slots: NDArray[Any], refused: int, turn: int) -> None:
        """From `slots` and `facts`."""
        self.slots, self._refused, self._turn = slots.astype(np.int32), bool(refused), turn
        self._forget_answer()
