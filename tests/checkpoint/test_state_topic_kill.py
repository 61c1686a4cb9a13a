"""A broker that is killed while a lane commits, and comes back: the same owner goes on, with nothing lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings, look
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.tasks import Task
from tests.conftest import no_kafka
from tests.integration.scaleout import eventually
from tests.kafka.broker import LocalBroker, NoKafka, own_broker

pytestmark = pytest.mark.kafka

BACK_S = 60.0
"""Half of the time after which a client gives up its records: what comes then was found anew, and not waited for."""


@pytest.fixture
def own() -> Iterator[LocalBroker]:
    try:
        with own_broker() as broker:
            yield broker
    except NoKafka as error:
        no_kafka(str(error))


@pytest.fixture
def lanes(own: LocalBroker, tmp_path: Path) -> Iterator[list[TopicLane]]:
    """Three lanes: of the moments at which a broker dies, each may be at another."""
    admin = KafkaAdminClient(bootstrap_servers=own.bootstrap)
    admin.create_topics([NewTopic("in", 3, 1)])
    admin.close()
    settings = TopicSettings({"bootstrap_servers": [own.bootstrap]}, "state", "in")
    look(settings, make=True)
    spill = Spill(tmp_path / "spill.db")
    found = [TopicLane(settings, f"in-{number}", number, spill) for number in range(3)]
    for one in found:
        one.acquire()
    yield found
    for one in found:
        one.abandon()
    spill.close()


def commit(lane: TopicLane, number: int) -> None:
    lane.commit({("keys", f"k{key}"): b"%d" % number for key in range(50)}, {"next": number})


def stands(lane: TopicLane) -> int:
    found = lane.look()
    return 0 if found is None else int(found["next"])


def test_what_is_committed_while_the_broker_is_away_is_there_when_it_is_back(
    own: LocalBroker, lanes: list[TopicLane]
) -> None:
    for lane in lanes:
        commit(lane, 1)
    own.kill()
    tasks = [Task(partial(commit, lane, 2), "commit") for lane in lanes]
    time.sleep(2.0)  # every request has been tried
    own.start()
    for lane, task in zip(lanes, tasks, strict=True):
        assert task.wait(time.monotonic() + BACK_S)
        assert task.error is None
        commit(lane, 3)
        assert stands(lane) == 3


@pytest.mark.slow
def test_a_broker_that_is_killed_in_the_midst_of_commits_loses_none(own: LocalBroker, lanes: list[TopicLane]) -> None:
    done, ends = [0] * len(lanes), False

    def commits(place: int) -> None:
        while not ends:
            commit(lanes[place], done[place] + 1)
            done[place] += 1

    def went_on() -> None:
        """Every lane has begun a commit since, and ended it."""
        since = list(done)
        eventually(
            lambda: all(now > then + 1 for now, then in zip(done, since, strict=True)),
            lambda: [task.error for task in tasks],
            BACK_S,
        )

    tasks = [Task(partial(commits, place), "commits") for place in range(len(lanes))]
    for away in (0.0, 8.0, 0.0):
        went_on()
        own.kill()
        time.sleep(away)
        own.start()
    went_on()
    ends = True
    for task in tasks:
        assert task.wait(time.monotonic() + BACK_S)
        assert task.error is None
    assert [stands(lane) for lane in lanes] == done
