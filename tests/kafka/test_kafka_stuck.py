"""A partition of which nothing comes any more, though it holds more: noticed, told, and read again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from logwatch.sources import kafka_stuck
from logwatch.telemetry import STUCK
from tests.kafka.reading import Reading, reading
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_stuck, "LOOK_EVERY_S", 0.3)
    monkeypatch.setattr(kafka_stuck, "STUCK_S", 1.0)


def client_of(run: Reading) -> Any:
    reader = run.source._reader
    assert reader is not None
    assert reader._listener is not None
    return reader._listener._consumer


def mute(run: Reading, topic: str, for_good: bool) -> None:
    """Partition 0 is fetched no more by this client, and nothing of ours knows; `for_good`: whatever it is told."""
    from kafka import TopicPartition

    state = client_of(run)._subscription.assignment[TopicPartition(topic, 0)]
    state.pause()
    if for_good:
        state.resume = state.pause


@pytest.mark.parametrize(
    ("for_good", "action"), [(False, "seek"), pytest.param(True, "client", marks=pytest.mark.slow)]
)
def test_a_partition_that_is_fetched_no_more_is_read_on_exactly(topics: Topics, for_good: bool, action: str) -> None:
    topic, before = topics.create(partitions=2), STUCK.value(action=action)
    for partition in (0, 1):
        topics.send(topic, [b"%d" % n for n in range(100)], partition=partition)
    with reading(topics.broker, topic) as run:
        run.read(200)
        mute(run, topic, for_good)
        for partition in (0, 1):
            topics.send(topic, [b"%d" % n for n in range(100, 150)], partition=partition)
        run.until(lambda: {lane for lane, at in run.offsets if at == 149} == {f"{topic}-0", f"{topic}-1"})
    assert STUCK.value(action=action) == before + 1
    assert sorted(run.offsets) == [(f"{topic}-{partition}", n) for partition in (0, 1) for n in range(150)]


def test_partitions_that_are_idle_or_behind_an_open_transaction_are_left_alone(topics: Topics) -> None:
    topic, before = topics.create(partitions=3), STUCK.series()
    with topics.producer(transactional_id=topics.new_name("tx")) as producer:
        producer.init_transactions()
        for end in (producer.commit_transaction, producer.abort_transaction):
            producer.begin_transaction()
            producer.send(topic, b"x", partition=1)
            end()
        producer.begin_transaction()
        producer.send(topic, b"open", partition=1)
        producer.flush()
        topics.send(topic, [b"y"], partition=2)
        with reading(topics.broker, topic) as run:
            run.read(2)
            over = threading.Event()
            threading.Timer(2.5, over.set).start()
            run.until(over.is_set)
            assert STUCK.series() == before
