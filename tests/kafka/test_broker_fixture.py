"""The broker of the tests: it keeps its data and its address over a stop, and over a kill."""

from __future__ import annotations

import pytest

from tests.kafka.broker import Broker

pytestmark = pytest.mark.kafka


def test_the_shared_broker_answers(kafka_broker: Broker) -> None:
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    assert len(admin.describe_cluster()["brokers"]) >= 1
    admin.close()
