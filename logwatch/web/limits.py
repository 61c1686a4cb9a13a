"""How often one peer may ask: a token bucket each."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

PEERS = 10_000
"""Peers that are remembered; the one that asked longest ago is forgotten first."""


class RateLimit:
    """Args:
    rate: requests a second, in the long run.
    burst: at once.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, peer: str) -> float:
        """Take one; seconds after which to try again, 0.0 where it may go on now."""
        now = time.monotonic()
        with self._lock:
            left, since = self._left.pop(peer, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            allowed = left >= 1.0
            self._left[peer] = left - allowed, now
            if len(self._left) > PEERS:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._rate
