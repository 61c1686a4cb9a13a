"""Fixtures of the Kafka tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kafka.broker import Broker
from tests.kafka.topics import Topics


@pytest.fixture
def topics(kafka_broker: Broker) -> Iterator[Topics]:
    own = Topics(kafka_broker)
    yield own
    own.close()


@pytest.fixture
def secured(secure_broker: Broker) -> Iterator[Topics]:
    own = Topics(secure_broker)
    yield own
    own.close()
