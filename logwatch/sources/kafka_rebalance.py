"""Follows the group's rebalances, on the client's own thread: nothing here may block it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from kafka import AsyncConsumerRebalanceListener

from logwatch.kafka.consumer import sleep
from logwatch.kafka.position import lane_of
from logwatch.sources.kafka_board import Board, Lost, Revoked
from logwatch.sources.kafka_lane import Lane
from logwatch.telemetry import REBALANCES, Logger

log = Logger(__name__)

LOOK_EVERY_S = 0.01
"""How often a revocation looks whether the state was saved; heartbeats go on between."""


class Rebalance(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """Tells the board what the group decides.

    Args:
        consumer: of whom.
        board: where it is told.
        timeout: seconds that a revocation waits.
    """

    def __init__(self, consumer: Any, board: Board, timeout: float) -> None:
        self._consumer = consumer
        self._board = board
        self._timeout = timeout
        self.closing = False

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """New partitions: paused at once, and with a place to read at, without which the client would ask the group."""
        added = sorted(assigned)
        for tp in added:
            self._consumer.seek(tp, 0)
            self._consumer.pause(tp)
        REBALANCES.inc(len(added), kind="assigned")
        log.info("kafka: partitions assigned", partitions=_names(added))
        self._board.assign([Lane(lane_of(*tp), tp) for tp in added])

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """They go to another worker when this returns."""
        lanes = _names(revoked)
        if self.closing or not lanes:
            return
        REBALANCES.inc(len(lanes), kind="revoked")
        event = Revoked(lanes)
        self._board.post(event, gone=lanes)
        deadline = time.monotonic() + self._timeout
        while not event.done.is_set() and time.monotonic() < deadline and not self.closing:
            await sleep(self._consumer, LOOK_EVERY_S)
        with self._board.changed:
            event.abandoned = not event.done.is_set()
        log.info("kafka: partitions revoked", partitions=lanes, saved=not event.abandoned)

    async def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        """Another worker may have them already."""
        lanes = _names(lost)
        if self.closing or not lanes:
            return
        REBALANCES.inc(len(lanes), kind="lost")
        log.warning("kafka: partitions lost, their state is discarded", partitions=lanes)
        self._board.post(Lost(lanes), gone=lanes)


def _names(partitions: Iterable[Any]) -> list[str]:
    return [lane_of(*tp) for tp in sorted(partitions)]
