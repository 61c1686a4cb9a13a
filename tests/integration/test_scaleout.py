"""State follows the partition: whoever owns one, and whatever happens to its owners, says what one worker would say."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from logwatch.checkpoint.alerts import read_journal, read_only
from logwatch.control import ask
from tests.integration.scaleout import Fleet, Worker
from tests.kafka.broker import Broker, cluster, own_broker

pytestmark = pytest.mark.kafka

Make = Callable[..., Fleet]


@pytest.fixture
def fleet(tmp_path: Path, kafka_broker: Broker) -> Iterator[Make]:
    fleets: list[Fleet] = []

    def make(partitions: int = 2, **settings: Any) -> Fleet:
        fleets.append(Fleet(tmp_path, kafka_broker.bootstrap, partitions, settings))
        return fleets[-1]

    yield make
    for one in fleets:
        one.close()


def same(fleet: Fleet, **settings: Any) -> None:
    """All alerts of one that was never interrupted are in the topic, once; and in the file sinks, which may repeat what
    a worker had delivered, and not yet noted, when it died."""
    expected = fleet.expected(**settings)
    assert expected
    assert fleet.committed_alerts() == expected
    assert fleet.told().keys() == expected.keys()


@pytest.mark.slow
def test_a_worker_goes_on_from_the_topic_alone(fleet: Make) -> None:
    group = fleet()
    group.feed(1600)
    worker = group.worker("one")
    group.finish()
    worker.stop()
    shutil.rmtree(worker.folder / "state")
    group.feed(3000)
    worker.start()
    group.finish()
    worker.stop()
    same(group)


def test_a_worker_that_is_killed_is_replaced_by_another(fleet: Make) -> None:
    group = fleet(4, learning="frozen")
    group.feed(1600)
    one, two = group.worker("one"), group.worker("two")
    group.until(lambda: one.lanes() and two.lanes())
    group.finish()
    one.kill()
    group.feed(3000)
    group.finish()
    assert len(two.lanes()) == 4
    two.stop()
    same(group)


@pytest.mark.slow
@pytest.mark.parametrize("learning", ["frozen", "online"])
def test_a_worker_killed_in_mid_stream_loses_and_doubles_nothing(fleet: Make, learning: str) -> None:
    group = fleet(4, learning=learning)
    group.feed(1500)
    one, two = group.worker("one"), group.worker("two")
    group.until(lambda: one.lanes() and two.lanes())
    for until in range(2000, 8001, 1000):
        group.feed(until)
        one.kill()
        one, two = two, one.start()
        group.until(two.lanes)
    group.finish()
    for worker in group.workers:
        worker.stop()
    same(group)


@pytest.mark.slow
def test_a_stopped_worker_that_wakes_after_its_partitions_moved_is_fenced(fleet: Make) -> None:
    group = fleet(2)
    group.feed(1500)
    one = group.worker("one")
    group.until(lambda: len(one.lanes()) == 2)
    group.finish()
    one.signal(signal.SIGSTOP)
    two = group.worker("two")
    group.until(lambda: len(two.lanes()) == 2)
    group.feed(4000)
    group.finish()
    one.signal(signal.SIGCONT)
    group.until(lambda: one.lanes() and two.lanes())
    group.feed(5000)
    group.finish()
    one.stop()
    two.stop()
    same(group)


@pytest.mark.slow
def test_workers_come_and_go_and_restart_one_after_the_other(fleet: Make) -> None:
    group = fleet(4)
    group.feed(1500)
    one, two = group.worker("one"), group.worker("two")
    group.until(lambda: one.lanes() and two.lanes())
    group.feed(2500)
    three = group.worker("three")
    group.until(three.lanes)
    for worker in (one, two, three):
        group.feed(group.fed + 700)
        worker.stop()
        worker.start()
        group.until(worker.lanes)
    two.stop()
    group.feed(group.fed + 700)
    group.finish()
    one.stop()
    three.stop()
    same(group)


@pytest.mark.slow
def test_a_broker_that_restarts_holds_up_and_loses_nothing(tmp_path: Path, kafka_broker: Broker) -> None:
    with own_broker() as broker, contextlib.closing(Fleet(tmp_path, broker.bootstrap, 2)) as group:
        group.feed(1500)
        one = group.worker("one")
        group.until(lambda: len(one.lanes()) == 2)
        for _ in range(2):
            broker.kill()
            broker.start()
            group.feed(group.fed + 1200)
        group.finish()
        one.stop()
        same(group)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_brokers_lose_their_leader_and_nothing_else(tmp_path: Path, kafka_broker: Broker) -> None:
    with cluster(3) as brokers:
        places = ",".join(broker.bootstrap for broker in brokers)
        with contextlib.closing(Fleet(tmp_path, places, 3, copies=3)) as group:
            group.feed(1500)
            one, two = group.worker("one"), group.worker("two")
            group.until(lambda: len(one.lanes()) + len(two.lanes()) == 3)
            for broker in brokers[:2]:
                broker.kill()
                group.feed(group.fed + 1000)
                broker.start()
                group.feed(group.fed + 500)
            group.finish()
            one.stop()
            two.stop()
            same(group)


@pytest.mark.slow
def test_state_moves_between_the_machine_and_the_topic_and_back(fleet: Make) -> None:
    group = fleet(2)
    worker = None
    for number, kept in enumerate(("local", "topic", "local", "topic")):
        group.feed(1500 + 700 * number)
        worker = group.configured("one", state=kept)
        group.workers[:] = [worker.start()]
        group.until(lambda: len(group.workers[0].lanes()) == 2)
        group.until(lambda: events(group) >= 2 * group.fed)
        worker.stop()
    same(group)


def events(group: Fleet) -> int:
    """Events so far over all lanes of the first worker, over all runs."""
    told: Mapping[str, Any] = group.workers[0].status() or {}
    return int(told.get("events_learned", 0))


def test_what_one_worker_is_told_the_others_obey(fleet: Make) -> None:
    group = fleet(2, learning="frozen", group="told")
    group.feed(200)
    one, other = group.worker("one"), group.worker("other")
    group.until(lambda: one.lanes() and other.lanes())
    reply = ask(one.folder / "state", {"verb": "mark", "name": "v2", "for": 600.0})
    assert "error" not in reply

    def marks(worker: Worker) -> list[str]:
        if not (worker.folder / "state" / "state.db").exists():
            return []
        with contextlib.closing(read_only(worker.folder / "state")) as db:
            return [told.directive.body["name"] for told in read_journal(db) if told.directive.kind == "mark"]

    group.until(lambda: marks(other) == ["v2"])
    one.kill()
    shutil.rmtree(one.folder / "state")
    one.start()
    group.until(lambda: marks(one) == ["v2"])
    one.stop()
    other.stop()
    assert marks(other) == ["v2"]
