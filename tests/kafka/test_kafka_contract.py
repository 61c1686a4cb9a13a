"""The Kafka source and sink pass the conformance checks that plugins' pass."""

from __future__ import annotations

import json

import pytest

from logwatch.api import Source
from logwatch.clock import SystemClock
from logwatch.sinks.kafka import KafkaSink, KafkaSinkConfig
from logwatch.sources.kafka import KafkaConfig, KafkaSource
from logwatch.testing import check_sink, check_source, sample_lines
from tests.kafka.reading import reading
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


def test_the_source_conforms(topics: Topics) -> None:
    topic, group = topics.create(), topics.new_name("g")
    lines = [line for line in sample_lines(100) if not line.endswith(b"\r")][-20:]
    topics.send(topic, lines)

    def make() -> Source:
        given = {"bootstrap": topics.broker.bootstrap, "topics": [topic], "group": group, "once": True}
        return KafkaSource(KafkaConfig.model_validate(given | {"start": "beginning"}), SystemClock())

    check_source(make, lines)


def test_the_sink_conforms(topics: Topics) -> None:
    topic = topics.create()

    def delivered() -> list[str]:
        with reading(topics.broker, topic, once=True) as run:
            run.until(run.source.exhausted)
        return [json.loads(line)["id"] for line in run.lines]

    given = {"bootstrap": topics.broker.bootstrap, "topic": topic}
    check_sink(lambda: KafkaSink(KafkaSinkConfig.model_validate(given)), delivered)
