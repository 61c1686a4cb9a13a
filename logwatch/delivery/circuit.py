"""When a sink that fails is tried again: soon, then less often, and from the fifth failure on with one alert only.

closed → (five failures in a row) open: not called at all → half-open: one alert as a probe → closed, or open again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Literal

WAITS_S = (0.5, 1.0, 2.0, 5.0)
"""Waits after the first failures in a row."""

OPEN_S = (10.0, 20.0, 40.0, 60.0)
"""Waits while the circuit is open; the last repeats, so that a sink that is back is noticed within a minute."""

OPENS_AFTER = len(WAITS_S) + 1

JITTER = 0.25
"""Share by which a wait is longer or shorter: daemons that lost the same server do not come back at once."""

RETRY_AFTER_MOST_S = 3600.0
"""However long the other side asks to be left alone."""

State = Literal["closed", "half-open", "open"]


def _uniform() -> float:
    return secrets.randbelow(1 << 20) / (1 << 20)


class Circuit:
    """What is known of a sink's failures.

    Args:
        jitter: a random number, [0, 1).
    """

    def __init__(self, jitter: Callable[[], float] = _uniform) -> None:
        self.failures = 0  # in a row
        self._until = 0.0  # monotonic seconds
        self._jitter = jitter

    def left(self, now: float) -> float:
        """Seconds until it may be tried; 0: now."""
        return max(0.0, self._until - now)

    def state(self, now: float) -> State:
        """See the top of the module."""
        if self.failures < OPENS_AFTER:
            return "closed"
        return "open" if now < self._until else "half-open"

    def most(self, usual: int) -> int:
        """How many alerts may be offered at once, where that many usually are."""
        return usual if self.failures < OPENS_AFTER else 1

    def succeeded(self) -> None:
        """The sink answered as it should."""
        self.failures, self._until = 0, 0.0

    def failed(self, now: float, retry_after: float = 0.0) -> None:
        """It did not; `retry_after`: seconds for which it asked not to be tried."""
        self.failures += 1
        waits = (*WAITS_S, *OPEN_S)
        wait = waits[min(self.failures, len(waits)) - 1] * (1 + JITTER * (2 * self._jitter() - 1))
        self._until = now + max(wait, min(retry_after, RETRY_AFTER_MOST_S))
