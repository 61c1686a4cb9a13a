"""A small shop: items from a cache or PostgreSQL, searches, orders with receipts, prices from another service.

``python shop.py SETTINGS``: JSON with ``port``, ``dsn``, ``redis``, ``prices`` (port), ``folder`` (the small disk),
``counters`` (path of a unix socket), ``workers``, ``queue``, ``pool``, ``price_timeout``, ``price_tries`` and
``traits``, the release's own: ``[[name, onset, step, most], …]``.
"""

from __future__ import annotations

import json
import logging
import queue
import random
import socket
import sys
import threading
import time
from pathlib import Path

from counters import Counters
from store import Cache, Disk, Pool
from traits import TRAITS

ITEMS = 600
log = logging.getLogger("shop")


class Shop:
    """Answers one request at a time per worker."""

    def __init__(self, settings: dict) -> None:
        self.counters = Counters()
        self.pool = Pool(settings["dsn"], settings["pool"], self.counters)
        self.cache = Cache(settings["redis"], self.counters)
        self.disk = Disk(Path(settings["folder"]), keep=150)
        (self.disk.folder / "catalogue").write_bytes(b"c" * 20_000)
        self._prices, self._timeout, self._tries = (settings[k] for k in ("prices", "price_timeout", "price_tries"))
        self.traits = [TRAITS[name](self, *numbers) for name, *numbers in settings["traits"]]

    def answer(self, path: str) -> bytes:
        """The body for a path ``/kind/number``; whatever goes wrong is raised."""
        kind, number = path.split("/")[1:3]
        body = {"item": self.item, "search": self.search, "order": self.order, "price": self.price}[kind](int(number))
        for trait in self.traits:
            trait.request()
        return body

    def item(self, number: int) -> bytes:
        """A page of an item, and of related ones."""
        related = max((trait.related() for trait in self.traits), default=1)
        return b"".join(self._part((number * (i + 1) * 7 + i) % ITEMS) for i in range(related))

    def _part(self, number: int) -> bytes:
        generation = sum(trait.generation() for trait in self.traits)
        key = f"item:{generation}:{number}"
        body = self.cache.get(key)
        if body is None:
            with self.pool.transaction() as cursor:
                cursor.execute(
                    "SELECT i.name, i.stock, avg(r.stars), count(*) FROM items i LEFT JOIN reviews r ON r.item = i.id "
                    "WHERE i.id = %s GROUP BY i.id",
                    (number,),
                )
                body = json.dumps(cursor.fetchone(), default=str).encode() * 8
            self.cache.put(key, body, random.uniform(25, 50))
        return body

    def search(self, number: int) -> bytes:
        """The best of those whose name holds a number."""
        with self.pool.transaction() as cursor:
            cursor.execute("SELECT id, name, stock FROM items WHERE name LIKE %s LIMIT 40", (f"%{number % 100}%",))
            rows = cursor.fetchall()
        for trait in self.traits:
            trait.search()
        return json.dumps(sorted(rows, key=lambda row: -row[2])[:10]).encode()

    def order(self, number: int) -> bytes:
        """Order an item: a row, the stock, a receipt."""
        with self.pool.transaction() as cursor:
            cursor.execute("INSERT INTO orders (item) VALUES (%s) RETURNING id", (number,))
            (order,) = cursor.fetchone()
            cursor.execute("UPDATE items SET stock = stock - 1 WHERE id = %s", (number,))
            for trait in self.traits:
                trait.order(cursor)
        self.disk.receipt(order, random.randrange(1_000, 9_000))
        log.info("order %d of item %d", order, number)
        return b"%d" % order

    def price(self, number: int) -> bytes:
        """The price, asked from the other service; asked again at once where it does not answer."""
        for attempt in range(self._tries):
            began = time.monotonic()
            if attempt:
                self.counters.add("price_retries")
            try:
                with socket.create_connection(("127.0.0.1", self._prices), self._timeout) as connection:
                    connection.settimeout(self._timeout)
                    connection.sendall(b"%d\n" % number)
                    answer = connection.recv(64)
                    if answer:
                        return answer
            except TimeoutError:
                continue
            finally:
                self.counters.took("price", time.monotonic() - began)
        raise TimeoutError("no price")


class Server:
    """An acceptor, a bounded queue, and workers."""

    def __init__(self, shop: Shop, port: int, workers: int, waiting: int) -> None:
        self._shop, self._counters = shop, shop.counters
        self._queue: queue.Queue[tuple[float, socket.socket]] = queue.Queue(waiting)
        self._busy = 0
        self._counters.gauges["queue_depth"] = self._queue.qsize
        self._counters.gauges["workers_busy"] = lambda: self._busy
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        for _ in range(workers):
            threading.Thread(target=self._work, daemon=True).start()

    def serve(self) -> None:
        """Accept for ever."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:  # no descriptor left: the caller waits in the backlog
                log.warning("cannot accept: %s", error)
                time.sleep(0.1)
                continue
            try:
                self._queue.put_nowait((time.monotonic(), connection))
            except queue.Full:
                _reply(connection, 503, b"busy")

    def _work(self) -> None:
        while True:
            began, connection = self._queue.get()
            self._busy += 1
            try:
                self._one(connection, began)
            except OSError:
                pass
            finally:
                self._busy -= 1

    def _one(self, connection: socket.socket, began: float) -> None:
        connection.settimeout(2.0)
        path = connection.recv(4096).split(b" ", 2)[1].decode()
        try:
            status, body = 200, self._shop.answer(path)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            log.warning("%s: %r", path, error)
            status, body = 500, b"sorry"
        _reply(connection, status, body)
        self._counters.took("request", time.monotonic() - began)


def _reply(connection: socket.socket, status: int, body: bytes) -> None:
    with connection:
        connection.sendall(b"HTTP/1.0 %d -\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)


def main() -> None:
    """Serve until killed."""
    settings = json.loads(sys.argv[1])
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    threading.stack_size(256 * 1024)
    shop = Shop(settings)
    shop.counters.serve(settings["counters"])
    Server(shop, settings["port"], settings["workers"], settings["queue"]).serve()


if __name__ == "__main__":
    main()
