"""One sink through failures, refusals and crashes: nothing lost, nothing stuck, and a repeat only after a crash."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch import telemetry
from logwatch.api import PluginConfig, plugin
from logwatch.checkpoint.store import NewAlert, Store, StoredAlert
from logwatch.config import SinkTable
from logwatch.config.sinks import RouteKeys
from logwatch.delivery import REFUSED_FILE, Delivery, Outlet, feed
from logwatch.delivery.again import Told
from logwatch.delivery.circuit import OPENS_AFTER
from logwatch.delivery.route import Route
from logwatch.errors import DeliveryError, RefusedError
from logwatch.plugins import Plugins
from logwatch.sinks.schema import to_json
from logwatch.sinks.standing import Standing
from logwatch.testing import ListSink, ManualClock, sample_alert
from logwatch.types import Alert


def new(number: int, **changes: Any) -> NewAlert:
    alert = sample_alert(number, **changes)
    return NewAlert(alert.id, number, json.dumps(to_json(alert)))


@dataclass
class Peer:
    """The other side: what arrived there, over all lives of the sink."""

    got: list[str] = field(default_factory=list)
    plan: list[tuple[str, int]] = field(default_factory=list)

    def deliver(self, alerts: list[Alert]) -> None:
        what, after = self.plan.pop(0) if self.plan else ("ok", 0)
        after = len(alerts) if what == "ok" else min(after, len(alerts) - 1)
        self.got += [alert.id for alert in alerts[:after]]
        if what == "fail":
            raise DeliveryError("away", delivered=after)
        if what == "refuse":
            raise RefusedError("never", delivered=after)
        if what == "break":
            raise ConnectionError("in the middle, and does not say how far it came")

    def close(self) -> None:
        pass


class Life:
    """An outlet on a store, as one run of the program has it."""

    def __init__(self, store: Store, peer: Peer, refused: list[str], clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.refused = refused
        seq = store.delivered("out") or 0
        self.outlet = Outlet("out", peer, seq, seq, clock, self._refuse)

    def _refuse(self, sink: str, stored: StoredAlert, why: str) -> None:
        self.refused.append(stored.id)

    def feed(self) -> None:
        more = self.store.alerts_after(self.outlet.fed, 5 - len(self.outlet.queue))
        self.outlet.queue.extend(more)
        self.outlet.fed = more[-1].seq if more else self.outlet.fed

    def turn(self) -> float | None:
        self.feed()
        self.clock.advance(100)
        return self.outlet.turn()

    def save(self) -> None:
        self.store.commit({}, (), {"out": self.outlet.done})


PLANS = st.lists(st.tuples(st.sampled_from(["ok", "fail", "refuse", "break"]), st.integers(0, 4)), max_size=12)
STEPS = st.lists(st.sampled_from(["turn", "turn", "save", "crash"]), max_size=25)


@settings(max_examples=60)
@given(plan=PLANS, steps=STEPS)
def test_whatever_happens_every_alert_arrives_or_is_kept_and_only_a_crash_repeats_one(
    plan: list[tuple[str, int]], steps: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder), durable=False) as store:
        ids = [one.id for one in store.commit({}, [new(n) for n in range(17)], {"out": 0})]
        peer, refused, clock = Peer(plan=list(plan)), [], ManualClock()
        life, may_repeat = Life(store, peer, refused, clock), 0
        for step in steps:
            if step == "turn":
                life.turn()
            elif step == "save":
                life.save()
            else:
                may_repeat += life.outlet.done - (store.delivered("out") or 0)
                life = Life(store, peer, refused, clock)
        broken = sum(after for what, after in plan if what == "break")
        while life.turn() is not None:
            pass
        life.save()
        assert set(peer.got) | set(refused) == set(ids)
        assert [one for one in dict.fromkeys(peer.got) if one not in refused] == [
            one for one in ids if one not in refused
        ]
        assert len(peer.got) + len(refused) - len(ids) <= may_repeat + broken
        assert store.delivered("out") == len(ids)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with Store(tmp_path, durable=False) as store:
        store.commit({}, [new(n) for n in range(12)], {"out": 0})
        yield Life(store, Peer(), [], ManualClock())


def test_a_broken_sink_is_left_alone_and_tried_with_a_single_alert(life: Life) -> None:
    peer = life.outlet.sink
    assert isinstance(peer, Peer)
    peer.plan = [("fail", 0)] * OPENS_AFTER
    for _ in range(OPENS_AFTER):
        life.turn()
    assert life.outlet.circuit.state(life.clock.monotonic()) == "open"
    wait = life.outlet.turn()
    assert wait is not None
    assert wait > 0
    assert peer.got == []
    life.turn()
    assert len(peer.got) == 1
    life.turn()
    assert len(peer.got) == 6


def test_a_try_after_a_failure_counts_as_a_retry_and_each_alert_once_as_delivered(life: Life) -> None:
    life.outlet.name = "counted"
    peer = life.outlet.sink
    assert isinstance(peer, Peer)
    peer.plan = [("fail", 2), ("refuse", 1)]
    while life.turn() is not None:
        pass
    assert telemetry.DELIVERED.value(sink="counted") == 11
    assert telemetry.DELIVERY_FAILURES.value(sink="counted") == 1
    assert telemetry.DELIVERY_RETRIES.value(sink="counted") == 1
    assert telemetry.REFUSED.value(sink="counted") == 1
    assert len(life.refused) == 1


def test_an_alert_that_cannot_be_read_back_stops_nothing(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        store.commit({}, [new(1), NewAlert("bad", 0, '{"schema": 99}'), new(2)], {"out": 0})
        life = Life(store, Peer(plan=[("fail", 0), ("fail", 0), ("ok", 0), ("fail", 0)]), [], ManualClock())
        while life.turn() is not None:
            pass
        assert life.refused == ["bad"]
        assert life.outlet.done == 3


def test_a_sink_that_was_told_of_an_incident_hears_of_its_end_whatever_that_is_like(tmp_path: Path) -> None:
    opened = sample_alert(1, severity="critical")
    unknown = sample_alert(2, severity="warning")
    end = replace(sample_alert(3, state="end", severity="info"), incident=opened.incident)
    other = replace(sample_alert(4, state="end", severity="info"), incident=unknown.incident)
    with Store(tmp_path, durable=False) as store:
        rows = [NewAlert(a.id, 0, json.dumps(to_json(a))) for a in (opened, unknown, end, other)]
        store.commit({}, rows, {"out": 0})
        peer = Peer()
        life = Life(store, peer, [], ManualClock())
        life.outlet.route = Route(RouteKeys(severity="critical"))
        life.turn()
        life.turn()
        assert peer.got == [opened.id, end.id]
        assert life.outlet.done == 4  # what is not for it is passed over


def test_refused_alerts_are_kept_in_a_file_of_their_own(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        peer = Peer(plan=[("refuse", 0)])
        delivery = Delivery(store, {"pager": peer}, 2**20, "pause")
        stored = store.commit({}, [new(1), new(2)])
        assert delivery.drain(20)
        delivery.close()
        kept = [json.loads(line) for line in (tmp_path / REFUSED_FILE).read_text().splitlines()]
        assert [one["position"] for one in kept] == [{"alert": stored[0].id}]
        assert kept[0]["reason"] == "sink pager: never"
        assert json.loads(kept[0]["text"])["id"] == stored[0].id
        assert (tmp_path / REFUSED_FILE).stat().st_mode & 0o777 == 0o600
        assert peer.got == [stored[1].id]


def test_open_incidents_are_told_again_from_what_is_committed(tmp_path: Path) -> None:
    clock, sink = ManualClock(now=0), ListSink()
    first = sample_alert(1)
    latest = replace(sample_alert(2, state="update"), incident=first.id)
    with Store(tmp_path, durable=False) as store:
        routes = {"chat": RouteKeys(repeat=3600.0)}
        delivery = Delivery(store, {"chat": sink}, 2**20, "pause", routes, clock)
        delivery.still_open = lambda: {first.id: latest.id, "not committed": "not committed"}
        store.commit({}, [NewAlert(a.id, 0, json.dumps(to_json(a))) for a in (first, latest)])
        assert delivery.drain(20)
        delivery.observe()
        clock.advance(3601)
        delivery.observe()
        for _ in range(1000):
            if len(sink.alerts) == 3 and telemetry.REPEATED.value(sink="chat"):
                break
            time.sleep(0.01)
        delivery.close()
        assert [alert.incident for alert in sink.alerts] == [first.id] * 3
        assert sink.alerts[2].detail.startswith("still open after 60 min")
        assert telemetry.REPEATED.value(sink="chat") == 1


def test_a_repetition_that_fails_is_tried_again_and_one_that_is_refused_is_not(life: Life) -> None:
    peer = life.outlet.sink
    assert isinstance(peer, Peer)
    life.outlet.done = life.outlet.fed = 12  # nothing else waits
    peer.plan = [("fail", 1), ("refuse", 0)]
    alerts = [sample_alert(number) for number in range(100, 104)]
    with life.outlet.ready:
        life.outlet.tell([Told(Standing(alert, alert, 0), alert) for alert in alerts])
    while life.turn() is not None:
        pass
    assert peer.got == [alerts[0].id, alerts[2].id, alerts[3].id]


def test_of_very_many_open_incidents_some_are_told_again_and_the_others_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "STANDING_MOST", 7)
    monkeypatch.setattr(feed, "LEARNED_AT_ONCE", 3)
    clock, sink = ManualClock(now=0), ListSink()
    dropped = telemetry.DROPPED.value(reason="open incident not told again")
    with Store(tmp_path, durable=False) as store:
        delivery = Delivery(store, {"crowd": sink}, 2**20, "pause", {"crowd": RouteKeys(repeat=3600.0)}, clock)
        ids = [one.id for one in store.commit({}, [new(n) for n in range(9)])]
        delivery.still_open = lambda: dict(zip(ids, ids, strict=True))
        assert delivery.drain(20)
        for _ in range(3):
            clock.advance(20)
            delivery.observe()
        clock.advance(3600)
        delivery.observe()
        for _ in range(1000):
            if len(sink.alerts) == 9 + 7:
                break
            time.sleep(0.01)
        delivery.close()
    assert {alert.incident for alert in sink.alerts[9:]} == set(ids[:7])
    assert telemetry.DROPPED.value(reason="open incident not told again") > dropped


def test_gauges_say_what_waits_for_how_long_and_whether_the_sink_is_left_alone(tmp_path: Path) -> None:
    clock, sink = ManualClock(now=50_000_000_000), ListSink()
    sink.fail_next(1000)
    with Store(tmp_path, durable=False) as store:
        delivery = Delivery(store, {"gauged": sink}, 2**20, "pause", clock=clock)
        store.commit({}, [NewAlert("a", 20_000_000_000, new(1).body), NewAlert("b", 40_000_000_000, new(2).body)])
        assert not delivery.drain(20)
        delivery.observe()
        assert telemetry.OUTBOX_ALERTS.value(sink="gauged") == 2
        assert telemetry.OUTBOX_AGE.value(sink="gauged") == 30
        assert telemetry.OUTBOX.value(sink="gauged") > 0
        assert telemetry.CIRCUIT.value(sink="gauged") == 0
        outlet = delivery._outlets[0]
        for _ in range(OPENS_AFTER):
            outlet.circuit.failed(clock.monotonic())
        delivery.observe()
        assert telemetry.CIRCUIT.value(sink="gauged") == 2
        assert delivery.status()[0]["circuit"] == "open"
        clock.advance(1000)
        delivery.observe()
        assert telemetry.CIRCUIT.value(sink="gauged") == 1
        delivery.close()


class Config(PluginConfig):
    """No settings."""


def test_a_plugins_sink_can_say_how_far_it_came_and_what_it_will_never_take(
    tmp_path: Path, own_declarations: None
) -> None:
    peer = Peer(plan=[("refuse", 1), ("fail", 1)])

    @plugin(kind="sink", name="pigeon", api=(1, 0), config=Config)
    class Pigeon:
        def __init__(self, config: Config) -> None:
            pass

        def deliver(self, alerts: list[Alert]) -> None:
            peer.deliver(alerts)

        def close(self) -> None:
            pass

    with Store(tmp_path, durable=False) as store:
        store.commit({}, [new(n) for n in range(4)], {"out": 0})
        life = Life(store, peer, refused := [], ManualClock())
        life.outlet.sink = Plugins().build("sink", SinkTable(kind="pigeon"))
        while life.turn() is not None:
            pass
    assert peer.got == [f"{n:064x}" for n in (0, 2, 3)]
    assert refused == [f"{1:064x}"]
