"""One sink: its queue, what is tried next, and the thread that does so."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from logwatch.api import Clock, Sink
from logwatch.checkpoint.store import StoredAlert
from logwatch.delivery.again import Told
from logwatch.delivery.circuit import Circuit
from logwatch.delivery.route import Route
from logwatch.errors import DataError, DeliveryError, LogwatchError, RefusedError
from logwatch.sinks.schema import from_json
from logwatch.sinks.standing import Resends
from logwatch.telemetry import DELIVERED, DELIVERY_FAILURES, DELIVERY_RETRIES, REFUSED, REPEATED, Logger
from logwatch.types import Alert

log = Logger(__name__)

REMEMBERED = 10_000
"""Incidents that a sink was told of, so that it hears of their end, whatever that is like."""

OFFERED_AT_ONCE = 64
"""Alerts of one delivery: as many may come again after a crash in the middle of it."""

Refuse = Callable[[str, StoredAlert, str], None]
"""Keeps an alert that a sink will never take: the sink's name, the alert, and why."""


@dataclass
class Outlet:
    """A sink and what waits for it. `turn` does one thing; `start` has a thread do so for ever."""

    name: str
    sink: Sink
    fed: int  # last seq put into the queue
    done: int  # last seq delivered, passed over or refused
    clock: Clock
    refuse: Refuse
    route: Route = field(default_factory=Route)
    circuit: Circuit = field(default_factory=Circuit)
    queue: deque[StoredAlert] = field(default_factory=deque)
    again: list[Told] = field(default_factory=list)
    ready: threading.Condition = field(default_factory=threading.Condition)
    stopping: bool = False
    error: str = ""
    thread: threading.Thread | None = None
    _told: dict[str, None] = field(default_factory=dict)

    def start(self) -> None:
        """Begin to deliver."""
        self.thread = threading.Thread(target=self._run, name=f"sink-{self.name}", daemon=True)
        self.thread.start()

    def settled(self) -> bool:
        """Nothing waits, or it waits for the sink to recover."""
        return not self.queue or self.circuit.failures > 0

    def turn(self) -> float | None:
        """Try once what is due. Returns seconds until the next try, 0: now; None: nothing waits."""
        left = self.circuit.left(self.clock.monotonic())
        if left > 0:
            return left
        with self.ready:
            again, self.again = self.again, []
            batch = list(self.queue)
        if again:
            self._tell(again)
        elif batch:
            self._offer(batch[: self.circuit.most(OFFERED_AT_ONCE)])
        else:
            return None
        return self.circuit.left(self.clock.monotonic())

    def _run(self) -> None:
        while True:
            wait = self.turn()
            with self.ready:
                self.ready.wait_for(partial(self._woken, wait), timeout=wait)
                if self.stopping and (wait or not self.queue):
                    return

    def _woken(self, wait: float | None) -> bool:
        """Whether it goes on before its time is over: what is new does not hurry a sink that has to recover."""
        return self.stopping or (wait is None and bool(self.queue or self.again))

    def _offer(self, batch: list[StoredAlert]) -> None:
        wanted: list[tuple[StoredAlert, Alert]] = []
        through = batch[0].seq
        for stored in batch:
            try:
                alert = self._wanted(stored)
            except (DataError, ValueError) as error:
                if wanted:
                    break  # until its turn comes
                self._refused(stored, str(error))
                alert = None
            through = stored.seq
            wanted += [] if alert is None else [(stored, alert)]
        self._advance(self._delivered(wanted, through) if wanted else through)

    def _wanted(self, stored: StoredAlert) -> Alert | None:
        """The alert, where the sink is to have it and has it not. Raises DataError, ValueError."""
        if self.name in stored.done.split("\n"):
            return None
        alert = from_json(json.loads(stored.body))
        known = alert.state == "end" and alert.incident in self._told
        if not (known or self.route.takes(alert)):
            return None
        self._remember(alert)
        return alert

    def _delivered(self, wanted: list[tuple[StoredAlert, Alert]], through: int) -> int:
        """Offer some alerts; the seq up to which all is done then, at most `through`."""
        if self.circuit.failures:
            DELIVERY_RETRIES.inc(sink=self.name)
        error = self._tried(lambda: self.sink.deliver([alert for _, alert in wanted]))
        done = len(wanted) if error is None else min(max(getattr(error, "delivered", 0), 0), len(wanted) - 1)
        DELIVERED.inc(done, sink=self.name)
        if error is None:
            return through
        next_ = wanted[done][0]
        if not isinstance(error, RefusedError):
            return next_.seq - 1
        self._refused(next_, error.message)
        return next_.seq

    def tell(self, again: list[Told]) -> None:
        """Have it told of open incidents again, before anything else; `ready` is held."""
        if isinstance(self.sink, Resends):
            self.again = again  # all that are open, in the place of all that were
        else:
            self.again += again
        self.ready.notify_all()

    def _tell(self, again: list[Told]) -> None:
        """Where that fails, a repetition is tried again; what is resent comes when it is next due."""
        sink = self.sink
        if isinstance(sink, Resends):
            error = self._tried(lambda: sink.resend([one.standing for one in again]))
            told, left = (len(again), []) if error is None else (0, [])
        else:
            error = self._tried(lambda: sink.deliver([one.alert for one in again]))
            told = len(again) if error is None else min(max(getattr(error, "delivered", 0), 0), len(again) - 1)
            left = again[told + isinstance(error, RefusedError) :]
        REPEATED.inc(told, sink=self.name)
        with self.ready:
            self.again = left + self.again

    def _tried(self, call: Callable[[], None]) -> Exception | None:
        """What came of it; a refusal is an answer, anything else a failure."""
        try:
            call()
        except RefusedError as error:
            self.circuit.succeeded()
            self.error = error.message
            return error
        except Exception as error:  # noqa: BLE001  # a sink may fail in any way: it is tried again, and it is said
            self._failed(error)
            return error
        self.circuit.succeeded()
        self.error = ""
        return None

    def _failed(self, error: Exception) -> None:
        retry_after = error.retry_after if isinstance(error, DeliveryError) else 0.0
        now = self.clock.monotonic()
        before = self.circuit.state(now)
        self.circuit.failed(now, retry_after)
        DELIVERY_FAILURES.inc(sink=self.name)
        self.error = error.message if isinstance(error, LogwatchError) else f"{type(error).__name__}: {error}"
        wait = round(self.circuit.left(now), 1)
        if self.circuit.failures == 1 or self.circuit.state(now) != before:
            log.warning(
                "sink failed, will try again",
                sink=self.name, error=self.error, failures=self.circuit.failures, wait_s=wait,
            )  # fmt: skip

    def _refused(self, stored: StoredAlert, why: str) -> None:
        REFUSED.inc(sink=self.name)
        log.error("a sink refused an alert, kept as a dead letter", sink=self.name, alert=stored.id, error=why)
        self.refuse(self.name, stored, why)

    def _remember(self, alert: Alert) -> None:
        self._told.pop(alert.incident, None)
        self._told[alert.incident] = None
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]

    def _advance(self, through: int) -> None:
        with self.ready:
            while self.queue and self.queue[0].seq <= through:  # some may have been dropped meanwhile
                self.queue.popleft()
            self.done = max(self.done, through)
            self.ready.notify_all()
