"""Alerts into a Kafka topic: the key is the incident, the value the alert as JSON (README, "Alerts").

Written by all replicas and idempotently: a retry inside the client doubles nothing. After a crash an alert may come
again, with the same id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from logwatch.api import plugin
from logwatch.errors import LogwatchError, UnreachableError
from logwatch.kafka.diagnosis import check_files, diagnose, probe
from logwatch.kafka.errors import explain, unreachable
from logwatch.sinks.kafka_config import KafkaSinkConfig
from logwatch.sinks.schema import dump_line

if TYPE_CHECKING:
    from logwatch.api import Alert

__all__ = ["AlertRecord", "KafkaSink", "KafkaSinkConfig", "encode"]


class AlertRecord(NamedTuple):
    """An alert as it stands in a topic."""

    topic: str
    key: bytes
    value: bytes


def encode(alert: Alert, topic: str) -> AlertRecord:
    """The record of an alert."""
    return AlertRecord(topic, alert.incident.encode(), dump_line(alert).rstrip(b"\n"))


@plugin(kind="sink", name="kafka", api=(1, 0), config=KafkaSinkConfig)
class KafkaSink:
    """Writes alerts to a topic. Brokers that are not there are an error of `deliver`, which is tried again.

    Args:
        config: its settings.
    """

    def __init__(self, config: KafkaSinkConfig) -> None:
        check_files(config)
        self._config = config
        self._producer: Any = None

    @property
    def topic(self) -> str:
        """Where alerts go."""
        return self._config.topic

    def encode(self, alert: Alert) -> AlertRecord:
        """The record of an alert in this sink's topic; for a transaction that writes it beside other things."""
        return encode(alert, self._config.topic)

    def deliver(self, alerts: list[Alert]) -> None:
        """Write all, in order, and wait until they are written. Raises LogwatchError; all are offered again then."""
        from kafka.errors import KafkaError

        try:
            producer = self._open()
            records = map(self.encode, alerts)
            sent = [producer.send(record.topic, record.value, key=record.key) for record in records]
            producer.flush(timeout=self._config.timeout)
            for one in sent:
                one.get(timeout=0.1)
        except (KafkaError, LogwatchError) as error:
            told = self._explained(error)
            self.close()  # an idempotent producer that gave something up can write no more
            raise told from error

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=2)

    def _open(self) -> Any:
        if self._producer is None:
            from kafka import KafkaProducer

            from logwatch.kafka.consumer import BOOTSTRAP_MS, make

            absent = probe(self._config)
            if absent:
                raise unreachable(self._config, f"alerts cannot be written: {absent}")
            most_ms = int(self._config.timeout * 1000)
            own = {
                "acks": "all",
                "enable_idempotence": True,
                "allow_auto_create_topics": False,
                "bootstrap_timeout_ms": BOOTSTRAP_MS,
                "max_block_ms": min(most_ms, 10_000),
                "delivery_timeout_ms": most_ms,
                "request_timeout_ms": max(1000, most_ms - 1000),
            }
            self._producer = make(KafkaProducer, self._config.client_config() | own)
        return self._producer

    def _explained(self, error: Exception) -> LogwatchError:
        """An error as a sentence that names the setting."""
        told = error if isinstance(error, UnreachableError) else explain(error, self._config)
        if told is not None:
            return told
        if self._is_missing(error):
            return unreachable(
                self._config, f'topic "{self._config.topic}" does not exist: create it, or check `topic`'
            )
        return unreachable(self._config, f"alerts cannot be written: {self._why(error)}")

    def _is_missing(self, error: Exception) -> bool:
        from kafka.errors import UnknownTopicOrPartitionError

        from logwatch.kafka.consumer import lacks_topic

        known = self._producer is None or not lacks_topic(self._producer, self._config.topic)
        return isinstance(error, UnknownTopicOrPartitionError) or not known

    def _why(self, error: Exception) -> str:
        from kafka.errors import KafkaTimeoutError

        if isinstance(error, KafkaTimeoutError):
            try:
                return diagnose(self._config)
            except LogwatchError as wrong:
                return wrong.message
        return f"{type(error).__name__}: {error}"
