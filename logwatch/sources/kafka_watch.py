"""Looks at the consumer about once a second: metrics, and what an administrator should know, once a minute each."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka.errors import IllegalStateError, TopicAuthorizationFailedError

from logwatch.api import Clock
from logwatch.kafka import consumer as client
from logwatch.kafka.diagnosis import diagnose
from logwatch.sources.kafka_board import Board
from logwatch.sources.kafka_config import KafkaConfig
from logwatch.telemetry import CONSUMER_LAG, NEWEST_RECORD, Logger

log = Logger(__name__)

LOOK_EVERY_S = 1.0
SAY_EVERY_S = 60.0
PATIENCE_S = 5.0
"""A restart of a broker, a rebalance and a topic that is just being created take so long: nothing is said before."""


class Watch:
    """Metrics and warnings.

    Args:
        config: of the source.
        board: its lanes.
        clock: for timers.
    """

    def __init__(self, config: KafkaConfig, board: Board, clock: Clock) -> None:
        self._config = config
        self._board = board
        self._clock = clock
        self._said: dict[str, float] = {}
        self._since: dict[str, float] = {}  # what is amiss -> since when
        self._look_at = 0.0
        self._measured: set[tuple[str, str]] = set()

    def say(self, message: str) -> None:
        """Warn, but of one thing at most once a minute."""
        now = self._clock.monotonic()
        if now - self._said.get(message, -SAY_EVERY_S) >= SAY_EVERY_S:
            self._said = {text: at for text, at in self._said.items() if now - at < SAY_EVERY_S} | {message: now}
            log.warning(f"kafka: {message.removeprefix('kafka: ')}", bootstrap=",".join(self._config.bootstrap))

    def look(self, consumer: Any) -> None:
        """Look, where it is time to. Raises TopicAuthorizationFailedError."""
        now = self._clock.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        self._measure(consumer)
        if self._lasts("no broker", not client.is_connected(consumer)):
            self.say(diagnose(self._config, client.brokers(consumer) or self._config.bootstrap))
            return
        hidden = client.unauthorized(consumer)
        if hidden:
            raise TopicAuthorizationFailedError(hidden)
        for topic in self._config.topics:
            if self._lasts(topic, not client.is_known(consumer, topic)):
                self.say(f'topic "{topic}" does not exist: create it, or check `topics`')
        if self._config.pattern and self._lasts("pattern", not consumer.subscription()):
            self.say(f'no topic matches `pattern` "{self._config.pattern}"')

    def _lasts(self, what: str, is_amiss: bool) -> bool:
        """Whether something has been amiss for long enough to be told."""
        if not is_amiss:
            self._since.pop(what, None)
            return False
        now = self._clock.monotonic()
        return now - self._since.setdefault(what, now) >= PATIENCE_S

    def _measure(self, consumer: Any) -> None:
        with self._board.changed:
            lanes = [(lane.tp, lane.next, lane.newest) for lane in self._board.lanes.values() if lane.reading]
        measured = set()
        for tp, reached, newest in lanes:
            place = (tp.topic, str(tp.partition))
            measured.add(place)
            with contextlib.suppress(IllegalStateError):  # it was revoked just now
                end = consumer.highwater(tp)
                if end is not None:
                    CONSUMER_LAG.set(max(0, end - reached), topic=place[0], partition=place[1])
            if newest:
                NEWEST_RECORD.set(newest / 1000, topic=place[0], partition=place[1])
        for topic, partition in self._measured - measured:
            CONSUMER_LAG.forget(topic=topic, partition=partition)
            NEWEST_RECORD.forget(topic=topic, partition=partition)
        self._measured = measured
