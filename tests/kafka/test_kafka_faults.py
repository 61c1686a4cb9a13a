"""Faults of the log and of brokers: told, counted, and nothing else lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from logwatch.errors import ConfigError
from logwatch.kafka.position import Position, dump
from logwatch.sources import kafka_reader, kafka_start
from logwatch.telemetry import CONSUMER_LAG
from tests.conftest import no_kafka
from tests.kafka.broker import LocalBroker, NoKafka, cluster, own_broker
from tests.kafka.reading import Reading, reading
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [f"line {n}".encode() for n in range(first, first + count)]


def wait_for(run: Reading, done: Callable[[], bool]) -> None:
    """As a daemon that is paused: nothing is taken."""
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        run.source.attend()
        time.sleep(0.05)


def test_records_deleted_while_down_are_a_gap_of_their_range(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, numbered(100))
    topics.forget(topic, 60)
    cursors = {f"{topic}-0": dump(Position(25))}
    with reading(topics.broker, topic, cursors=cursors) as run:
        assert run.read(40) == numbered(40, 60)
    assert [(gap.start, gap.end) for gap in run.gaps] == [(25, 60)]
    assert "retention" in run.gaps[0].reason
    assert run.gaps[0].stream.source == f"{topic}/0"


def test_records_deleted_while_they_wait_to_be_read_are_a_gap(topics: Topics) -> None:
    topic = topics.create(config={"segment.bytes": "1048576"})
    topics.send(topic, [b"%06d" % n + b"x" * 2000 for n in range(6_000)], linger_ms=20)
    with reading(topics.broker, topic, read_ahead="1MiB", client={"max_partition_fetch_bytes": 65536}) as run:
        run.read(1, most=1)
        run.source.wait(0.5)
        topics.forget(topic, 5_500)
        run.until(lambda: run.lines[-1].startswith(b"005999"))
    read = [int(line[:6]) for line in run.lines]
    assert read == sorted(read)
    (gap,) = run.gaps
    assert gap.end == 5_500
    assert read == [*range(gap.start), *range(5_500, 6_000)]


def test_a_lane_that_is_held_as_records_are_found_deleted_tells_them_once_it_is_resumed(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topics.create(config={"segment.bytes": "1048576"})
    topics.send(topic, [b"%06d" % n + b"x" * 2000 for n in range(6_000)], linger_ms=20)
    held: list[str] = []
    with reading(topics.broker, topic, read_ahead="1MiB", client={"max_partition_fetch_bytes": 65536}) as run:

        def begin(*given: Any) -> Any:
            begins = kafka_start.begin(*given)
            if not held:
                held.append(f"{topic}-0")
                run.source.hold(held[0])
            return begins

        run.read(1, most=1)
        run.source.wait(0.5)
        monkeypatch.setattr(kafka_reader, "begin", begin)
        topics.forget(topic, 5_500)
        run.until(lambda: held)
        for _ in range(10):
            run.step()
        assert run.gaps == []
        run.source.resume(held[0], len(run.lines))
        run.until(lambda: run.lines[-1].startswith(b"005999"))
    assert [gap.end for gap in run.gaps] == [5_500]


def test_a_topic_created_anew_while_down_is_told_and_read_whole(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, numbered(10))
    with reading(topics.broker, topic) as run:
        run.read(10)
    topics.delete(topic)
    topics.create(name=topic)
    topics.send(topic, numbered(30))
    with reading(topics.broker, topic, cursors=run.cursors) as again:
        assert again.read(30) == numbered(30)
    assert ["created anew" in gap.reason for gap in again.gaps] == [True]


def test_a_topic_created_anew_while_it_is_read_is_told_and_read_whole(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, numbered(10))
    with reading(topics.broker, topic, client={"metadata_max_age_ms": 500}) as run:
        run.read(10)
        topics.delete(topic)
        topics.create(name=topic)
        topics.send(topic, numbered(30, 100))
        run.read(40)
    assert run.lines == numbered(10) + numbered(30, 100)
    assert len(run.gaps) == 1


@pytest.fixture(scope="module")
def own() -> Iterator[LocalBroker]:
    """A broker that may be stopped."""
    try:
        with own_broker() as broker:
            yield broker
    except NoKafka as error:
        no_kafka(str(error))


@pytest.mark.slow
def test_a_broker_that_is_not_there_yet_is_waited_for(own: LocalBroker) -> None:
    topics = Topics(own)
    topic = topics.create()
    topics.send(topic, numbered(5))
    topics.close()
    own.stop()
    with reading(own, topic) as run:
        back = threading.Timer(1.0, own.start)
        back.start()
        assert run.read(5) == numbered(5)
        back.join()


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back_loses_and_doubles_nothing(own: LocalBroker) -> None:
    topics = Topics(own)
    topic = topics.create()
    topics.send(topic, numbered(1000))
    with reading(own, topic) as run:
        run.read(1000)
        own.kill()
        own.start()
        topics.send(topic, numbered(1000, 1000))
        assert run.read(2000) == numbered(2000)
    assert run.offsets == [(f"{topic}-0", n) for n in range(2000)]
    topics.close()


@pytest.mark.slow
def test_a_killed_leader_of_three_brokers_loses_and_doubles_nothing() -> None:
    try:
        with cluster(3) as brokers:
            topics = Topics(brokers[0])
            topic = topics.create(copies=3, config={"min.insync.replicas": "2"})
            everyone = [one.bootstrap for one in brokers]
            leader = topics.admin.describe_topics([topic])[0]["partitions"][0]["leader_id"]
            topics.close()
            left = next(one for number, one in enumerate(brokers, 1) if number != leader)
            with reading(left, topic, bootstrap=everyone) as run:
                Topics(left).send(topic, numbered(1000), acks="all")
                run.read(1000)
                brokers[leader - 1].kill()
                Topics(left).send(topic, numbered(1000, 1000), acks="all")
                assert run.read(2000) == numbered(2000)
            assert run.offsets == [(f"{topic}-0", n) for n in range(2000)]
    except NoKafka as error:
        no_kafka(str(error))


def test_a_topic_that_is_created_late_is_read(topics: Topics) -> None:
    topic = topics.new_name("late")
    with reading(topics.broker, topic, client={"metadata_max_age_ms": 500}) as run:
        run.source.poll(10)
        topics.create(name=topic)
        topics.send(topic, numbered(5))
        assert run.read(5) == numbered(5)
    assert topic in topics.admin.list_topics()


def test_a_misspelt_topic_is_not_created(topics: Topics) -> None:
    topic = topics.new_name("misspelt")
    with reading(topics.broker, topic) as run:
        for _ in range(20):
            run.step()
    assert topic not in topics.admin.list_topics()


def test_the_lag_is_told(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, numbered(1000))
    with reading(topics.broker, topic) as run:
        run.read(100, most=100)
        wait_for(run, lambda: CONSUMER_LAG.value(topic=topic, partition="0") == 900)
        run.read(1000)
        run.until(lambda: CONSUMER_LAG.value(topic=topic, partition="0") == 0)


def test_the_group_learns_how_far_we_are(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    from kafka import TopicPartition

    from logwatch.sources import kafka_reader

    monkeypatch.setattr(kafka_reader, "COMMIT_EVERY_S", 0.3)
    topic = topics.create()
    topics.send(topic, numbered(50))
    group = topics.new_name("group")
    with reading(topics.broker, topic, group=group) as run:
        run.read(50)

        def told() -> bool:
            found = topics.admin.list_group_offsets({group: None})[group]
            place = found.get(TopicPartition(topic, 0))
            return place is not None and place.offset == 50

        run.until(told)


def test_two_workers_of_one_name_are_refused(topics: Topics) -> None:
    topic = topics.create(partitions=2)
    group = topics.new_name("group")
    quick = {"client": {"heartbeat_interval_ms": 300}}
    with reading(topics.broker, topic, group=group, group_instance_id="w1", **quick) as first:
        first.until(lambda: first.source.ready)
        with reading(topics.broker, topic, group=group, group_instance_id="w1", **quick) as second:
            second.until(lambda: second.source.ready)
            with pytest.raises(ConfigError, match=r"another worker .* under the name \"w1\""):
                first.until(lambda: False)
