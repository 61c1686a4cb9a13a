"""Delivery: in order, everything before a drain ends, and no race between a delivery and a drop."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

from logwatch.checkpoint.store import NewAlert, Store
from logwatch.delivery import FED_AT_ONCE, Delivery
from logwatch.sinks.schema import to_json
from logwatch.testing import sample_alert
from logwatch.types import Alert


class Outlet:
    """A sink that can be held."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def deliver(self, alerts: list[Alert]) -> None:
        self.entered.set()
        assert self.go_on.wait(10)
        self.got += [alert.id for alert in alerts]

    def close(self) -> None:
        self.go_on.set()


def _alerts(first: int, count: int) -> list[NewAlert]:
    alert = sample_alert()
    return [
        NewAlert(f"a{i}", i, json.dumps(to_json(dataclasses.replace(alert, id=f"a{i}"))))
        for i in range(first, first + count)
    ]


def test_a_drain_delivers_everything_that_is_committed(tmp_path: Path) -> None:
    outlet = Outlet()
    with Store(tmp_path, durable=False) as store:
        delivery = Delivery(store, {"out": outlet}, 2**20, "pause")
        count = 3 * FED_AT_ONCE + 7
        store.commit({}, _alerts(0, count))
        assert delivery.drain(20)
        assert outlet.got == [f"a{i}" for i in range(count)]
        assert delivery.progress() == {"out": count}
        delivery.close()


def test_what_a_hung_sink_has_not_taken_pauses_the_input(tmp_path: Path) -> None:
    outlet = Outlet()
    outlet.go_on.clear()
    with Store(tmp_path, durable=False) as store:
        delivery = Delivery(store, {"out": outlet}, 1000, "pause")
        store.commit({}, _alerts(0, 20))
        delivery.feed()
        assert outlet.entered.wait(10)
        assert delivery.full()
        assert not delivery.drain(0.05)
        outlet.go_on.set()
        assert delivery.drain(20)
        assert not delivery.full()
        delivery.close()


def test_a_drop_during_a_delivery_neither_kills_the_sink_nor_moves_it_back(tmp_path: Path) -> None:
    outlet = Outlet()
    outlet.go_on.clear()
    with Store(tmp_path, durable=False) as store:
        delivery = Delivery(store, {"out": outlet}, 1000, "drop_oldest")
        store.commit({}, _alerts(0, 20))
        delivery.feed()
        assert outlet.entered.wait(10)
        assert not delivery.full()  # dropped instead
        assert delivery.dropped == 20
        outlet.go_on.set()
        store.commit({}, _alerts(20, 3))
        assert delivery.drain(20)
        assert outlet.got[-3:] == ["a20", "a21", "a22"]
        assert delivery.progress() == {"out": 23}
        delivery.close()
