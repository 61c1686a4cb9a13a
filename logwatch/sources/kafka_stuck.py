"""Looks for a partition that is read no more while others are: the client has lost it, or its fetch session has."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from logwatch.api import Clock
from logwatch.kafka import consumer as client
from logwatch.kafka.position import lane_of
from logwatch.sources.kafka_board import Board
from logwatch.sources.kafka_start import ASK_MS
from logwatch.telemetry import STUCK, Logger

log = Logger(__name__)

LOOK_EVERY_S = 5.0
STUCK_S, STUCK_MOST_S = 60.0, 3600.0
"""A partition that holds more, and of which nothing came for so long, is helped; after each try it is given twice the
time, up to the second figure."""


@dataclass(slots=True)
class _Seen:
    """Where a partition was last."""

    position: int
    since: float
    reached: int = -1  # where it was helped last
    tries: int = 0


class Stuck:
    """Finds partitions that are stuck, and helps: first by a seek, then by a fresh client.

    Args:
        board: the lanes.
        clock: for timers.
    """

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._seen: dict[Any, _Seen] = {}
        self._looked = clock.monotonic()

    def look(self, consumer: Any) -> bool:
        """Look, where it is time to; True where only a fresh client helps. Raises KafkaError."""
        now = self._clock.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return False
        slept, self._looked = now - self._looked > 2 * LOOK_EVERY_S, now
        still = self._still(client.positions(consumer), now, slept)
        if not still:
            return False
        ends = consumer.end_offsets(list(still), timeout_ms=ASK_MS)
        stuck = []
        for tp, seen in still.items():
            if ends.get(tp, 0) > seen.position:
                stuck.append(tp)
            else:
                seen.since = now
        return self._help(consumer, stuck, now) if stuck else False

    def _still(self, positions: dict[Any, int], now: float, slept: bool) -> dict[Any, _Seen]:
        """Partitions that may be read, and have not moved for too long."""
        with self._board.changed:
            reading = {lane.tp: lane.paused for lane in self._board.lanes.values() if lane.reading}
        for tp in reading.keys() & positions.keys():
            seen = self._seen.setdefault(tp, _Seen(positions[tp], now))
            if slept or reading[tp] or positions[tp] != seen.position:  # it could not move, or did
                seen.position, seen.since = positions[tp], now
            if seen.position > seen.reached:
                seen.tries = 0
        for tp in self._seen.keys() - reading.keys():
            self._seen[tp].since = now
        return {
            tp: seen
            for tp, seen in self._seen.items()
            if reading.get(tp) is False and now - seen.since >= min(STUCK_S * 2**seen.tries, STUCK_MOST_S)
        }

    def _help(self, consumer: Any, stuck: list[Any], now: float) -> bool:
        """A first try is a seek; where that has not helped, a fresh client is, every second time."""
        fresh = any(self._seen[tp].tries % 2 for tp in stuck)
        action = "client" if fresh else "seek"
        STUCK.inc(len(stuck), action=action)
        log.error("kafka: nothing comes of a partition that holds more", partitions=[lane_of(*tp) for tp in stuck],
                  position=[self._seen[tp].position for tp in stuck], helped_by=action)  # fmt: skip
        for tp in stuck:
            seen = self._seen[tp]
            seen.since, seen.reached, seen.tries = now, seen.position, seen.tries + 1
            if not fresh:
                with contextlib.suppress(ValueError, KeyError):  # it was revoked just now
                    consumer.seek(tp, seen.position)
                    consumer.resume(tp)
        return fresh
