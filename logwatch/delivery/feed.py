"""From the store to the sinks and back: feeds every outlet, and tells how far each one came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from logwatch.api import Clock, Sink
from logwatch.checkpoint.store import Store, StoredAlert
from logwatch.clock import SystemClock
from logwatch.config.sinks import RouteKeys
from logwatch.deadletter import Letter
from logwatch.deadletter.file import LetterFile
from logwatch.delivery.again import Again
from logwatch.delivery.outlet import Outlet
from logwatch.delivery.route import Route
from logwatch.sinks.schema import from_json
from logwatch.sinks.standing import Resends, Standing
from logwatch.telemetry import CIRCUIT, DROPPED, OUTBOX, OUTBOX_AGE, OUTBOX_ALERTS, Logger

log = Logger(__name__)

FED_AT_ONCE = 256
"""Alerts held in memory for a sink; the rest waits in the store."""

STANDING_MOST = 5000
"""Open incidents that are told again; more are counted as dropped. About 5 KB of memory each."""

LEARNED_AT_ONCE = 250
"""Of them, alerts that are read from the store at one look: a few hundredths of a second."""

REFUSED_FILE = "refused-alerts.jsonl"
"""Alerts that a sink will never take, in the state directory."""

REFUSED_MOST = 64 * 2**20
"""Bytes of it; with the one before it, twice as many."""

CLOSE_S = 5.0
"""How long all sinks together may take to end what they are doing."""

STATES = {"closed": 0, "half-open": 1, "open": 2}


class Delivery:
    """Feeds every sink from the store and tells how far each one came.

    Args:
        store: holds the alerts and the cursors.
        sinks: by name; the name is the cursor's.
        outbox_max: bytes of undelivered alerts a sink may have.
        when_full: "pause" the input, or "drop_oldest" alerts (counted in `dropped`).
        routes: which alerts a sink wants, by its name; without, all.
    """

    def __init__(
        self, store: Store, sinks: Mapping[str, Sink], outbox_max: int, when_full: Literal["pause", "drop_oldest"],
        routes: Mapping[str, RouteKeys] | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._max = outbox_max
        self._drop = when_full == "drop_oldest"
        self._clock = clock or SystemClock()
        self._refused = LetterFile(store.directory / REFUSED_FILE, False, REFUSED_MOST)
        self._refusing = threading.Lock()
        self._known: dict[str, Standing] = {}  # open incidents by id
        self._beyond = 0  # open ones that are not looked at: too many
        self.dropped = 0
        self.still_open: Callable[[], Mapping[str, str]] = dict
        """Incidents that are open and were told: id → id of the latest alert of each."""
        last = store.last_seq()
        self._outlets: list[Outlet] = []
        self._again: dict[str, Again] = {}
        for name, sink in sinks.items():
            # A sink that was never seen begins with the next alert: history is not sent again.
            cursor = store.delivered(name)
            seq = last if cursor is None else cursor
            route = Route((routes or {}).get(name))
            self._outlets.append(Outlet(name, sink, seq, seq, self._clock, self._refuse, route))
            self._again[name] = Again(route, sink.resend_every if isinstance(sink, Resends) else 0.0)
        for outlet in self._outlets:
            outlet.start()
        self.feed()

    def feed(self) -> None:
        """Hand committed alerts to the outlets. Call after each commit and now and then."""
        for outlet in self._outlets:
            with outlet.ready:
                room = FED_AT_ONCE - len(outlet.queue)
            if room <= 0:
                continue
            more = self._store.alerts_after(outlet.fed, room)
            if more:
                with outlet.ready:
                    outlet.queue.extend(more)
                    outlet.fed = more[-1].seq
                    outlet.ready.notify_all()

    def progress(self) -> dict[str, int]:
        """Sink -> last delivered `seq`, to be saved with the next commit."""
        return {outlet.name: outlet.done for outlet in self._outlets}

    def full(self) -> bool:
        """True where the input must pause. With "drop_oldest" drops instead."""
        for outlet in self._outlets:
            if self._store.undelivered_bytes(outlet.done) <= self._max:
                continue
            if not self._drop:
                return True
            self._drop_oldest(outlet)
        return False

    def _drop_oldest(self, outlet: Outlet) -> None:
        with outlet.ready:
            dropped = len(outlet.queue)
            outlet.queue.clear()
            outlet.done = outlet.fed
        self.dropped += dropped
        DROPPED.inc(dropped, reason="outbox full")
        log.error("outbox full, oldest alerts dropped", sink=outlet.name, dropped=dropped)

    def _refuse(self, sink: str, stored: StoredAlert, why: str) -> None:
        """Called by the outlets' threads."""
        text = f"sink {sink}: {why}"
        with self._refusing:
            self._refused.put([Letter(sink, {"alert": stored.id}, text, stored.body, b"")])

    def observe(self) -> None:
        """Bring the gauges up to date, and tell of open incidents again where that is due; about once a second."""
        now, wall = self._clock.monotonic(), self._clock.now()
        for outlet in self._outlets:
            count, size, oldest = self._store.waiting(outlet.done)
            OUTBOX.set(size, sink=outlet.name)
            OUTBOX_ALERTS.set(count, sink=outlet.name)
            OUTBOX_AGE.set(max(0.0, (wall - oldest) / 1e9) if count else 0.0, sink=outlet.name)
            CIRCUIT.set(STATES[outlet.circuit.state(now)], sink=outlet.name)
        self._tell_again(now, wall)

    def _tell_again(self, now: float, wall: int) -> None:
        mine = [outlet for outlet in self._outlets if self._again[outlet.name].wanted]
        if not mine:
            return
        self._learn_open()
        for outlet in mine:
            if self._again[outlet.name].due(now):
                again = self._again[outlet.name].pick(list(self._known.values()), now, wall)
                DROPPED.inc(self._beyond, reason="open incident not told again")
                with outlet.ready:
                    outlet.tell(again)

    def _learn_open(self) -> None:
        """Bring what is known of open incidents up to date: those whose alerts are committed."""
        every = self.still_open()
        latest = dict(list(every.items())[:STANDING_MOST])
        self._beyond = len(every) - len(latest)
        self._known = {name: one for name, one in self._known.items() if latest.get(name) == one.latest.id}
        new = [name for name in latest if name not in self._known][:LEARNED_AT_ONCE]
        rows = self._store.alerts.by_ids({*new, *(latest[name] for name in new)})
        for name in new:
            if (last := rows.get(latest[name])) is not None:
                time, alert = last[0], from_json(last[1])
                first = rows.get(name)
                self._known[name] = Standing(from_json(first[1]) if first else alert, alert, time)

    def pending(self) -> int:
        """Alerts fed but not yet delivered, over all sinks."""
        return sum(len(outlet.queue) for outlet in self._outlets)

    def status(self) -> list[dict[str, object]]:
        """One row a sink, for people."""
        now = self._clock.monotonic()
        return [
            {
                "sink": one.name, "delivered": one.done, "waiting": len(one.queue), "error": one.error,
                "circuit": one.circuit.state(now),
            }
            for one in self._outlets
        ]  # fmt: skip

    def drain(self, seconds: float) -> bool:
        """Wait until every sink has delivered all that is committed, at most `seconds`; False where one did not."""
        deadline = time.monotonic() + seconds
        for outlet in self._outlets:
            while self._is_behind(outlet):
                self.feed()
                with outlet.ready:
                    left = deadline - time.monotonic()
                    outlet.ready.wait_for(outlet.settled, timeout=max(left, 0))
                    if outlet.circuit.failures or left <= 0:
                        return False
        return True

    def _is_behind(self, outlet: Outlet) -> bool:
        with outlet.ready:
            return bool(outlet.queue) or bool(self._store.alerts_after(outlet.fed, 1))

    def close(self) -> None:
        """Stop the outlets, then close the sinks: one that is still busy after some seconds is cut short by that."""
        for outlet in self._outlets:
            with outlet.ready:
                outlet.stopping = True
                if outlet.circuit.failures:
                    outlet.queue.clear()
                outlet.ready.notify_all()
        deadline = time.monotonic() + CLOSE_S
        for outlet in self._outlets:
            if outlet.thread is not None:
                outlet.thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for outlet in self._outlets:
            outlet.sink.close()
        self._refused.close()
