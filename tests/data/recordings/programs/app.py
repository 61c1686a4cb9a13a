"""An order service of our own with Python logging: every line of a request carries its id."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.plan import Fault
from tests.data.recordings.program import Activity, Program, wait

PORT, PAYMENTS_PORT = 8080, 8081
PYTHON = "/usr/bin/python3"
LOST_AFTER = 8.0  # seconds after which a request without a reply is surely lost


class App(Program):
    """The order service on port 8080 and its payment gateway on port 8081."""

    name: ClassVar[str] = "app"
    sources: ClassVar[tuple[str, ...]] = ("app",)
    client_errors: ClassVar[tuple[type[Exception], ...]] = (
        OSError,
        http.client.HTTPException,
        sqlite3.Error,
    )

    def start(self) -> None:
        """Start the gateway and the service."""
        shutil.copytree(Path(__file__).parent / "orders", self.home / "lib/orders")
        self.start_payments()
        self.server = self._python("service", str(PORT), str(self.home))
        self.until(lambda: self._ask("127.0.0.1", "GET", "/orders/1") in (200, 404))

    def activities(self) -> Sequence[Activity]:
        """Orders, look-ups, reports, a console."""
        return (
            Activity(self._order, every=9.0, threads=4),
            Activity(self._look_up, every=8.5, threads=3),
            Activity(self._bad_order, every=25.0),
            Activity(self._report, every=50.0),
            Activity(self._impatient, every=120.0),
            Activity(self._reload, every=410.0, periodic=True),
        )

    def faults(self) -> Sequence[Fault]:
        """Six kinds of trouble."""
        here = self.sources
        return (
            Fault("step_missing", 45, here, self.step_missing),
            Fault("payments_down", 40, here, self.payments_down),
            Fault("requests_lost", 45, here, self.requests_lost),
            Fault("database_locked", 45, here, self.database_locked),
            Fault("slow_payments", 50, here, self.slow_payments),
            Fault("double_charge", 45, here, self.double_charge),
        )

    def start_payments(self) -> None:
        """Start the payment gateway and wait until it answers."""
        self.payments = self._python("payments", str(PAYMENTS_PORT))
        self.until(lambda: self._tell(PAYMENTS_PORT, delay=0.0) == 200)

    def step_missing(self, seconds: float) -> None:
        """A release skips the validation of orders."""
        self._switch("skip_validation", seconds)

    def requests_lost(self, seconds: float) -> None:
        """Half of the orders are forgotten after their stock was reserved; nothing says so."""
        self._switch("lose", seconds)
        time.sleep(LOST_AFTER)

    def double_charge(self, seconds: float) -> None:
        """A release asks for the payment again although it was authorised."""
        self._switch("charge_twice", seconds)

    def payments_down(self, seconds: float) -> None:
        """The payment gateway dies and comes back."""
        self.payments.kill()
        self.payments.wait()
        time.sleep(seconds)
        self.start_payments()
        time.sleep(2)

    def slow_payments(self, seconds: float) -> None:
        """The payment gateway takes seconds; over when the queue is empty again."""
        self._tell(PAYMENTS_PORT, delay=2.5)
        time.sleep(seconds)
        self._tell(PAYMENTS_PORT, delay=0.0)
        self.until(lambda: self._queue_length() == 0)

    def database_locked(self, seconds: float) -> None:
        """Somebody leaves a transaction open on the database."""
        with sqlite3.connect(self.home / "orders.db", timeout=30, isolation_level=None) as db:
            db.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            db.execute("ROLLBACK")
        self.until(lambda: self._queue_length() == 0)

    def _switch(self, name: str, seconds: float) -> None:
        self._tell(PORT, **{name: True})
        time.sleep(seconds)
        self._tell(PORT, **{name: False})

    def _python(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {"PYTHONPATH": str(self.home / "lib"), "TZ": "UTC"}
        return self.spawn([PYTHON, "-m", f"orders.{module}", *arguments], env=environment)

    def _tell(self, port: int, **switches: object) -> int:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        link.request("POST", "/fault", json.dumps(switches))
        return link.getresponse().status

    def _queue_length(self) -> int:
        link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
        link.request("GET", "/fault")
        return int(link.getresponse().read())

    def _ask(self, source: str, method: str, path: str, body: object = None, patience: float = 10) -> int:
        link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=patience, source_address=(source, 0))
        try:
            link.request(method, path, json.dumps(body) if body is not None else None)
            with link.getresponse() as response:
                response.read()
                return response.status
        finally:
            link.close()

    def _source(self, rng: Random) -> str:
        return f"127.0.{rng.randrange(1, 5)}.{rng.randrange(2, 60)}"

    def _order(self, rng: Random) -> None:
        source = self._source(rng)
        if rng.random() < 0.5:
            self._ask(source, "GET", f"/orders/{rng.randrange(1, 400)}")
            wait(rng, 0.05, 0.8)
        lines = [{"item": rng.randrange(900), "quantity": rng.randint(1, 4)} for _ in range(rng.randint(1, 5))]
        self._ask(source, "POST", "/orders", {"customer": rng.randrange(1, 3000), "lines": lines})

    def _look_up(self, rng: Random) -> None:
        for _ in range(rng.randint(1, 3)):
            self._ask(self._source(rng), "GET", f"/orders/{rng.randrange(1, 900)}")
            wait(rng, 0.1, 0.8)

    def _bad_order(self, rng: Random) -> None:
        bad = rng.choice(({"customer": 4, "lines": []}, {"lines": [{"item": 1, "quantity": 1}]}, "order"))
        self._ask(self._source(rng), "POST", "/orders", bad)

    def _report(self, rng: Random) -> None:
        self._ask("127.0.0.9", "GET", f"/reports/{rng.choice(('daily', 'stock', 'customers'))}")

    def _impatient(self, rng: Random) -> None:
        order = {"customer": 17, "lines": [{"item": 3, "quantity": 1}]}
        self._ask(self._source(rng), "POST", "/orders", order, patience=0.03)

    def _reload(self, rng: Random) -> None:
        os.kill(self.server.pid, signal.SIGHUP)
