"""Dead letters in a Kafka topic: the value is the record, the headers say where it came from and what is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from logwatch.deadletter import Letter
from logwatch.deadletter.file import UNWRITTEN
from logwatch.kafka.connection import ConnectionConfig
from logwatch.telemetry import DROPPED, Logger

log = Logger(__name__)

WAIT_MS = 1000
"""How long a letter may hold up its source where brokers are slow; then it is dropped, and counted."""


class LetterTopic:
    """Sends letters without waiting for them.

    Args:
        config: of the connection.
        topic: where to.
        raw: send the bytes as they came, instead of the redacted text.
    """

    def __init__(self, config: ConnectionConfig, topic: str, raw: bool) -> None:
        self._config = config
        self._topic = topic
        self._raw = raw
        self._producer: Any = None
        self._said = False

    def put(self, letters: Sequence[Letter]) -> None:
        """Send them; what cannot be sent is counted."""
        for number, letter in enumerate(letters):
            try:
                future = self._open().send(self._topic, self._value(letter), headers=_headers(letter))
                future.add_errback(self._failed)
            except Exception as error:  # noqa: BLE001  # whatever the client raises: a letter stalls nothing
                self._failed(error, len(letters) - number)
                return

    def _value(self, letter: Letter) -> bytes:
        return letter.line if self._raw else letter.text.encode()

    def _open(self) -> Any:
        if self._producer is None:
            from kafka import KafkaProducer

            from logwatch.kafka.consumer import make

            given = self._config.client_config()
            shared = {name: value for name, value in given.items() if name in KafkaProducer.DEFAULT_CONFIG}
            own = {"acks": "all", "max_block_ms": WAIT_MS, "bootstrap_timeout_ms": WAIT_MS, "linger_ms": 100}
            self._producer = make(KafkaProducer, shared | own)
        return self._producer

    def _failed(self, error: Exception, count: int = 1) -> None:
        DROPPED.inc(count, reason=UNWRITTEN)
        if not self._said:
            self._said = True
            log.warning("dead letters cannot be written", topic=self._topic, error=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Send what waits, for a moment. Safe to call twice."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                producer.close(timeout=2)


def _headers(letter: Letter) -> list[tuple[str, bytes]]:
    place = [(f"logwatchd.{name}", str(value).encode()) for name, value in letter.position.items()]
    return [("logwatchd.reason", letter.reason.encode()), ("logwatchd.source", letter.source.encode()), *place]
