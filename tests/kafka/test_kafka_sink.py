"""The Kafka sink: alerts in order, keyed by incident; failures as sentences, tried again."""

from __future__ import annotations

import json

import pytest

from logwatch.errors import ConfigError, UnreachableError
from logwatch.sinks.kafka import KafkaSink, KafkaSinkConfig
from logwatch.testing.samples import sample_alert
from tests.kafka.broker import Broker, free_ports
from tests.kafka.reading import reading
from tests.kafka.security import USERS
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


def sink(place: str, topic: str, **settings: object) -> KafkaSink:
    return KafkaSink(KafkaSinkConfig.model_validate({"bootstrap": [place], "topic": topic, **settings}))


def test_alerts_arrive_whole_in_order_and_keyed_by_incident(topics: Topics) -> None:
    topic = topics.create()
    alerts = [sample_alert(n, id=f"a{n}", incident=f"i{n % 2}") for n in range(20)]
    one = sink(topics.broker.bootstrap, topic)
    one.deliver(alerts[:10])
    one.deliver(alerts[10:])
    one.close()
    one.close()
    with reading(topics.broker, topic, name="{key}") as run:
        run.read(20)
    assert [json.loads(line)["id"] for line in run.lines] == [a.id for a in alerts]
    assert {
        stream.source: {json.loads(line)["incident"] for line in lines} for stream, lines in run.by_stream().items()
    } == {
        "i0": {"i0"},
        "i1": {"i1"},
    }


def test_a_missing_topic_is_said_and_later_used(topics: Topics) -> None:
    topic = topics.new_name("alerts")
    one = sink(topics.broker.bootstrap, topic, timeout="2s")
    with pytest.raises(UnreachableError, match=f'topic "{topic}" does not exist'):
        one.deliver([sample_alert()])
    topics.create(name=topic)
    one.deliver([sample_alert()])
    one.close()
    with reading(topics.broker, topic) as run:
        run.read(1)


def test_a_broker_that_is_not_there_is_said() -> None:
    (port,) = free_ports(1)
    one = sink(f"127.0.0.1:{port}", "alerts", timeout="2s")
    with pytest.raises(UnreachableError, match=f"nothing answers at 127.0.0.1:{port}.*`bootstrap`"):
        one.deliver([sample_alert()])
    one.close()


def test_a_missing_right_is_said(secure_broker: Broker) -> None:
    topics = Topics(secure_broker)
    topic = topics.create()
    topics.close()
    one = sink(
        secure_broker.listeners["SASL"], topic, sasl="PLAIN", username="bob", password=USERS["bob"], timeout="5s"
    )
    with pytest.raises(ConfigError, match=rf"bob may not use topic {topic}[\s\S]*kafka-acls"):
        one.deliver([sample_alert()])
    one.close()
