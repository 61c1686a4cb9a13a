"""The one place that reads the machine's clocks; everything else gets a `Clock`."""

from __future__ import annotations

import time


class SystemClock:
    """Implements `logwatch.api.Clock`."""

    def now(self) -> int:
        """Wall time, ns since the epoch, UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
