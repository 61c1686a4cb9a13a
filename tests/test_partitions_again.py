"""Lanes that fail again and again: waits that grow, few lines in the log, and what to check in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from logwatch.api import Alert
from logwatch.checkpoint.topic_admin import look
from logwatch.errors import ConfigError
from logwatch.kafka.position import partition_of
from logwatch.partitions import ANSWERED_S, Partitions
from logwatch.sinks.kafka import AlertRecord, encode
from logwatch.stored_partitions import StoredPartitions
from logwatch.testing import ManualClock
from tests.integration.scaleout import committed, eventually
from tests.integration.scaleout_machines import Keeping, Machines
from tests.kafka.broker import Broker
from tests.kafka.security import USERS
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

Said = Sequence[MutableMapping[str, Any]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def machines(tmp_path: Path, kafka_broker: Broker, clock: ManualClock) -> Iterator[Machines]:
    with contextlib.ExitStack() as stack:
        own = Machines(tmp_path, kafka_broker, stack)
        own.clock = clock
        yield own


def with_alerts(machines: Machines, *, exists: bool = True) -> str:
    """Let commits write to a topic."""
    topic = f"{machines.topic}-alerts"

    def record(alert: Alert) -> AlertRecord:
        return encode(alert, topic)

    machines.alerts = {topic: record}
    if exists:
        machines.create(topic)
    return topic


def waits(said: Said) -> list[float]:
    return [one["seconds"] for one in said if one["log_level"] == "warning"]


def reasons(said: Said) -> list[str]:
    return [one["error"] for one in said if one["log_level"] == "warning"]


def put_off(worker: Keeping, lane: str) -> float:
    """Let the keeper work until the lane is put off; returns for how long."""
    keeper = worker.keeper

    def again() -> Any:
        keeper.turn()
        one = keeper._held[lane].again if isinstance(keeper, Partitions) else keeper._again.get(lane)
        return one if one is not None and one.waiting else None

    return float(eventually(again, lambda: "put off").wait)


def test_a_misspelt_alert_topic_ends_the_start_and_is_not_made(machines: Machines, kafka_broker: Broker) -> None:
    topic = with_alerts(machines, exists=False)
    one = machines("one")
    with pytest.raises(ConfigError, match=f'topic "{topic}" of a sink does not exist') as told:
        one.assign(f"{machines.topic}-0")
    assert told.value.hint == "create it, or check `topic` of the sink"
    topics = Topics(kafka_broker)
    assert topic not in topics.admin.list_topics()
    topics.close()


def test_an_alert_topic_that_goes_away_holds_up_its_lanes_in_few_words(
    machines: Machines, clock: ManualClock, kafka_broker: Broker
) -> None:
    topic, topics, one, lane = with_alerts(machines), Topics(kafka_broker), machines("one"), f"{machines.topic}-0"
    one.assign(lane)
    one.read(lane, 0, 100)
    one.save()
    topics.delete(topic)
    one.read(lane, 100, 200, gap=True)
    with capture_logs() as said:
        one.session.lanes.commit({})
        clock.advance(ANSWERED_S)  # in which the client tries, and tries
        waited = []
        for _ in range(8):
            waited.append(put_off(one, lane))
            assert lane not in one.source.at  # and is not read meanwhile
            clock.advance(waited[-1])
    assert waited == [1, 2, 5, 10, 30, 30, 30, 30]
    assert waits(said) == [1, 2, 5, 10, 30]
    assert (
        reasons(said)
        == ["no answer for 120 s"]
        + [f'the topic "{topic}" of a sink does not exist: create it, or check `topic` of the sink'] * 4
    )
    machines.create(topic)
    put_back(one, lane, clock)
    one.read(lane, 100, 200, gap=True)
    assert isinstance(one.keeper, Partitions)
    assert one.keeper._held[lane].again.failures  # to acquire it is no success yet
    one.save()
    assert not one.keeper._held[lane].again.failures
    assert len(committed(kafka_broker.bootstrap, topic)) == 1
    topics.close()


def put_back(worker: Keeping, lane: str, clock: ManualClock) -> None:
    """Until it goes on where it was saved."""

    def on() -> bool:
        clock.advance(1.0)
        worker.keeper.turn()
        return lane in worker.source.at

    eventually(on, lambda: "restored")
    assert worker.source.at[lane] == (100, "id7")


def test_a_state_topic_that_goes_away_is_not_made_anew(
    machines: Machines, clock: ManualClock, kafka_broker: Broker
) -> None:
    topics, one, lane = Topics(kafka_broker), machines("one"), f"{machines.topic}-0"
    one.assign(lane)
    one.read(lane, 0, 100)
    one.save()
    state = machines.settings(machines.topic).name
    topics.delete(state)
    one.read(lane, 100, 200, gap=True)
    with capture_logs() as said:
        one.session.lanes.commit({})
        clock.advance(ANSWERED_S)
        for _ in range(3):
            clock.advance(put_off(one, lane))
    assert reasons(said)[-1].startswith(f"the state topic {state} is gone: ")
    assert state not in topics.admin.list_topics()
    topics.close()


def test_who_lost_a_lane_to_another_group_is_told_what_to_check(machines: Machines) -> None:
    one, two, lane = machines("one"), machines("two"), f"{machines.topic}-0"
    one.assign(lane)
    one.read(lane, 0, 100)
    one.save()
    two.assign(lane)
    one.read(lane, 100, 200, gap=True)
    with capture_logs() as said:
        one.session.lanes.commit({})
        assert put_off(one, lane) == 1
    (reason,) = reasons(said)
    assert "another worker has taken over" in reason
    assert "check `group` and `state_topic`" in reason


def test_a_missing_right_on_the_alert_topic_is_told_with_what_grants_it(
    tmp_path: Path, secure_broker: Broker, clock: ManualClock
) -> None:
    with contextlib.ExitStack() as stack:
        machines, topics = Machines(tmp_path, secure_broker, stack), Topics(secure_broker)
        stack.callback(topics.close)
        machines.clock, topic = clock, with_alerts(machines)
        settings = machines.settings(machines.topic)
        look(settings, make=True)
        for name in (machines.topic, topic):
            topics.allow("bob", "TOPIC", name)
        topics.allow("bob", "TOPIC", settings.name, "ALL")
        topics.allow("bob", "TRANSACTIONAL_ID", f"{settings.name}-0", "ALL")
        topics.allow("bob", "TRANSACTIONAL_ID", f"{settings.name}-begun", "ALL")
        bob = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "bob", "sasl_plain_password": USERS["bob"]}
        bob |= {"bootstrap_servers": secure_broker.listeners["SASL"], "security_protocol": "SASL_PLAINTEXT"}
        machines.client = bob
        one, lane = machines("one"), f"{machines.topic}-0"
        one.assign(lane)
        one.read(lane, 0, 100)
        one.save()
        one.read(lane, 100, 200, gap=True)
        with capture_logs() as said:
            one.session.lanes.commit({})
            put_off(one, lane)
        (reason,) = reasons(said)
        assert f'the topic "{topic}" of a sink may not be written' in reason
        assert (
            f"check `topic` of the sink, or grant it: kafka-acls.sh --bootstrap-server {bob['bootstrap_servers']}"
            in reason
        )
        assert f"--operation Write --topic {topic}" in reason


def test_a_lane_kept_by_the_machine_waits_for_its_topic(machines: Machines, clock: ManualClock) -> None:
    one, lane = machines("one", "local"), "later" + machines.topic + "-0"
    assert isinstance(one.keeper, StoredPartitions)
    with capture_logs() as said:
        one.keeper.assigned([lane])
        waited = []
        for _ in range(7):
            waited.append(put_off(one, lane))
            clock.advance(waited[-1])
    assert waited == [1, 2, 5, 10, 30, 30, 30]
    assert waits(said) == [1, 2, 5, 10, 30]
    machines.create(partition_of(lane)[0])
    eventually(lambda: one.keeper.turn() * 0 + (lane in one.source.at), lambda: "opened")


def test_a_lane_whose_state_does_not_fit_on_the_disk_is_taken_over_later(
    machines: Machines, clock: ManualClock
) -> None:
    one, two, lane = machines("one"), machines("two", "local"), f"{machines.topic}-0"
    one.assign(lane)
    one.read(lane, 0, 3000, gap=True)
    one.save()
    database = two.session.store._db
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")  # SQLite itself refuses to grow: SQLITE_FULL
    two.keeper.assigned([lane])
    assert put_off(two, lane) == 1
    assert two.session.store.all(lane) == {}
    database.execute("PRAGMA max_page_count = 1000000")
    clock.advance(1)
    eventually(lambda: two.keeper.turn() * 0 + (lane in two.source.at), lambda: "taken over")
    assert two.source.at[lane] == (3000, "id7")
    assert "gap" in two.outbox()
