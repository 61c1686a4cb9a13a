"""How often the miner may learn: a stream with a fresh word in every line must not fill the table or stall."""

from __future__ import annotations

BURST = 8_192
"""Lines that may be learned at once: a new program's first minutes."""

LINES_PER_TURN = 16
"""Lines that earn one more turn: learning costs up to 16 times as much as anything else."""

DOUBLINGS = 13
"""How often the price of a turn doubles over the second half of all ids: a flood that goes on for hours must not use
up those that the statements of later years need. At the last step a turn costs a whole burst."""


class Budget:
    """A token bucket whose clock is the number of the line, so that it is exact in stream order."""

    def __init__(self) -> None:
        self.credit = BURST * LINES_PER_TURN
        self.line = 0

    def take(self, line: int, used: float) -> bool:
        """Whether line number `line` (never falling) may be learned; takes one turn if so.

        Args:
            used: share of the ids that may ever be given out.
        """
        credit = min(BURST * LINES_PER_TURN, self.credit + line - self.line)
        price = LINES_PER_TURN << min(DOUBLINGS, max(0, int((2 * used - 1) * DOUBLINGS)))
        if credit < price:
            return False
        self.credit, self.line = credit - price, line
        return True
