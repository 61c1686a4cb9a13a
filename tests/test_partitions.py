"""Partitions on a real broker: restored and resumed, committed in the background, lost and taken over with alerts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from logwatch.app.session import Session, detectors_of, opened
from logwatch.cells import SPILLED
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings, look
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.config import SourceTable, load
from logwatch.errors import ConfigError
from logwatch.kafka.position import Position, dump
from logwatch.partitions import BEGINNING, CONFIGURED, Partitions
from logwatch.stored_partitions import StoredPartitions
from logwatch.types import Gap, RecordBatch, Stream
from tests.integration.scaleout import eventually, lines
from tests.kafka.broker import Broker
from tests.kafka.security import USERS
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


@dataclass
class Resumed:
    """Remembers where lanes go on: the part of a source that keepers talk to."""

    at: dict[str, tuple[int, str]] = field(default_factory=dict)

    def resume(self, lane: str, offset: int, topic_id: str = "") -> None:
        self.at[lane] = offset, topic_id


@dataclass
class Keeping:
    """A worker without its loop."""

    session: Session
    source: Resumed
    keeper: Partitions | StoredPartitions

    def assign(self, *lanes: str) -> dict[str, tuple[int, str]]:
        """Restore lanes; where they go on."""
        self.source.at.clear()
        self.keeper.assigned(lanes)
        eventually(lambda: self.keeper.turn() * 0 + (self.source.at.keys() >= set(lanes)), lambda: "restored")
        return dict(self.source.at)

    def read(self, lane: str, begin: int, end: int, gap: bool = False) -> None:
        """Lines of the lane's log, and perhaps a gap, which is an alert."""
        own = list(lines(end, 0, begin))
        start = np.arange(begin, end, dtype=np.int64)
        none = np.zeros(len(own), np.uint8)
        gaps = [Gap(Stream("s", lane), 0, 5, "deleted by retention")] if gap else []
        cursor: dict[str, bytes | None] = {lane: dump(Position(end, "id7"))}
        records = RecordBatch(
            own, [Stream("s", lane)], none.astype(np.int32), start, start + 1, none, cursor, gaps, lane=lane
        )
        self.session.lanes.process(records, "kafka")

    def save(self) -> None:
        """Commit, and wait for it."""
        self.session.lanes.commit({"file": self.session.store.last_seq()})
        assert self.keeper.settle(30)

    def outbox(self) -> list[str]:
        """Kinds of the alerts that became the sinks'."""
        return [alert.body.split('"kind": "')[1].split('"')[0] for alert in self.session.store.alerts_after(0, 100)]


class Machines:
    """Workers with state directories of their own, on one topic."""

    def __init__(self, folder: Path, broker: Broker, stack: contextlib.ExitStack) -> None:
        self.topic = f"p{time.time_ns():x}"
        self.pattern = ""
        self._folder, self._stack = folder, stack
        self.client = {"bootstrap_servers": broker.bootstrap}
        admin = KafkaAdminClient(**self.client)
        admin.create_topics([NewTopic(self.topic, 2, 1)])
        admin.close()

    def settings(self, topic: str) -> TopicSettings:
        family = f"state-{self.pattern}" if self.pattern else ""
        return TopicSettings(self.client, f"state-{topic}", topic, pattern=self.pattern, family=family)

    def create(self, topic: str, partitions: int = 1) -> None:
        """A topic, or more partitions of one."""
        admin = KafkaAdminClient(**self.client)
        if topic in admin.list_topics():
            admin.create_partitions({topic: partitions})
        else:
            admin.create_topics([NewTopic(topic, partitions, 1)])
        eventually(lambda: admin.describe_topics([topic])[0]["partitions"][partitions - 1 :], lambda: topic)
        admin.close()

    def __call__(self, name: str, kept: str = "topic") -> Keeping:
        loaded = load(environ={}, flags={})
        table = {"kafka": SourceTable(kind="kafka")}
        session = self._stack.enter_context(opened(loaded.settings, detectors_of(loaded), self._folder / name, table))
        return self.started(session, kept)

    def started(self, session: Session, kept: str) -> Keeping:
        """On a state that is there already: as after a restart."""
        source = Resumed()
        keeper: Partitions | StoredPartitions
        if kept == "topic":
            spill = self._stack.enter_context(contextlib.closing(Spill(None)))
            keeper = Partitions(session.lanes, "kafka", source, self.settings, spill, session.clock, 20.0)
        else:
            keeper = StoredPartitions(session.lanes, "kafka", source, self.settings, session.clock)
        session.lanes.keepers.append(keeper)
        self._stack.callback(keeper.close)
        return Keeping(session, source, keeper)


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
    eventually(lambda: keeper.turn() * 0 + (held.again is not None), lambda: "put off")
    assert not here.source.at
    spill._db.execute("PRAGMA max_page_count = 1000000")
    eventually(lambda: keeper.turn() * 0 + (lane in here.source.at), lambda: "restored")
    assert spill.get(lane, "s") == silent
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
