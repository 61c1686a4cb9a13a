"""What goes wrong with PostgreSQL."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import psutil
import psycopg

from tests.data.recordings.machine import fill_disk
from tests.data.recordings.program import Program

STORM_SESSIONS = 20
FLOOD_SESSIONS = 60


class PostgresqlFaults(Program):
    """The faults; the program itself is in ``postgresql.py``."""

    password: str
    data: Path

    def connect(self, user: str = "shop_app", password: str = "") -> psycopg.Connection:
        """A session of this user."""
        raise NotImplementedError

    def lock_storm(self, seconds: float) -> None:
        """One session keeps a row locked; others queue up behind it."""
        with self.connect() as holder:
            holder.execute("UPDATE items SET stock = stock - 1 WHERE id = 1")
            waiters = [threading.Thread(target=self._want_row) for _ in range(STORM_SESSIONS)]
            for waiter in waiters:
                waiter.start()
                time.sleep(seconds / 2 / STORM_SESSIONS)
            time.sleep(seconds / 2)
        for waiter in waiters:
            waiter.join()

    def _want_row(self) -> None:
        with suppress(psycopg.Error), self.connect() as db:
            db.execute("UPDATE items SET stock = stock - 1 WHERE id = 1")

    def backends_killed(self, seconds: float) -> None:
        """Backends are killed as the kernel does when memory is short: the server restarts itself."""
        self.during(seconds - 3, 10.0, self._kill_backend)
        self.until(lambda: self.connect().closed is False)

    def _kill_backend(self) -> None:
        server = psutil.Process(self.pids()[0])
        for child in server.children():
            if "shop_app" in " ".join(child.cmdline()):
                child.kill()
                return

    def password_rotated(self, seconds: float) -> None:
        """The password changes and the application goes on with the old one."""
        new = f"{self.password}-{int(seconds)}"
        with self.connect("postgres") as db:
            db.execute(f"ALTER ROLE shop_app PASSWORD '{new}'")
        time.sleep(seconds)
        self.password = new

    def disk_full(self, seconds: float) -> None:
        """The disk of a tablespace fills up."""
        filler = fill_disk(self.home / "audit")
        time.sleep(seconds)
        filler.unlink()

    def deadlocks(self, seconds: float) -> None:
        """A release updates rows in the opposite order."""
        pairs = [threading.Thread(target=self._updates, args=(n, seconds)) for n in range(4)]
        for pair in pairs:
            pair.start()
        for pair in pairs:
            pair.join()

    def _updates(self, number: int, seconds: float) -> None:
        rng = Random(number)
        self.during(seconds, 0.6, lambda: self._update_both(number % 2 == 0, rng))

    def _update_both(self, ascending: bool, rng: Random) -> None:
        with self.connect() as db:
            for item in sorted((11, 12), reverse=not ascending):
                db.execute("UPDATE items SET stock = stock - 1 WHERE id = %s", (item,))
                time.sleep(rng.uniform(0.1, 0.6))

    def too_many_connections(self, seconds: float) -> None:
        """A client leaks connections until the server takes no more."""
        with ExitStack() as leaked:

            def leak() -> None:
                leaked.enter_context(self.connect())

            self.during(seconds, seconds / FLOOD_SESSIONS / 2, leak)
