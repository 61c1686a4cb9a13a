"""What one worker of a group is told, all of them hear: once each, in order, whatever was down meanwhile."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from logwatch.directives import Directive
from logwatch.errors import StateFull
from logwatch.kafka.control_topic import ControlSettings, ControlTopic, read, write
from tests.kafka.broker import Broker, own_broker
from tests.kafka.topics import Topics

BODY = {"name": "v2", "source": "", "note": "ünï\n\x1b[31m"}


def mark(id: str) -> Directive:
    return Directive("mark", BODY, id, 5, "ana")


class Worker:
    """Knows what it was told, as a journal does."""

    def __init__(self, settings: ControlSettings, known: tuple[Directive, ...] = ()) -> None:
        self.known = {one.id: one for one in known}
        self.full = False
        self.topic = ControlTopic(settings, self.obey, known)

    def obey(self, directive: Directive) -> bool:
        if self.full:
            raise StateFull("full")
        if directive.id in self.known:
            return False
        self.known[directive.id] = directive
        self.topic.tell(directive)  # as `Lanes` does
        return True

    def hears(self, *ids: str, patience: float = 30.0) -> None:
        until = time.monotonic() + patience
        while list(self.known) != list(ids) and time.monotonic() < until:
            self.topic.turn()
            time.sleep(0.05)
        assert list(self.known) == list(ids)


@pytest.fixture
def begun() -> Iterator[Callable[..., Worker]]:
    with contextlib.ExitStack() as stack:

        def begin(settings: ControlSettings, *known: Directive) -> Worker:
            worker = Worker(settings, known)
            stack.callback(worker.topic.close)
            return worker

        yield begin


def settings(topics: Topics) -> ControlSettings:
    return ControlSettings({"bootstrap_servers": topics.broker.bootstrap}, topics.new_name("control"), 1)


def count(topics: Topics, name: str) -> int:
    """Records that a topic ever took."""
    from kafka import KafkaConsumer, TopicPartition

    with contextlib.closing(KafkaConsumer(bootstrap_servers=topics.broker.bootstrap)) as consumer:
        place = TopicPartition(name, 0)
        return int(consumer.end_offsets([place])[place])


@pytest.mark.kafka
def test_all_workers_hear_what_one_is_told_also_those_that_come_later(topics: Topics, begun: Any) -> None:
    here = settings(topics)
    one, other = begun(here), begun(here)
    one.obey(mark("a"))
    other.hears("a")
    assert other.known["a"] == mark("a")
    other.obey(mark("b"))
    one.hears("a", "b")
    begun(here).hears("a", "b")


@pytest.mark.kafka
def test_a_worker_that_starts_again_sends_what_never_left_it_and_nothing_twice(topics: Topics, begun: Any) -> None:
    here = settings(topics)
    one = begun(here)
    one.obey(mark("a"))
    begun(here).hears("a")
    one.topic.close()
    again = begun(here, mark("a"), mark("b"))
    begun(here).hears("a", "b")
    again.obey(mark("c"))
    begun(here).hears("a", "b", "c")
    assert count(topics, here.name) == 3


@pytest.mark.kafka
def test_choices_of_a_model_stay_where_they_are(topics: Topics, begun: Any) -> None:
    here = settings(topics)
    one = begun(here)
    one.obey(Directive("model", {"action": "rollback"}, "m", 1))
    one.obey(mark("a"))
    begun(here).hears("a")


@pytest.mark.kafka
def test_what_makes_no_sense_is_passed_over_and_said(topics: Topics, begun: Any) -> None:
    here = settings(topics)
    topics.create(name=here.name)
    with capture_logs() as said:
        topics.send(here.name, [b"\xff", b"[]", b'{"v": 2}', write(mark("a"))], key=b"k")
        begun(here).hears("a")
    assert sum("makes no sense" in one["event"] for one in said) == 3


@pytest.mark.kafka
def test_a_full_disk_is_waited_for(topics: Topics, begun: Any) -> None:
    here = settings(topics)
    begun(here).obey(mark("a"))
    other = begun(here)
    other.full = True
    until = time.monotonic() + 3
    while time.monotonic() < until:
        other.topic.turn()
        time.sleep(0.05)
    assert not other.known
    other.full = False
    other.hears("a")


@pytest.mark.kafka
def test_a_broker_that_is_away_is_waited_for(kafka_broker: Broker, begun: Any) -> None:
    with own_broker() as broker:
        here = ControlSettings({"bootstrap_servers": broker.bootstrap}, "control", 1)
        broker.kill()
        one = begun(here)
        with capture_logs() as said:
            one.obey(mark("a"))
            until = time.monotonic() + 30
            while not said and time.monotonic() < until:
                time.sleep(0.05)
        assert "stay on the worker" in said[0]["event"]
        broker.start()
        begun(here).hears("a", patience=90)


texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@given(
    st.sampled_from(["feedback", "mark"]),
    st.dictionaries(texts, values, max_size=5),
    st.text(min_size=1, max_size=50),
    texts,
)
def test_a_directive_comes_back_as_it_went(kind: str, body: dict[str, Any], id: str, by: str) -> None:
    directive = Directive(kind, body, id, 7, by)
    assert read(write(directive)) == directive


@given(st.binary(max_size=100) | values.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_directive_or_nothing(value: bytes) -> None:
    assert read(value) is None
