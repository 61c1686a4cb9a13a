"""Clients that reach no broker leave no thread, which holds sockets: what tries again may do it for days."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from logwatch.checkpoint.topic_admin import TopicSettings, count_partitions, look
from logwatch.checkpoint.topic_begun import matching
from logwatch.errors import LogwatchError
from logwatch.kafka.consumer import make
from logwatch.kafka.control_topic import ControlSettings, _make_topic
from tests.kafka.broker import free_ports

Client = dict[str, Any]


def settings(client: Client) -> TopicSettings:
    return TopicSettings(client, "state", "in", pattern=".*")


TRIES: dict[str, Callable[[Client], object]] = {
    "consumer": lambda client: make(KafkaConsumer, client),
    "producer": lambda client: make(KafkaProducer, client),
    "look": lambda client: look(settings(client), make=True),
    "count": lambda client: count_partitions(settings(client), ["in"]),
    "matching": lambda client: matching(settings(client)),
    "control": lambda client: _make_topic(ControlSettings(client, "control", 1), client),
}


@pytest.mark.parametrize("what", TRIES)
def test_nothing_stays_of_a_client_that_reached_no_broker(what: str) -> None:
    client = {"bootstrap_servers": f"127.0.0.1:{free_ports(1)[0]}", "bootstrap_timeout_ms": 300}
    before = threading.enumerate()
    with pytest.raises((KafkaError, LogwatchError)):
        TRIES[what](client)
    assert threading.enumerate() == before
