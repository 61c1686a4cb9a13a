"""What tests do to a broker: topics of their own, records in them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.kafka.broker import Broker

Headers = Sequence[tuple[str, bytes]]


class Topics:
    """Topics of one test on a broker."""

    def __init__(self, broker: Broker) -> None:
        from kafka import KafkaAdminClient

        self.broker = broker
        self.admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        self._names = itertools.count()
        self._test = uuid.uuid4().hex[:8]

    def new_name(self, what: str = "t") -> str:
        return f"{what}-{self._test}-{next(self._names)}"

    def create(
        self, partitions: int = 1, config: Mapping[str, str] | None = None, name: str = "", copies: int = 1
    ) -> str:
        """Make one, and wait until it can be used."""
        name = name or self.new_name()
        self.admin.create_topics(
            {name: {"num_partitions": partitions, "replication_factor": copies, "configs": config or {}}}
        )
        self.admin.wait_for_topics([name])
        return name

    def delete(self, name: str) -> None:
        self.admin.delete_topics([name])

    def forget(self, name: str, before: int, partition: int = 0) -> None:
        """Delete the records before an offset, as retention would."""
        from kafka import TopicPartition

        self.admin.delete_records({TopicPartition(name, partition): before})

    def allow(self, user: str, kind: str, name: str, *operations: str) -> None:
        """Grant operations (none: to read and describe) on a TOPIC, a GROUP, a TRANSACTIONAL_ID."""
        from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

        grants = [
            ACL(
                f"User:{user}",
                "*",
                ACLOperation[one],
                ACLPermissionType.ALLOW,
                ResourcePattern(ResourceType[kind], name),
            )
            for one in operations or ("READ", "DESCRIBE")
        ]
        self.admin.create_acls(grants)

    @contextmanager
    def producer(self, **config: Any) -> Iterator[Any]:
        from kafka import KafkaProducer

        one = KafkaProducer(bootstrap_servers=self.broker.bootstrap, **config)
        try:
            yield one
        finally:
            one.close(timeout=10)

    def send(
        self, topic: str, values: Iterable[bytes | None], *, partition: int | None = 0, key: bytes | None = None,
        headers: Headers = (), times: Iterable[int] | None = None, **config: Any,
    ) -> int:  # fmt: skip
        """Write records, in order; returns how many."""
        with self.producer(**config) as producer:
            stamps = iter(times) if times is not None else itertools.repeat(None)
            sent = [
                producer.send(topic, value, key=key, partition=partition, headers=list(headers), timestamp_ms=stamp)
                for value, stamp in zip(values, stamps, strict=False)
            ]
            producer.flush(timeout=20)
            for one in sent:
                one.get(timeout=10)
        return len(sent)

    def close(self) -> None:
        self.admin.close()
