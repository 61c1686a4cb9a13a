"""Sources that fell silent: their watermark follows the injected clock, so that silence is noticed.

Only a live source that has brought nothing for `idle_after` is moved; a replay at full speed never is, and what a
tick closes is committed before anybody hears of it, so that a resume repeats it. The watermark moves by the time for
which nothing was heard, not to the present: a file whose last line is a week old has not been silent for a week
before we listened.
"""

from __future__ import annotations

import numpy as np

from logwatch.api import Clock
from logwatch.types import NO_TIME, EventBatch, Float64, Int32, Int64


class Idle:
    """Remembers, per source number, when it last spoke and how far its watermark is.

    Args:
        idle_after: seconds without a record; 0 switches it off (finished files have no present).
    """

    def __init__(self, idle_after: float) -> None:
        self._after = idle_after
        self._heard: Float64 = np.zeros(0)
        self._watermark: Int64 = np.zeros(0, np.int64)

    def heard(self, source: Int32, now: float) -> None:
        """Sources [n] brought records at monotonic time `now`."""
        if len(source):
            self._grow(int(source.max()) + 1)
            self._heard[source] = now

    def advance(self, events: EventBatch) -> None:
        """Take over the watermarks of events in stream order."""
        self._watermark[events.source] = np.maximum(self._watermark[events.source], events.watermark)

    def due(self, clock: Clock) -> tuple[Int32, Int64]:
        """Idle sources [k] and their new watermarks [k]."""
        if self._after <= 0 or not len(self._heard):
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        silent = clock.monotonic() - self._heard
        idle = np.flatnonzero((silent >= self._after) & (self._watermark != NO_TIME)).astype(np.int32)
        return idle, self._watermark[idle] + (silent[idle] * 1e9).astype(np.int64)

    def watermark(self, source: int) -> int:
        """Of one source, ns; NO_TIME before its first time."""
        return int(self._watermark[source]) if source < len(self._watermark) else NO_TIME

    def resume(self, source: Int32, watermark: Int64, now: float) -> None:
        """Sources known from an earlier run: listened to from now on."""
        self.heard(source, now)
        self._watermark[source] = watermark

    def _grow(self, size: int) -> None:
        more = size - len(self._heard)
        if more > 0:
            self._heard = np.concatenate([self._heard, np.full(more, -np.inf)])
            self._watermark = np.concatenate([self._watermark, np.full(more, NO_TIME, np.int64)])
