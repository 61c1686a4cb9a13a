"""The order service: received, validated, queued, worked, replied; each step a line with its request id."""

from __future__ import annotations

import json
import logging
import signal
import sqlite3
import sys
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from .processing import Declined, Order, Orders, Switches

FORMAT = "%(asctime)s %(levelname)s [%(threadName)s] %(name)s: %(message)s"
WORKERS = 3
HANDLERS = 60
PATIENCE = 60.0  # seconds that a connection waits for a worker
log = logging.getLogger("orders.http")


class Service:
    """The queue, the workers, the database and the cache."""

    def __init__(self, home: Path) -> None:
        self.switches = Switches()
        self.orders = Orders(home / "orders.db", self.switches)
        self.pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="worker")
        self.cache: dict[int, int] = {}
        self.rng = Random(13)

    def depth(self) -> int:
        """How many orders wait for a worker."""
        return self.pool._work_queue.qsize()

    def place(self, request: str, order: Order) -> int | None:
        """Validate, queue and wait; the HTTP status, or None if the order was lost."""
        if not self.switches.skip_validation:
            order.validate()
            log.info("request_id=%s validated lines=%d total=%.2f", request, len(order.lines), order.total)
        log.info("request_id=%s queued depth=%d", request, self.depth())
        done: Future[int | None] = self.pool.submit(self._work, request, order, time.monotonic())
        return done.result(PATIENCE)

    def _work(self, request: str, order: Order, queued: float) -> int | None:
        waited = (time.monotonic() - queued) * 1000
        logging.getLogger("orders.worker").info("request_id=%s picked up waited_ms=%.0f", request, waited)
        try:
            return self.orders.process(request, order)
        except Declined:
            return 402
        except (OSError, sqlite3.Error):
            logging.getLogger("orders.worker").exception("request_id=%s failed", request)
            return 503

    def look_up(self, request: str, number: int) -> int:
        """An order from the cache or the database; the HTTP status."""
        if self.cache.get(number, 0) > time.monotonic():
            log.debug("request_id=%s cache hit key=order:%d", request, number)
            return 200
        rows = self.orders.count(number)
        log.debug("request_id=%s cache miss key=order:%d rows=%d", request, number, rows)
        if rows:
            self.cache[number] = int(time.monotonic()) + 120
        return 200 if rows else 404

    def report(self, request: str, kind: str) -> int:
        """A report in pages."""
        log.info("request_id=%s report started kind=%s", request, kind)
        for page in range(1, self.rng.randint(3, 7)):
            time.sleep(self.rng.uniform(0.05, 0.3))
            log.info("request_id=%s report page=%d rows=%d", request, page, self.rng.randint(40, 100))
        log.info("request_id=%s report finished kind=%s", request, kind)
        return 200

    def housekeeping(self) -> None:
        """A heartbeat every 10 s, a sweep of the cache every minute, an export every five."""
        jobs = logging.getLogger("orders.jobs")
        for beat in range(1, sys.maxsize):
            time.sleep(10)
            jobs.info("heartbeat workers=%d queue=%d cached=%d", WORKERS, self.depth(), len(self.cache))
            if beat % 6 == 0:
                self._sweep(jobs)
            if beat % 30 == 0:
                self._export(jobs, beat // 30)

    def _sweep(self, jobs: logging.Logger) -> None:
        now = time.monotonic()
        old = [key for key, until in list(self.cache.items()) if until < now]
        for key in old:
            self.cache.pop(key, None)
        jobs.info("cache sweep removed=%d kept=%d", len(old), len(self.cache))

    def _export(self, jobs: logging.Logger, number: int) -> None:
        jobs.info("job=export-%d started", number)
        for part in range(1, self.rng.randint(4, 9)):
            time.sleep(self.rng.uniform(0.1, 0.5))
            jobs.info("job=export-%d part=%d bytes=%d", number, part, self.rng.randrange(10**5, 10**6))
        jobs.info("job=export-%d finished", number)


class Handler(BaseHTTPRequestHandler):
    """One request. ``/fault`` is the recorder's switch and leaves no line."""

    service: Service

    def do_GET(self) -> None:
        """Look-ups, reports, the length of the queue."""
        if self.path == "/fault":
            return self._send(200, str(self.service.depth()).encode())
        kind, _, value = self.path.strip("/").partition("/")
        if kind == "reports":
            return self._serve(lambda request: self.service.report(request, value))
        return self._serve(lambda request: self.service.look_up(request, int(value)))

    def do_POST(self) -> None:
        """Orders, the fault switch."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/fault":
            vars(self.service.switches).update(body)
            return self._send(200, b"")
        return self._serve(lambda request: self.service.place(request, Order.parse(body)))

    def _serve(self, action) -> None:
        request, began = uuid.uuid4().hex[:8], time.monotonic()
        where = (request, self.command, self.path, self.client_address[0])
        log.info("request_id=%s received method=%s path=%s client=%s", *where)
        status = self._status(action, request)
        if status is None:
            time.sleep(PATIENCE)
            return
        took = (time.monotonic() - began) * 1000
        log.info("request_id=%s replied status=%d duration_ms=%.0f", request, status, took)
        try:
            self._send(status, b"{}")
        except OSError as error:
            log.warning("request_id=%s client went away: %s", request, error)

    def _status(self, action, request: str) -> int | None:
        try:
            return action(request)
        except ValueError as error:
            log.warning("request_id=%s rejected reason=%r", request, str(error))
            return 400
        except sqlite3.Error:
            log.exception("request_id=%s failed", request)
            return 500

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Our own lines say more."""


class Server(ThreadingHTTPServer):
    """A pool of threads, so that their names repeat; a lost request keeps one for a while."""

    pool = ThreadPoolExecutor(HANDLERS, thread_name_prefix="http")

    def process_request(self, request, client_address) -> None:
        """Serve the request on a thread of the pool."""
        self.pool.submit(self.process_request_thread, request, client_address)


def main(port: int, home: Path) -> None:
    """Serve until killed."""
    logging.basicConfig(filename=home / "app.log", format=FORMAT, level=logging.DEBUG)
    Handler.service = Service(home)
    threading.Thread(target=Handler.service.housekeeping, name="jobs", daemon=True).start()
    reload = logging.getLogger("orders.config")
    signal.signal(signal.SIGHUP, lambda *_: reload.info("configuration read again file=orders.toml"))
    log.info("listening address=127.0.0.1 port=%d workers=%d", port, WORKERS)
    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
