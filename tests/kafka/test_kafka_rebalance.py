"""Lanes move between workers: hooks in order, on the pipeline's thread; nothing lost, nothing read twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from logwatch.kafka.position import dump, next_offset
from logwatch.sources import kafka_reader, kafka_start
from logwatch.sources.kafka import CONFIGURED, LaneHooks
from tests.kafka.reading import Reading, reading
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

QUICK = {"session_timeout_ms": 3000, "heartbeat_interval_ms": 300}


@dataclass
class Shared:
    """The state of lanes, as workers leave it to each other."""

    offsets: dict[str, int] = field(default_factory=dict)


@dataclass
class Worker:
    """One worker that keeps its lanes' positions in `Shared`."""

    shared: Shared
    run: Reading | None = None
    told: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    saving_s: float = 0.0
    at_once: bool = True

    def hooks(self) -> LaneHooks:
        return LaneHooks(self.assigned, self.revoked, self.lost)

    def _tell(self, what: str, lanes: Sequence[str]) -> None:
        self.told.append((what, tuple(lanes)))
        self.threads.add(threading.get_ident())

    def assigned(self, lanes: Sequence[str]) -> Mapping[str, int]:
        self._tell("assigned", lanes)
        return {lane: self.shared.offsets.get(lane, CONFIGURED) for lane in lanes} if self.at_once else {}

    def revoked(self, lanes: Sequence[str]) -> None:
        self._tell("revoked", lanes)
        time.sleep(self.saving_s)
        self.save(lanes)

    def save(self, lanes: Sequence[str]) -> None:
        assert self.run is not None
        for lane in lanes:
            if lane in self.run.cursors:
                self.shared.offsets[lane] = next_offset(self.run.cursors[lane])

    def lost(self, lanes: Sequence[str]) -> None:
        self._tell("lost", lanes)


def offsets(*runs: Reading) -> list[tuple[str, int]]:
    return sorted(place for run in runs for place in run.offsets)


