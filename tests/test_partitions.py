"""Partitions on a real broker: restored and resumed, committed in the background, lost and taken over with alerts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from logwatch.cells import SPILLED
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import look
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.errors import ConfigError
from logwatch.partitions import BEGINNING, CONFIGURED, Partitions
from tests.integration.scaleout import eventually
from tests.integration.scaleout_machines import Keeping, Machines
from tests.kafka.broker import Broker
from tests.kafka.security import USERS
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


@pytest.fixture
def machines(tmp_path: Path, kafka_broker: Broker) -> Iterator[Machines]:
    with contextlib.ExitStack() as stack:
        yield Machines(tmp_path, kafka_broker, stack)


def test_an_heir_goes_on_where_the_last_commit_was_and_delivers_what_was_not(machines: Machines) -> None:
    one, two = machines("one"), machines("two")
    lane, other = f"{machines.topic}-0", f"{machines.topic}-1"
    assert one.assign(lane, other) == {lane: (CONFIGURED, ""), other: (CONFIGURED, "")}
    one.read(lane, 0, 500, gap=True)
    one.save()
    one.read(lane, 500, 700)  # never saved
    assert two.assign(lane) == {lane: (500, "id7")}
    assert next(iter(p for p in two.session.lanes if p.seen)).seen == 500
    two.keeper.turn()
    assert one.outbox() == two.outbox() == ["gap"]


def test_alerts_that_every_sink_has_leave_the_outbox(machines: Machines) -> None:
    one, two, three = machines("one"), machines("two"), machines("three")
    lane = f"{machines.topic}-0"
    one.assign(lane)
    one.read(lane, 0, 100, gap=True)
    one.save()
    one.read(lane, 100, 200)
    one.session.lanes.commit({"file": 1, "mail": 0})  # only one of both has it
    assert one.keeper.settle(30)
    two.assign(lane)
    two.keeper.turn()
    assert two.outbox() == ["gap"]
    two.save()  # the file sink, its only one, has it
    two.read(lane, 200, 300)
    two.save()
    three.assign(lane)
    three.keeper.turn()
    assert three.outbox() == []


def test_an_owner_that_lost_its_lane_unknowingly_saves_and_delivers_nothing(machines: Machines) -> None:
    one, two = machines("one"), machines("two")
    lane = f"{machines.topic}-0"
    one.assign(lane)
    one.read(lane, 0, 100)
    one.save()
    two.assign(lane)
    one.read(lane, 100, 200, gap=True)
    one.session.lanes.commit({})
    assert not one.keeper.settle(30)
    assert one.outbox() == []
    assert all(pipeline.seen == 0 for pipeline in one.session.lanes)
    two.read(lane, 100, 200, gap=True)
    two.save()
    assert two.outbox() == ["gap"]


def test_what_is_revoked_is_saved_first_and_what_is_lost_is_not(machines: Machines) -> None:
    one, two = machines("one"), machines("two")
    lane, other = f"{machines.topic}-0", f"{machines.topic}-1"
    one.assign(lane, other)
    one.read(lane, 0, 300)
    one.read(other, 0, 300)
    one.keeper.revoked([lane])
    one.keeper.lost([other])
    assert [pipeline.seen for pipeline in one.session.lanes] == [0]
    assert two.assign(lane, other) == {lane: (300, "id7"), other: (CONFIGURED, "")}


def test_a_missing_right_ends_the_start_with_the_command_that_grants_it(tmp_path: Path, secure_broker: Broker) -> None:
    with contextlib.ExitStack() as stack:
        machines, topics = Machines(tmp_path, secure_broker, stack), Topics(secure_broker)
        stack.callback(topics.close)
        settings = machines.settings(machines.topic)
        look(settings, make=True)
        for topic in (machines.topic, settings.name):
            topics.allow("bob", "TOPIC", topic)
        bob = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "bob", "sasl_plain_password": USERS["bob"]}
        bob |= {"bootstrap_servers": secure_broker.listeners["SASL"], "security_protocol": "SASL_PLAINTEXT"}
        machines.client = bob
        one = machines("one")
        with pytest.raises(ConfigError, match=r"may not be used \(TransactionalIdAuthorization") as told:
            one.assign(f"{machines.topic}-0")
        assert f"--transactional-id {settings.name}" in told.value.hint


def test_a_full_disk_holds_up_a_lane_and_loses_nothing(machines: Machines) -> None:
    lane, silent = f"{machines.topic}-0", bytes(100_000)
    settings, here = machines.settings(machines.topic), machines("here")
    look(settings, make=True)
    spill = Spill(None)
    before = TopicLane(settings, lane, 0, spill)
    before.acquire()
    before.commit({(SPILLED, "s"): silent}, {"next": 0})
    spill._db.execute("PRAGMA max_page_count = 8")  # as a full disk answers
    keeper = Partitions(
        here.session.lanes, "kafka", here.source, machines.settings, spill, here.session.clock, 20.0
    )  # fmt: skip
    keeper.assigned([lane])
    held = keeper._held[lane]
    eventually(lambda: keeper.turn() * 0 + held.again.waiting, lambda: "put off")
    assert not here.source.at
    spill._db.execute("PRAGMA max_page_count = 1000000")
    eventually(lambda: keeper.turn() * 0 + (lane in here.source.at), lambda: "restored")
    assert keeper._held[lane].state.cell(SPILLED, "s") == silent
    keeper.close()


def test_state_moves_to_the_machine_with_its_alerts_and_back(machines: Machines) -> None:
    lane = f"{machines.topic}-0"
    one, here, back = machines("one"), machines("here", "local"), machines("back")
    one.assign(lane)
    one.read(lane, 0, 300, gap=True)
    one.save()
    assert here.assign(lane) == {lane: (300, "id7")}
    assert here.outbox() == ["gap"]
    here.read(lane, 300, 600)
    here.save()
    assert list(here.keeper.status()) == [{"lane": lane, "restored": 1.0, "next": 600, "events": 600}]
    here.keeper.lost([lane])
    assert here.assign(lane) == {lane: (600, "id7")}  # the topic is behind now
    keeper = Partitions(
        here.session.lanes, "kafka", here.source, machines.settings, Spill(None), here.session.clock, 20.0
    )
    here.keeper.lost([lane])
    again = Keeping(here.session, here.source, keeper)
    assert again.assign(lane) == {lane: (600, "id7")}
    again.read(lane, 600, 700)
    assert keeper.settle(30)
    keeper.close()
    assert back.assign(lane) == {lane: (700, "id7")}
    assert here.session.store.all(lane) == {}


@pytest.mark.parametrize("kept", ["topic", "local"])
def test_partitions_that_were_added_while_nobody_ran_are_read_from_their_beginning(
    machines: Machines, kept: str
) -> None:
    one = machines("one", kept)
    lane, unsaved, added = (f"{machines.topic}-{partition}" for partition in range(3))
    assert one.assign(lane) == {lane: (CONFIGURED, "")}
    one.keeper.close()
    machines.create(machines.topic, 3)
    # What a state topic tells is the same for every worker; a store tells only its own machine.
    two = machines("two") if kept == "topic" else machines.started(one.session, kept)
    assert two.assign(unsaved, added) == {unsaved: (CONFIGURED, ""), added: (BEGINNING, "")}


@pytest.mark.parametrize("kept", ["topic", "local"])
def test_topics_that_a_pattern_finds_later_are_read_from_their_beginning(machines: Machines, kept: str) -> None:
    machines.pattern = f"{machines.topic}.*"
    first, second, later = machines.topic, f"{machines.topic}b", f"{machines.topic}c"
    machines.create(second)
    one = machines("one", kept)
    assert one.assign(f"{first}-0") == {f"{first}-0": (CONFIGURED, "")}
    one.keeper.close()
    machines.create(later)
    two = machines("two") if kept == "topic" else machines.started(one.session, kept)
    assert two.assign(f"{later}-0", f"{second}-0") == {f"{later}-0": (BEGINNING, ""), f"{second}-0": (CONFIGURED, "")}


def test_workers_that_start_together_agree_on_what_was_there(machines: Machines) -> None:
    workers = [machines(name) for name in ("one", "two")]
    for number, worker in enumerate(workers):
        worker.keeper.assigned([f"{machines.topic}-{number}"])
    eventually(
        lambda: all([worker.keeper.turn() * 0 + len(worker.source.at) for worker in workers]), lambda: "restored"
    )
    assert [at for worker in workers for at in worker.source.at.values()] == [(CONFIGURED, "")] * 2
    machines.create(machines.topic, 3)
    for number in (0, 1):
        assert workers[number].assign(f"{machines.topic}-2") == {f"{machines.topic}-2": (BEGINNING, "")}


@pytest.mark.parametrize(("before", "after"), [("local", "topic"), ("topic", "local")])
def test_where_the_state_moves_what_it_began_with_does_too(machines: Machines, before: str, after: str) -> None:
    one, added = machines("one", before), f"{machines.topic}-2"
    one.assign(f"{machines.topic}-0")
    one.keeper.close()
    machines.create(machines.topic, 3)
    assert machines.started(one.session, after).assign(added) == {added: (BEGINNING, "")}
