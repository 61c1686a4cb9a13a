"""Keeping heatmaps beside a live stream: paced by APScheduler, decided by event time, and never in the stream's way.

The pipeline says which windows are due, by the sources' own time. They wait here, the three newest of a source, until
the scheduler's next turn, which keeps them in a thread of its own. So a slow disk costs windows, counted, and no lines.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

from logwatch.api import Clock
from logwatch.app.session import Session
from logwatch.checkpoint.heatmaps import Due, KeptHeatmaps
from logwatch.config import History
from logwatch.errors import StateError
from logwatch.telemetry import DROPPED, HEATMAPS, Logger
from logwatch.types import MetricWindow

log = Logger(__name__)

NEWEST = 3
"""Windows of a source that wait, beside as many of its incidents."""

ROOM = 1 << 24
"""Numbers of all windows that wait (64 MiB): 4,000 windows of 32 metrics and 120 steps."""

TURN_S = 5.0
"""Seconds between two turns, or less where windows come more often."""

GRACE_S = 60
"""A turn that is late by less is still made; several that were missed become one."""

FORGET_EVERY = 120
"""Turns between two looks for what is older than `[history]` keeps: ten minutes."""


class Waiting:
    """Windows that are due; `put` from the stream's thread, `take` from the scheduler's.

    Args:
        room: numbers of all that wait; beyond it the oldest are dropped, and counted.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._filled = room, 0
        self._lock = threading.Lock()
        self._due: deque[Due] = deque()
        self._count: dict[tuple[str, bool], int] = {}

    def put(self, window: MetricWindow, incident: str) -> None:
        """It waits, instead of the oldest of its source where there are three."""
        key = window.source, bool(incident)
        with self._lock:
            if self._count.get(key, 0) >= NEWEST:
                self._drop(next(one for one in self._due if _key(one) == key))
            self._due.append(Due(window, incident))
            self._count[key] = self._count.get(key, 0) + 1
            self._filled += window.values.size
            while self._filled > self._room and len(self._due) > 1:
                self._drop(self._due[0])

    def _drop(self, one: Due) -> None:
        del self._due[next(at for at, other in enumerate(self._due) if other is one)]
        self._count[_key(one)] -= 1
        self._filled -= one.window.values.size
        DROPPED.inc(reason="heatmaps")

    def take(self) -> list[Due]:
        """All that wait, in the order in which they came; none is left."""
        with self._lock:
            due, self._due, self._count, self._filled = list(self._due), deque(), {}, 0
        return due


def _key(due: Due) -> tuple[str, bool]:
    return due.window.source, bool(due.incident)


@contextlib.contextmanager
def kept_heatmaps(session: Session, waiting: Waiting) -> Iterator[None]:
    """Inside, what waits is kept beside the session's state. Raises StateNotWritable, StateCorrupt."""
    heatmap = session.settings.heatmap
    kept = KeptHeatmaps(session.settings.state, heatmap.keep)
    risks = session.risks
    assess = (lambda: None) if risks is None else risks.turn
    keeper = HeatmapKeeper(waiting, kept, heatmap.every, session.settings.history, session.clock, assess)
    keeper.start()
    try:
        yield
    finally:
        keeper.close()


class HeatmapKeeper:
    """Keeps what is due, turn by turn.

    Args:
        waiting: what is due.
        kept: where it is kept; closed with this.
        every: how often windows of a source end, s.
        assess: asks for the risk of what is due.
    """

    def __init__(
        self, waiting: Waiting, kept: KeptHeatmaps, every: float, history: History, clock: Clock,
        assess: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        from apscheduler.schedulers.background import BackgroundScheduler

        self._waiting = waiting
        self._kept, self._history, self._clock = kept, history, clock
        self._assess = assess
        self._turns, self._told, self._closed = 0, False, False
        self._turning = threading.Lock()
        self._scheduler: Any = BackgroundScheduler(timezone=UTC, daemon=True)
        self._scheduler.add_job(
            self.turn,
            "interval",
            seconds=min(every, TURN_S),
            misfire_grace_time=GRACE_S,
            coalesce=True,
            max_instances=1,
        )

    def start(self) -> None:
        """From now on."""
        self._scheduler.start()

    def turn(self) -> None:
        """Keep all that waits, and have it assessed."""
        with self._turning:
            self._keep()
            self._assess()

    def _keep(self) -> None:
        due = self._waiting.take()
        try:
            if due:
                self._kept.put(due, self._clock.now())
            if self._turns % FORGET_EVERY == 0:
                before = self._clock.now() - int(self._history.keep * 1e9)
                self._kept.forget(before, self._history.max_size)
        except StateError as error:
            DROPPED.inc(len(due), reason="heatmaps")
            if not self._told:
                log.warning("heatmaps cannot be kept", reason=error.message, hint=error.hint)
            self._told = True
        else:
            HEATMAPS.inc(len(due))
            self._told = False
        self._turns += 1

    def close(self) -> None:
        """A last turn. Safe to call twice."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        if not self._closed:
            self._closed = True
            self.turn()
            self._kept.close()