def test_a_second_worker_takes_its_share_and_nothing_is_lost_or_read_twice(topics: Topics) -> None:
    topic, group = topics.create(partitions=4), topics.new_name("g")
    shared, stop = Shared(), threading.Event()

    def produce() -> None:
        with topics.producer() as producer:
            n = 0
            while not stop.is_set():
                producer.send(topic, b"%d" % n, partition=n % 4)
                n += 1
                time.sleep(0.001)
            producer.flush(timeout=10)
        sent.append(n)

    sent: list[int] = []
    writer = threading.Thread(target=produce)
    one, two = Worker(shared), Worker(shared)
    writer.start()
    try:
        with reading(topics.broker, topic, group=group, hooks=one.hooks(), client=QUICK) as first:
            one.run = first
            first.until(lambda: len(first.source.assigned) == 4 and first.source.ready)
            with reading(topics.broker, topic, group=group, hooks=two.hooks(), client=QUICK) as second:
                two.run = second

                def both() -> bool:
                    second.step()
                    return len(first.source.assigned) == len(second.source.assigned) == 2 and len(second.lines) > 50

                first.until(both)
                stop.set()
                writer.join()

                def everything() -> bool:
                    second.step()
                    return len(first.lines) + len(second.lines) >= sent[0]

                first.until(everything)
                assert offsets(first, second) == sorted((f"{topic}-{n % 4}", n // 4) for n in range(sent[0]))
    finally:
        stop.set()
        writer.join()
    assert ("revoked", 2) in [(what, len(lanes)) for what, lanes in one.told]
    assert one.threads == two.threads == {threading.get_ident()}


def test_lanes_that_are_restored_later_wait_and_the_others_go_on(topics: Topics) -> None:
    topic = topics.create(partitions=2)
    for partition in range(2):
        topics.send(topic, [b"%d" % n for n in range(10)], partition=partition)
    worker = Worker(Shared(), at_once=False)
    with reading(topics.broker, topic, hooks=worker.hooks()) as run:
        run.until(lambda: len(run.source.assigned) == 2)
        run.source.resume(f"{topic}-0", 4)
        run.read(6)
        assert not run.source.ready
        assert run.source.waits_for == "restoring 1 of 2 partitions"
        assert {batch.lane for batch in run.batches} == {f"{topic}-0"}
        run.source.resume(f"{topic}-1", CONFIGURED)
        run.read(16)
        assert run.source.ready
    assert offsets(run) == [(f"{topic}-0", n) for n in range(4, 10)] + [(f"{topic}-1", n) for n in range(10)]


def test_a_lane_that_is_held_is_read_no_more_until_it_is_resumed(topics: Topics) -> None:
    topic = topics.create(partitions=2)
    topics.send(topic, [b"%d" % n for n in range(10)])
    with reading(topics.broker, topic, hooks=Worker(Shared()).hooks()) as run:
        run.read(10)
        run.source.hold(f"{topic}-0")
        topics.send(topic, [b"%d" % n for n in range(10, 20)])
        topics.send(topic, [b"other"], partition=1)
        run.read(11)
        run.until(lambda: all(lane.paused or lane.reading for lane in run.source._board.lanes.values()))
        assert run.source.waits_for == "restoring 1 of 2 partitions"
        assert len(run.lines) == 11
        run.source.resume(f"{topic}-0", 5)
        run.read(26)
        assert run.source.ready
    assert offsets(run) == [*sorted((f"{topic}-0", n) for n in [*range(10), *range(5, 20)]), (f"{topic}-1", 0)]


@pytest.mark.parametrize("resumed", [None, 7])
def test_who_changes_a_lane_while_its_beginning_is_looked_up_is_heard(
    topics: Topics, monkeypatch: pytest.MonkeyPatch, resumed: int | None
) -> None:
    topic, other = topics.create(), topics.create()
    topics.send(topic, [b"%d" % n for n in range(10)])
    found, lane = [], f"{topic}-0"
    with reading(topics.broker, topic, other, hooks=Worker(Shared()).hooks()) as run:

        def begin(consumer: Any, offsets: Any, *more: Any) -> Any:
            begins = kafka_start.begin(consumer, offsets, *more)
            if 3 in offsets.values():
                found.append(run.source.hold(lane))
                if resumed is not None:
                    run.source.resume(lane, resumed)
            return begins

        run.read(10)
        monkeypatch.setattr(kafka_reader, "begin", begin)
        run.source.resume(lane, 3)
        run.until(lambda: found)
        topics.send(other, [b"other"])
        run.read(11 if resumed is None else 14)
    assert sorted(run.offsets[10:]) == sorted([*[(lane, n) for n in range(resumed or 10, 10)], (f"{other}-0", 0)])


def test_a_save_that_takes_too_long_is_told_to_be_lost(topics: Topics) -> None:
    topic, group = topics.create(partitions=2), topics.new_name("g")
    slow, other = Worker(Shared(), saving_s=1.5), Worker(Shared())
    with reading(topics.broker, topic, group=group, hooks=slow.hooks(), client=QUICK, revoke_timeout="300ms") as first:
        slow.run = first
        first.until(lambda: len(first.source.assigned) == 2)
        with reading(topics.broker, topic, group=group, hooks=other.hooks(), client=QUICK) as second:
            other.run = second

            def moved() -> bool:
                second.step()
                return any(what == "lost" for what, _ in slow.told)

            first.until(moved)
            what = [(what, len(lanes)) for what, lanes in slow.told]
            assert what == [("assigned", 2), ("revoked", 1), ("lost", 1)]


@pytest.mark.slow
def test_a_paused_daemon_keeps_its_partitions(topics: Topics) -> None:
    topic, group = topics.create(), topics.new_name("g")
    worker = Worker(Shared())
    client = QUICK | {"max_poll_interval_ms": 4000}
    with reading(topics.broker, topic, group=group, hooks=worker.hooks(), client=client) as run:
        run.until(lambda: run.source.ready)
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline:  # longer than the session and the poll interval
            time.sleep(0.2)
        topics.send(topic, [b"after the pause"])
        assert run.read(1) == [b"after the pause"]
    assert [what for what, _ in worker.told] == ["assigned"]


def test_a_static_member_gets_its_partitions_back_without_a_rebalance(topics: Topics) -> None:
    topic, group = topics.create(partitions=2), topics.new_name("g")
    shared = Shared()
    stays, restarts = Worker(shared), Worker(shared)
    with reading(topics.broker, topic, group=group, group_instance_id="a", hooks=stays.hooks(), client=QUICK) as first:
        stays.run = first
        settings = {"group": group, "group_instance_id": "b", "client": QUICK | {"session_timeout_ms": 10_000}}
        for _ in range(2):
            with reading(topics.broker, topic, hooks=restarts.hooks(), **settings) as second:
                restarts.run = second

                def shared_out(second: Reading = second) -> bool:
                    second.step()
                    return len(first.source.assigned) == len(second.source.assigned) == 1

                first.until(shared_out)
    assert [what for what, _ in stays.told].count("revoked") <= 1


def test_positions_are_read_back() -> None:
    from logwatch.kafka.position import Position, lane_of, load, partition_of

    assert load(dump(Position(7, "id"))) == Position(7, "id")
    assert partition_of(lane_of("a-1", 12)) == ("a-1", 12)
    for damaged in (b"", b"{}", b'{"v":2,"offset":1}', b'{"v":1}'):
        with pytest.raises(ValueError, match=r".+"):
            load(damaged)
    for no_lane in ("topic", "topic-", "topic-x"):
        with pytest.raises(ValueError, match="no lane"):
            partition_of(no_lane)
