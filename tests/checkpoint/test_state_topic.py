"""The state topic on a real broker: whole commits, one owner at a time, and topics that cannot serve are refused."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, KafkaTimeoutError

from logwatch.cells import SPILLED
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings, look
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.errors import ConfigError, UnreachableError
from logwatch.tasks import Task
from tests.integration.scaleout import committed, eventually
from tests.kafka.broker import Broker

pytestmark = pytest.mark.kafka

Lane = Callable[[], TopicLane]


class Message(NamedTuple):
    topic: str
    key: bytes
    value: bytes


@pytest.fixture
def admin(kafka_broker: Broker) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    yield client
    client.close()


@pytest.fixture
def settings(admin: KafkaAdminClient, kafka_broker: Broker) -> TopicSettings:
    name = f"in{time.time_ns():x}"
    admin.create_topics([NewTopic(name, 2, 1)])
    return TopicSettings({"bootstrap_servers": [kafka_broker.bootstrap]}, f"state-{name}", name)


@pytest.fixture
def lane(settings: TopicSettings, tmp_path: Path) -> Iterator[Lane]:
    look(settings, make=True)
    with contextlib.ExitStack() as stack:

        def make() -> TopicLane:
            spill = stack.enter_context(contextlib.closing(Spill(tmp_path / f"spill{time.time_ns()}.db")))
            lane = TopicLane(settings, f"{settings.of}-1", 1, spill)
            stack.callback(lane.abandon)
            lane.acquire()
            return lane

        yield make


def topic_with(
    admin: KafkaAdminClient, settings: TopicSettings, configs: Mapping[str, str], partitions: int = 2
) -> None:
    admin.create_topics([NewTopic(settings.name, partitions, 1, topic_configs=dict(configs))])


def test_a_state_topic_is_made_like_its_input_and_found_again(settings: TopicSettings) -> None:
    assert look(settings, make=False) == (2, False)
    assert look(settings, make=True) == (2, True)
    assert look(settings, make=False) == (2, True)


def test_a_topic_that_forgets_is_refused_with_the_command_that_mends_it(
    admin: KafkaAdminClient, settings: TopicSettings, kafka_broker: Broker
) -> None:
    topic_with(admin, settings, {"cleanup.policy": "delete"})
    with pytest.raises(ConfigError, match=r'cleanup\.policy = "delete"') as told:
        look(settings, make=True)
    assert told.value.hint == (
        f"kafka-configs.sh --bootstrap-server {kafka_broker.bootstrap} --alter --entity-type topics "
        f"--entity-name {settings.name} --add-config cleanup.policy=compact"
    )


def test_a_topic_that_takes_only_small_records_is_refused(admin: KafkaAdminClient, settings: TopicSettings) -> None:
    topic_with(admin, settings, {"cleanup.policy": "compact", "max.message.bytes": "1000"})
    with pytest.raises(ConfigError, match="1000 bytes at most"):
        look(settings, make=True)


def test_a_topic_with_too_few_partitions_grows(admin: KafkaAdminClient, settings: TopicSettings) -> None:
    topic_with(admin, settings, {"cleanup.policy": "compact"}, partitions=1)
    look(settings, make=True)

    def partitions() -> int:
        (found,) = admin.describe_topics([settings.name])
        return len(found["partitions"])

    eventually(lambda: partitions() == 2, partitions)  # brokers hear of it from the controller, a little later


def test_what_is_missing_is_named(settings: TopicSettings) -> None:
    with pytest.raises(UnreachableError, match="nowhere does not exist"):
        look(TopicSettings(settings.client, "state", "nowhere"), make=True)
    with pytest.raises(ConfigError, match='"alerts-nowhere" of a sink does not exist'):
        look(TopicSettings(settings.client, settings.name, settings.of, beside=("alerts-nowhere",)), make=True)


def test_the_next_owner_finds_the_last_whole_commit(lane: Lane) -> None:
    first = lane()
    assert first.marker is None
    first.commit({("keys", "a"): b"1", ("keys", "b"): b"2", ("model", "m"): b"x" * 1_200_000}, {"next": 10})
    first.commit({("keys", "a"): None, ("model", "m"): b"y" * 600_000}, {"next": 20})
    second = lane()
    assert second.marker == {"v": 1, "next": 20}
    assert second.all() == {("keys", "b"): b"2", ("model", "m"): b"y" * 600_000}
    second.commit({("model", "m"): b"z"}, {"next": 30})
    third = lane()
    assert third.all() == {("keys", "b"): b"2", ("model", "m"): b"z"}
    assert third.look() == {"v": 1, "next": 30}


def test_an_owner_that_was_replaced_can_write_nothing_any_more(
    lane: Lane, admin: KafkaAdminClient, settings: TopicSettings
) -> None:
    alerts = f"alerts-{settings.of}"
    admin.create_topics([NewTopic(alerts, 1, 1)])
    first = lane()
    first.commit({("keys", "a"): b"1"}, {"next": 10}, [Message(alerts, b"k", b"one")])
    second = lane()
    with pytest.raises(KafkaError):
        first.commit({("keys", "a"): b"stale"}, {"next": 11}, [Message(alerts, b"k", b"stale")])
    second.commit({("keys", "b"): b"2"}, {"next": 12}, [Message(alerts, b"k", b"two")])
    with pytest.raises(KafkaError):
        first.commit({("keys", "a"): b"stale"}, {"next": 13}, [Message(alerts, b"k", b"stale")])
    assert lane().all() == {("keys", "a"): b"1", ("keys", "b"): b"2"}
    assert [record.value for record in committed(settings.client["bootstrap_servers"], alerts)] == [b"one", b"two"]


def test_what_was_begun_and_not_committed_is_not_there(lane: Lane) -> None:
    first = lane()
    first.commit({("keys", "a"): b"1"}, {"next": 10})
    first._producer.begin_transaction()
    first._producer.send(first.topic, key=b"keys\ta", value=b"half", partition=1).get(10)
    assert lane().all() == {("keys", "a"): b"1"}


def test_the_last_marker_is_seen_behind_what_was_taken_back(lane: Lane) -> None:
    first = lane()
    first.commit({("keys", "a"): b"1"}, {"next": 10})
    first._producer.begin_transaction()
    for number in range(20):
        first._producer.send(first.topic, key=b"keys\t%d" % number, value=b"half", partition=1).get(10)
    first._producer.abort_transaction()
    assert first.look() == {"v": 1, "next": 10}


def test_a_state_adopted_from_elsewhere_takes_the_place_of_what_was_read(lane: Lane) -> None:
    lane().commit({("keys", "a"): b"1", ("keys", "b"): b"2"}, {"next": 10})
    second = lane()
    second.adopt({("keys", "b"): b"3", ("model", "m"): b"4"})
    assert second.cells("keys") == {"b": b"3"}
    second.commit({("model", "m"): b"5"}, {"next": 20})
    assert lane().all() == {("keys", "b"): b"3", ("model", "m"): b"5"}


def test_keys_that_fell_silent_are_found_on_the_disk(lane: Lane) -> None:
    silent, awake = b"silent", b"awake"
    lane().commit({(SPILLED, "s"): silent, ("keys", "w"): awake}, {"next": 10})
    second = lane()
    assert second.cells("keys") == {"w": awake}
    assert second.cells(SPILLED) == {}
    second.release()
    assert second.cell(SPILLED, "s") == silent
    assert second.cell(SPILLED, "w") is None
    later = {(SPILLED, "t"): silent + b"!", ("keys", "x"): awake, (SPILLED, "gone"): None}
    second.spill(later)
    assert second.cell(SPILLED, "t") == silent + b"!"
    assert second.cell(SPILLED, "x") is None


def test_the_cells_of_an_earlier_owner_do_not_come_in_between(settings: TopicSettings) -> None:
    look(settings, make=True)
    with contextlib.closing(Spill(None)) as spill:
        first, second = (TopicLane(settings, f"{settings.of}-1", 1, spill) for _ in range(2))
        first.acquire()
        first.commit({(SPILLED, "s"): b"1"}, {"next": 10})
        second.acquire()
        second.commit({(SPILLED, "s"): None}, {"next": 20})
        first.spill({(SPILLED, "t"): b"late"})
        assert second.cell(SPILLED, "t") is None
        assert second.cell(SPILLED, "s") == b"1"  # as it was read
        first.abandon()
        assert second.cell(SPILLED, "s") == b"1"
        second.abandon()
        assert spill._read("SELECT * FROM spilled") == []


@pytest.mark.slow
def test_a_commit_does_not_make_a_misspelt_topic(lane: Lane, admin: KafkaAdminClient) -> None:
    with pytest.raises(KafkaTimeoutError):
        lane().commit({("keys", "a"): b"1"}, {"next": 10}, [Message("misspelt", b"k", b"v")])
    assert "misspelt" not in admin.list_topics()


def test_a_commit_that_is_given_up_ends_and_leaves_nothing_trying(
    lane: Lane, admin: KafkaAdminClient, settings: TopicSettings
) -> None:
    alerts, first = f"alerts-{settings.of}", lane()
    admin.create_topics([NewTopic(alerts, 1, 1)])
    first.commit({("keys", "a"): b"1"}, {"next": 10}, [Message(alerts, b"k", b"one")])
    admin.delete_topics([alerts])
    eventually(lambda: alerts not in admin.list_topics(), lambda: "deleted")
    again = Task(lambda: first.commit({}, {"next": 20}, [Message(alerts, b"k", b"two")]), "commit")
    sender = first._producer._sender
    assert not again.wait(time.monotonic() + 1)
    first.abandon()
    assert again.wait(time.monotonic() + 60)
    assert isinstance(again.error, UnreachableError | KafkaError)
    eventually(lambda: not sender.is_alive(), lambda: "ended")


def test_forgotten_keys_leave_the_disk_and_with_the_next_commit_the_topic(lane: Lane) -> None:
    first = lane()
    first.commit({(SPILLED, "s"): b"old", (SPILLED, "t"): b"young", ("keys", "w"): b"old"}, {"next": 10})
    second = lane()
    second.release()
    gone = second.forget(lambda name, head: head == b"old")
    assert gone == {(SPILLED, "s"): None}
    assert second.cell(SPILLED, "s") is None
    second.commit(gone, {"next": 20})
    assert lane().all() == {(SPILLED, "t"): b"young", ("keys", "w"): b"old"}
