"""The client's consumer, made the way we need it. All that is used of it beside its public interface stands here.

Why each default is overridden: reads and commits are ours (`enable_auto_commit`), a lost offset is a gap and not a
silent jump (`auto_offset_reset`), a misspelt topic is an error (`allow_auto_create_topics`), state moves with single
partitions (`CooperativeStickyAssignor`, which cannot be listed beside eager ones), what a transaction took back is
not judged (`isolation_level`), and a topic that is created late is seen soon (`metadata_max_age_ms`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    IllegalSaslStateError,
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from logwatch.kafka.connection import ConnectionConfig
from logwatch.kafka.partition_records import PartitionRecords

BOOTSTRAP_MS = 5000
"""One try to reach a broker; the caller tries again."""

RECONNECT_MS = 2_000
"""The longest wait between two tries to reach a broker: one that is back is soon used again."""

REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError, IllegalSaslStateError)

DEFAULTS: dict[str, Any] = {
    "isolation_level": "read_committed",
    "metadata_max_age_ms": 30_000,
}
OVERRIDES: dict[str, Any] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "allow_auto_create_topics": False,
    "partition_assignment_strategy": [CooperativeStickyAssignor],
    "bootstrap_timeout_ms": BOOTSTRAP_MS,
}


def open_consumer(config: ConnectionConfig, **own: Any) -> Any:
    """A KafkaConsumer whose `poll` returns `Columns` and never stops at a record.

    Args:
        config: of the connection.
        own: `group_id` and the like.

    Raises:
        KafkaError: no broker answered (KafkaTimeoutError), or it refused.
    """
    consumer = make(KafkaConsumer, DEFAULTS | config.client_config() | OVERRIDES | own)
    consumer._fetcher.PartitionRecords = PartitionRecords
    return consumer


def make(kind: Callable[..., Any], settings: Mapping[str, Any]) -> Any:
    """A consumer, producer or admin client that leaves nothing behind where it cannot be made.

    Raises:
        KafkaError: no broker answers, or refuses; KafkaConfigurationError also of what the client raises otherwise.
    """
    made: list[Any] = []

    def client(**given: Any) -> Any:
        one = _Client(**given)
        made.append(one)
        _tell_refusals(one._manager)
        # The client takes this setting and does not hand it on (3.0.12).
        one.cluster.config["allow_auto_create_topics"] = False
        return one

    try:
        return kind(**{"reconnect_backoff_max_ms": RECONNECT_MS, **settings}, kafka_client=client)
    except BaseException as error:
        for one in made:  # its thread would stay
            with contextlib.suppress(Exception):
                one.close()
        if isinstance(error, ValueError | RuntimeError):  # of a producer's `compression_type`
            raise KafkaConfigurationError(str(error)) from error
        raise


@contextlib.contextmanager
def administering(settings: Mapping[str, Any]) -> Iterator[Any]:
    """A KafkaAdminClient, for as long as it takes. Raises KafkaError."""
    from kafka.admin import KafkaAdminClient  # takes a while to import, and the source does without

    with contextlib.closing(make(KafkaAdminClient, settings)) as admin:
        yield admin


class _Client(KafkaNetClient):  # type: ignore[misc]  # the client has no types
    """A producer looks again for a broker that is not there only where it is told so. Where this raises, it drops the
    request of the transaction that was on its way, and waits for ever for the answer (3.0.12)."""

    def await_ready(self, node_id: Any, timeout_ms: float = 30_000) -> bool:
        try:
            return bool(super().await_ready(node_id, timeout_ms))
        except KafkaConnectionError:
            return False


def _tell_refusals(manager: Any) -> None:
    """A login that is refused while the first broker is looked for ends the search: the client would only time out."""
    connect, refused = manager.get_connection, list[Exception]()

    def get_connection(node_id: Any, *args: Any, **options: Any) -> Any:
        if refused:
            raise refused.pop()
        connection = connect(node_id, *args, **options)

        def closed(error: Exception) -> None:
            if isinstance(error, REFUSALS) and not manager.bootstrapped:
                refused.append(error)

        connection.close_future.add_errback(closed)
        return connection

    manager.get_connection = get_connection


def _hear_last_words(transport: Any) -> None:
    """An answer that comes together with the end of the connection ("wrong password") is thrown away by the client."""
    receive = transport._sock_recv

    def heard(self: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return data, None if data else error  # the end is seen again at the next read

    transport._sock_recv = heard


for _transport in (KafkaTCPTransport, KafkaSSLTransport):
    _hear_last_words(_transport)


def close_consumer(consumer: Any, timeout_ms: int) -> None:
    """Leave the group (dynamic members do) and close; never raises."""
    with contextlib.suppress(Exception):
        consumer.close(autocommit=False, timeout_ms=timeout_ms)


def learn_topics(consumer: Any, timeout_ms: int) -> None:
    """Fetch the metadata of what was subscribed to, before the group is joined.

    A member that leads a group and does not know the partitions yet assigns nobody anything, and may notice only at
    the next routine refresh (3.0.12).

    Raises:
        KafkaError: nobody answered in time.
    """
    consumer._net.run(consumer._manager.wait_for, consumer._cluster.request_update(), timeout_ms)


def topic_id(consumer: Any, topic: str) -> str:
    """The topic's id; empty where the broker told none."""
    found = consumer._cluster.topic_id(topic)
    return str(found) if found is not None and found.int else ""


def is_known(consumer: Any, topic: str) -> bool:
    """Whether the newest metadata has the topic; asks nobody."""
    return bool(consumer._cluster.partitions_for_topic(topic))


def lacks_topic(producer: Any, topic: str) -> bool:
    """Whether brokers answer a producer, and know no such topic."""
    cluster = producer._metadata
    return bool(cluster.brokers()) and not cluster.partitions_for_topic(topic)


def unauthorized(consumer: Any) -> set[str]:
    """Topics that we may not even see."""
    return set(consumer._cluster.unauthorized_topics)


def is_connected(consumer: Any) -> bool:
    """Whether there is a connection to any broker."""
    return any(connection.connected for connection in list(consumer._client._manager._conns.values()))


def brokers(consumer: Any) -> list[str]:
    """host:port of every broker, as the cluster names them to its clients."""
    return [f"{broker.host}:{broker.port}" for broker in consumer._cluster.brokers()]


def positions(consumer: Any) -> dict[Any, int]:
    """Where each assigned partition goes on to be fetched; asks nobody."""
    assigned = consumer._subscription.assignment.copy()
    return {tp: state.position.offset for tp, state in assigned.items() if state.position is not None}


def restore_paused(consumer: Any) -> None:
    """Before a poll: records that were fetched and set aside while their partition was paused have their turn again.

    The client restores them only where it holds no other records, and takes drained ones for some (3.0.12): a
    partition that was resumed may never be read again.
    """
    fetcher = consumer._fetcher
    if not fetcher._next_partition_records:
        fetcher._next_partition_records = None


async def sleep(consumer: Any, seconds: float) -> None:
    """Inside a rebalance listener: let the client's other work (heartbeats) go on meanwhile."""
    await consumer._net.sleep(seconds)


__all__ = [
    "KafkaError", "KafkaTimeoutError", "administering", "brokers", "close_consumer", "is_connected", "is_known",
    "lacks_topic", "learn_topics", "make", "open_consumer", "positions", "restore_paused", "sleep", "topic_id",
    "unauthorized",
]  # fmt: skip
