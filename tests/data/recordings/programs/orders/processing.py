"""What a worker of the order service does with an order."""

from __future__ import annotations

import http.client
import json
import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

PAYMENTS_PORT = 8081
LOCK_SECONDS = 2.0
EARLIER = 800  # orders that exist when the service starts
log = logging.getLogger("orders.worker")


class Declined(Exception):
    """The customer cannot pay."""


@dataclass
class Switches:
    """The faults that the recorder can switch on."""

    skip_validation: bool = False
    lose: bool = False
    charge_twice: bool = False


@dataclass(frozen=True)
class Order:
    """A customer's order as it came in."""

    customer: object
    lines: list[dict[str, int]]

    @classmethod
    def parse(cls, body: object) -> Order:
        """Read the body of a request."""
        if not isinstance(body, dict):
            raise ValueError("not an object")
        return cls(body.get("customer"), body.get("lines") or [])

    @property
    def total(self) -> float:
        """The price of all lines."""
        return sum(line["quantity"] * (line["item"] % 90 + 0.99) for line in self.lines)

    def validate(self) -> None:
        """Raise ValueError where something is missing."""
        if not self.customer:
            raise ValueError("customer is missing")
        if not self.lines:
            raise ValueError("no lines")


class Orders:
    """Stock, payment and storage."""

    def __init__(self, database: Path, switches: Switches) -> None:
        self._database = database
        self._switches = switches
        self._rng = Random(17)
        with self._connect() as db:
            db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT, total REAL)")
            db.executemany("INSERT INTO orders VALUES (?, 1, 9.99)", [(n,) for n in range(1, EARLIER + 1)])

    def process(self, request: str, order: Order) -> int | None:
        """All steps; the HTTP status, or None where the order was lost on the way."""
        time.sleep(self._rng.uniform(0.002, 0.02))
        log.info("request_id=%s stock reserved lines=%d", request, len(order.lines))
        if self._switches.lose and self._rng.random() < 0.5:
            return None
        for _ in range(2 if self._switches.charge_twice else 1):
            self._pay(request, order.total)
        number = self._store(order)
        log.info("request_id=%s stored order=%d", request, number)
        return 201

    def count(self, number: int) -> int:
        """How many orders have this number."""
        with self._connect() as db:
            return int(db.execute("SELECT count(*) FROM orders WHERE id = ?", (number,)).fetchone()[0])

    def _pay(self, request: str, amount: float) -> None:
        log.info("request_id=%s payment requested amount=%.2f", request, amount)
        began = time.monotonic()
        link = http.client.HTTPConnection("127.0.0.1", PAYMENTS_PORT, timeout=20)
        link.request("POST", "/payments", json.dumps({"amount": amount}))
        answer = json.loads(link.getresponse().read())
        if answer["declined"]:
            log.warning("request_id=%s payment declined code=insufficient_funds", request)
            log.info("request_id=%s stock released", request)
            raise Declined
        took = (time.monotonic() - began) * 1000
        log.info("request_id=%s payment authorised reference=%s took_ms=%.0f", request, answer["reference"], took)

    def _store(self, order: Order) -> int:
        with self._connect() as db:
            row = (order.customer, order.total)
            return int(db.execute("INSERT INTO orders (customer, total) VALUES (?, ?)", row).lastrowid or 0)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._database, timeout=LOCK_SECONDS)
