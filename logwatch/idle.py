"""Sources that fell silent: their watermark follows the injected clock, so that silence is noticed.

Only a live source that has brought nothing for `idle_after` is moved; a replay at full speed never is, and what a
tick closes is committed before anybody hears of it, so that a resume repeats it. The watermark moves by the time for
which nothing was heard, not to the present: a file whose last line is a week old has not been silent for a week
before we listened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.api import Clock
from logwatch.cells import pack, unpack
from logwatch.types import NO_TIME, Float64, Int32, Int64, Passing

BLOCK = 256
"""Sources of one cell."""


class Idle:
    """Remembers, per source number, when it last spoke and how far its watermark is.

    Args:
        idle_after: seconds without a record; 0 switches it off (finished files have no present).
        clock: sources known from an earlier run count as heard when they are restored.
    """

    def __init__(self, idle_after: float, clock: Clock) -> None:
        self._after = idle_after
        self._clock = clock
        self._dirty: set[int] = set()  # blocks of sources
        self._heard: Float64 = np.zeros(0)
        self._watermark: Int64 = np.zeros(0, np.int64)

    def heard(self, source: Int32, now: float) -> None:
        """Sources [n] brought records at monotonic time `now`."""
        if len(source):
            self._grow(int(source.max()) + 1)
            self._heard[source] = now

    def advance(self, events: Passing) -> None:
        """Take over the watermarks of events in stream order."""
        self._watermark[events.source] = np.maximum(self._watermark[events.source], events.watermark)
        self._dirty.update(np.unique(events.source // BLOCK).tolist())

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

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells: watermarks of blocks of sources."""
        for block in sorted(self._dirty):
            rows = slice(block * BLOCK, (block + 1) * BLOCK)
            yield f"{block:06x}", pack({"watermark": self._watermark[rows]})
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """A source that fell silent before the restart is listened to from now on."""
        for name, cell in cells.items():
            known = unpack(cell)[0]["watermark"]
            source = int(name, 16) * BLOCK + np.arange(len(known), dtype=np.int32)
            self.heard(source, self._clock.monotonic())
            self._watermark[source] = known

    def _grow(self, size: int) -> None:
        more = size - len(self._heard)
        if more > 0:
            self._heard = np.concatenate([self._heard, np.full(more, -np.inf)])
            self._watermark = np.concatenate([self._watermark, np.full(more, NO_TIME, np.int64)])
