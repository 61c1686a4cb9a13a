"""Commits of a lane whose broker is killed and comes back, or does not take a record: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaError

from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings, look
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.sinks.kafka import AlertRecord
from logwatch.tasks import Task
from tests.conftest import no_kafka
from tests.integration.scaleout import committed
from tests.kafka.broker import LocalBroker, NoKafka, own_broker
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

PATIENCE_S = 60.0
"""Half of what the client's own patience is: who waits for that hangs."""

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def own() -> Iterator[LocalBroker]:
    """A broker that may be killed."""
    try:
        with own_broker() as broker:
            yield broker
    except NoKafka as error:
        no_kafka(str(error))


class Followed(TopicLane):
    """A lane that tells how far its commit is: "sent" (cells are written, the marker is not), "ending"."""

    told: Callable[[str], None] = staticmethod(lambda moment: None)

    def alerts(self, topic: str, value: bytes) -> Iterator[AlertRecord]:
        """What a commit is given: it takes them between the cells and the marker."""
        self._producer.flush(30)
        self.told("sent")
        yield AlertRecord(topic, b"k", value)

    def _end(self, producer: Any) -> None:
        self.told("ending")
        super()._end(producer)


@pytest.fixture
def topics(own: LocalBroker) -> Iterator[Topics]:
    yield (own_topics := Topics(own))
    own_topics.close()


@pytest.fixture
def lanes(topics: Topics) -> Iterator[Callable[[], Followed]]:
    settings = TopicSettings({"bootstrap_servers": topics.broker.bootstrap}, topics.new_name("state"), topics.create())
    look(settings, make=True)
    with contextlib.ExitStack() as stack:

        def make() -> Followed:
            lane = Followed(settings, f"{settings.of}-0", 0, stack.enter_context(contextlib.closing(Spill(None))))
            stack.callback(lane.abandon)
            lane.acquire()
            return lane

        yield make


@pytest.mark.parametrize(
    ("moment", "away"),
    [
        ("gone", 0),
        pytest.param("gone", 30, marks=slow),
        pytest.param("begun", 8, marks=slow),
        pytest.param("sent", 8, marks=slow),
        pytest.param("ending", 8, marks=slow),
    ],
)
def test_a_commit_goes_on_once_a_killed_broker_is_back(
    own: LocalBroker, topics: Topics, lanes: Callable[[], Followed], moment: str, away: float
) -> None:
    alerts, lane = topics.create(), lanes()
    lane.commit({("keys", "a"): b"1"}, {"next": 10}, lane.alerts(alerts, b"one"))

    def stop(now: str) -> None:  # what is under way is neither answered nor refused
        if now == moment:
            os.kill(own.pid, signal.SIGSTOP)

    lane.told = stop
    if moment == "gone":
        own.kill()
    stop("begun")
    answered = moment in ("sent", "ending")
    messages = lane.alerts(alerts, b"two") if answered else iter([AlertRecord(alerts, b"k", b"two")])
    commit = Task(lambda: lane.commit({("keys", "b"): b"2"}, {"next": 20}, messages), "commit")
    assert not commit.wait(time.monotonic() + 1)
    own.kill()
    lane.told = lambda now: None
    time.sleep(away)
    own.start()
    assert commit.wait(time.monotonic() + PATIENCE_S)
    assert commit.error is None
    lane.commit({("keys", "c"): b"3"}, {"next": 30})
    heir = lanes()
    assert heir.marker == {"v": 1, "next": 30}
    assert heir.all() == {("keys", "a"): b"1", ("keys", "b"): b"2", ("keys", "c"): b"3"}
    assert [record.value for record in committed(own.bootstrap, alerts)] == [b"one", b"two"]


def test_a_commit_whose_alert_is_not_written_is_none(topics: Topics, lanes: Callable[[], Followed]) -> None:
    alerts, lane = topics.create(), lanes()
    lane.commit({("keys", "a"): b"1"}, {"next": 10})
    waiting = lane._producer._accumulator
    waiting.muted.add(TopicPartition(alerts, 0))  # as if its leader were away, and the others not
    waiting.config["delivery_timeout_ms"] = 3000  # two minutes otherwise
    with pytest.raises(KafkaError):
        lane.commit({("keys", "b"): b"2"}, {"next": 20}, [AlertRecord(alerts, b"k", b"lost")])
    time.sleep(1)
    heir = lanes()
    assert heir.marker == {"v": 1, "next": 10}
    assert heir.all() == {("keys", "a"): b"1"}
