"""How often the miner may learn: a stream with a fresh word in every line must not fill the table or stall."""

from __future__ import annotations

BURST = 8_192
"""Lines that may be learned at once: a new program's first minutes."""

LINES_PER_TURN = 16
"""Lines that earn one more turn: learning costs up to 16 times as much as anything else."""


class Budget:
    """A token bucket whose clock is the number of the line, so that it is exact in stream order."""

    def __init__(self) -> None:
        self.credit = BURST * LINES_PER_TURN
        self.line = 0

    def take(self, line: int) -> bool:
        """Whether line number `line` (never falling) may be learned; takes one turn if so."""
        credit = min(BURST * LINES_PER_TURN, self.credit + line - self.line)
        if credit < LINES_PER_TURN:
            return False
        self.credit, self.line = credit - LINES_PER_TURN, line
        return True
