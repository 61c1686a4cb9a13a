"""Depot, a Python service of ours: what aiohttp, SQLAlchemy, botocore, paramiko, asyncssh and others log below it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.programs.prometheus_world import Server, World
from tests.data.recordings.templates.python_programs import environment, install, installed, shortened
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

PACKAGES = ("aiohttp", "aiosqlite", "apscheduler<4", "asyncssh", "boto3", "moto[server]", "paramiko", "requests")
PACKAGES += ("sqlalchemy[asyncio]", "watchdog")
LIBRARIES = ("aiohttp", "sqlalchemy", "aiosqlite", "botocore", "paramiko", "asyncssh", "apscheduler", "watchdog")
WORK = ("upload", "transfer", "queue", "call", "call")
URLS = (
    "http://localhost:9200/good",
    "http://localhost:9200/cut",
    "http://localhost:9200/slow",
    "http://localhost:1/",
    "x:",
)
BROKEN = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /papers HTTP/1.1\r\nBad Header\r\n\r\n",
    b"\x16\x03\1",
    b"GET",
)
LIVES = (("info", 50), ("debug", 40), ("debug", 40), ("info", 40), ("debug", 30))


class DepotProgram(TemplateProgram):
    """Depot."""

    name = "depot"
    title = "a Python service of ours, its libraries' lines:"
    language = "Python"
    half = "design"
    how = (
        "a log handler that finds the frame that logged, past functions that only forward; pages, SQL, uploads, "
        "queues, SFTP, jobs, INFO and DEBUG in turn; storage gone, database locked and emptied, wrong passwords, "
        "broken requests"
    )
    header = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<level>[A-Z]+) +\[[^\]]*\] [\w.]+: "
    limit = 12_000
    wrappers: ClassVar = {
        r"warnings\.py:\d+": "warnings of any module",
        r"sqlalchemy/engine/base\.py:1923": "a statement in SQL and nothing else",
    }

    @classmethod
    def prepare(cls) -> None:
        """An environment of its own."""
        install(cls.name, *PACKAGES)

    def version(self) -> str:
        """Of the libraries that say most."""
        return ", ".join(f"{name} {installed(self.name, name)}" for name in LIBRARIES)

    def lines(self) -> Iterator[Line]:
        """Marked lines."""
        return shortened(super().lines(), self.home)

    def drive(self) -> None:
        """Five lives; the storage service dies in the third, the database is locked in the fourth."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        shutil.copy(Path(__file__).with_name("depot_app.py"), self.home)
        threading.Thread(target=Server(("127.0.0.1", 9200), World).serve_forever, daemon=True).start()
        for number, (level, seconds) in enumerate(LIVES):
            storage = self.storage()
            depot = self.depot(level)
            clients = [threading.Thread(target=self.client, args=(seconds, Random(f"{number}/{n}"))) for n in range(3)]
            for client in clients:
                client.start()
            self.harm(number, seconds, storage)
            for client in clients:
                client.join()
            depot.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGKILL)[number % 3])
            with suppress(subprocess.TimeoutExpired):
                depot.wait(20)
            depot.kill()
            storage.kill()
            storage.wait()

    def storage(self) -> subprocess.Popen[bytes]:
        """The object store and queues, not recorded."""
        argv = [environment(self.name) / "moto_server", "-p", "5000"]
        child = self.spawn(argv, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.until(lambda: bool(socket.create_connection(("localhost", 5000), 1).close() or True))
        return child

    def depot(self, level: str) -> subprocess.Popen[bytes]:
        """Start the service."""
        with self.raw().open("ab") as out:
            argv = [environment(self.name) / "python", "depot_app.py", level]
            child = self.spawn(
                argv, cwd=self.home, stdout=out, stderr=out, env={**os.environ, "PYTHONASYNCIODEBUG": "1"}
            )
        self.until(lambda: bool(socket.create_connection(("localhost", 8000), 1).close() or True))
        return child

    def harm(self, number: int, seconds: float, storage: subprocess.Popen[bytes]) -> None:
        """One fault of this life."""
        time.sleep(seconds / 2)
        if number == 2:
            storage.kill()
        elif number == 3:
            with sqlite3.connect(self.home / "depot.db") as link:
                link.execute("BEGIN EXCLUSIVE")
                time.sleep(9)
        elif number == 4:
            with sqlite3.connect(self.home / "depot.db") as link:
                link.execute("DROP TABLE papers")

    def client(self, seconds: float, rng: Random) -> None:
        """Requests of all kinds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(OSError):
                rng.choice((self.page, self.page, self.work, self.work, self.fetch, self.misbehave))(rng)
            time.sleep(rng.expovariate(4))

    def ask(self, path: str, data: bytes | None = None) -> None:
        """One request."""
        urllib.request.urlopen(f"http://localhost:8000/{path}", data, timeout=8).read()

    def page(self, rng: Random) -> None:
        """List, add, fail."""
        body = rng.choice((b'{"name": "bill", "size": %d}' % rng.randrange(10**6),) * 4 + (b"{", b"{}", b"x" * 60_000))
        self.ask(rng.choice(("papers", "papers?page=2", "nowhere", "slow?s=0.4", "slow?s=3", "spoil")))
        self.ask("papers", body)

    def work(self, rng: Random) -> None:
        """Ask for blocking work."""
        self.ask(f"work/{rng.choice(WORK)}", b"")

    def fetch(self, rng: Random) -> None:
        """Let it fetch."""
        self.ask(f"fetch?url={urllib.parse.quote(rng.choice(URLS))}")

    def misbehave(self, rng: Random) -> None:
        """Broken HTTP, broken SSH, and clients that leave."""
        with socket.create_connection(("localhost", 8000), 1) as link:
            link.send(rng.choice(BROKEN))
        with socket.create_connection(("localhost", 8022), 1) as link:
            link.send(
                rng.choice((b"SSH-1.0-old\r\n", b"GET / HTTP/1.0\r\n\r\n", b"SSH-2.0-x\r\n" + rng.randbytes(300), b""))
            )
            time.sleep(0.1)


if __name__ == "__main__":
    assert __spec__ is not None
    main(DepotProgram, __spec__.name)
