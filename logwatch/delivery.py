"""From the committed alerts to the sinks: one worker thread a sink, fed in order, so that a slow sink stalls nobody.

The outbox is the part of the store's alerts that lies behind a sink's cursor. Only committed alerts are fed; a
sink's progress returns to the store with the next commit (`progress`), so that a crash repeats alerts but never
loses one.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from logwatch.api import Sink
from logwatch.checkpoint.store import Store, StoredAlert
from logwatch.sinks.schema import from_json
from logwatch.telemetry import DELIVERED, DELIVERY_FAILURES, DROPPED, OUTBOX, Logger

log = Logger(__name__)

FED_AT_ONCE = 256
"""Alerts held in memory for a sink; the rest waits in the store."""

BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits between tries of a failing sink; the last repeats."""


@dataclass
class _Worker:
    """One sink, its queue and its thread."""

    name: str
    sink: Sink
    fed: int  # last seq put into the queue
    done: int  # last seq delivered
    queue: deque[StoredAlert] = field(default_factory=deque)
    ready: threading.Condition = field(default_factory=threading.Condition)
    stopping: bool = False
    failures: int = 0
    error: str = ""
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, name=f"sink-{self.name}", daemon=True)
        self.thread.start()

    def settled(self) -> bool:
        """Nothing waits, or it waits for the sink to recover."""
        return not self.queue or self.failures > 0

    def _run(self) -> None:
        while True:
            with self.ready:
                self.ready.wait_for(lambda: self.queue or self.stopping)
                if not self.queue:
                    return
                batch = list(self.queue)
            if self._deliver(batch):
                last = batch[-1].seq
                with self.ready:
                    while self.queue and self.queue[0].seq <= last:  # some may have been dropped meanwhile
                        self.queue.popleft()
                    self.done = max(self.done, last)
                    self.ready.notify_all()
            elif self._pause():
                return

    def _deliver(self, batch: list[StoredAlert]) -> bool:
        alerts = [from_json(json.loads(stored.body)) for stored in batch if self.name not in stored.done.split("\n")]
        try:
            if alerts:
                self.sink.deliver(alerts)
        except Exception as error:  # noqa: BLE001  # a sink may fail in any way: it is tried again, and it is said
            self.failures += 1
            DELIVERY_FAILURES.inc(sink=self.name)
            self.error = f"{type(error).__name__}: {error}"
            log.warning("sink failed, will try again", sink=self.name, error=self.error, failures=self.failures)
            return False
        self.failures, self.error = 0, ""
        DELIVERED.inc(len(alerts), sink=self.name)
        return True

    def _pause(self) -> bool:
        """Wait before the next try; True where the program is stopping."""
        with self.ready:
            wait = BACKOFF_S[min(self.failures, len(BACKOFF_S)) - 1]
            return self.ready.wait_for(lambda: self.stopping, timeout=wait)


class Delivery:
    """Feeds every sink from the store and tells how far each one came.

    Args:
        store: holds the alerts and the cursors.
        sinks: by name; the name is the cursor's.
        outbox_max: bytes of undelivered alerts a sink may have.
        when_full: "pause" the input, or "drop_oldest" alerts (counted in `dropped`).
    """

    def __init__(
        self, store: Store, sinks: Mapping[str, Sink], outbox_max: int, when_full: Literal["pause", "drop_oldest"]
    ) -> None:
        self._store = store
        self._max = outbox_max
        self._drop = when_full == "drop_oldest"
        self.dropped = 0
        last = store.last_seq()
        self._workers = []
        for name, sink in sinks.items():
            # A sink that was never seen begins with the next alert: history is not sent again.
            cursor = store.delivered(name)
            seq = last if cursor is None else cursor
            self._workers.append(_Worker(name, sink, seq, seq))
        for worker in self._workers:
            worker.start()
        self.feed()

    def feed(self) -> None:
        """Hand committed alerts to the workers. Call after each commit and now and then."""
        for worker in self._workers:
            with worker.ready:
                room = FED_AT_ONCE - len(worker.queue)
            if room <= 0:
                continue
            more = self._store.alerts_after(worker.fed, room)
            if more:
                with worker.ready:
                    worker.queue.extend(more)
                    worker.fed = more[-1].seq
                    worker.ready.notify_all()

    def progress(self) -> dict[str, int]:
        """Sink -> last delivered `seq`, to be saved with the next commit."""
        return {worker.name: worker.done for worker in self._workers}

    def full(self) -> bool:
        """True where the input must pause. With "drop_oldest" drops instead."""
        for worker in self._workers:
            if self._store.undelivered_bytes(worker.done) <= self._max:
                continue
            if not self._drop:
                return True
            self._drop_oldest(worker)
        return False

    def _drop_oldest(self, worker: _Worker) -> None:
        with worker.ready:
            dropped = len(worker.queue)
            worker.queue.clear()
            worker.done = worker.fed
        self.dropped += dropped
        DROPPED.inc(dropped, reason="outbox full")
        log.error("outbox full, oldest alerts dropped", sink=worker.name, dropped=dropped)

    def observe(self) -> None:
        """Bring the gauges up to date; about once a second."""
        for worker in self._workers:
            OUTBOX.set(self._store.undelivered_bytes(worker.done), sink=worker.name)

    def pending(self) -> int:
        """Alerts fed but not yet delivered, over all sinks."""
        return sum(len(worker.queue) for worker in self._workers)

    def status(self) -> list[dict[str, object]]:
        """One row a sink, for people."""
        return [{"sink": w.name, "delivered": w.done, "waiting": len(w.queue), "error": w.error} for w in self._workers]

    def drain(self, seconds: float) -> bool:
        """Wait until every sink has delivered all that is committed, at most `seconds`; False where one did not."""
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            while self._is_behind(worker):
                self.feed()
                with worker.ready:
                    left = deadline - time.monotonic()
                    worker.ready.wait_for(worker.settled, timeout=max(left, 0))
                    if worker.failures or left <= 0:
                        return False
        return True

    def _is_behind(self, worker: _Worker) -> bool:
        with worker.ready:
            return bool(worker.queue) or bool(self._store.alerts_after(worker.fed, 1))

    def close(self) -> None:
        """Stop the workers, then close the sinks."""
        for worker in self._workers:
            with worker.ready:
                worker.stopping = True
                if worker.failures:
                    worker.queue.clear()
                worker.ready.notify_all()
        for worker in self._workers:
            if worker.thread is not None:
                worker.thread.join(timeout=5)
            worker.sink.close()
