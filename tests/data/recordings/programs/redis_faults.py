"""What goes wrong with Redis."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from random import Random

import redis

from tests.data.recordings.machine import fill_disk
from tests.data.recordings.program import Program

ADDRESS = ("127.0.0.1", 6379)
BROKEN = (b"*1000000000\r\n$1\r\n", b"*2\r\n$-7\r\n", b"*1\r\nGET\r\n", b"*3\r\n$99999999999\r\n")


class RedisFaults(Program):
    """The faults; the program itself is in ``redis.py``."""

    dump: Path
    server: subprocess.Popen[bytes]
    replica: subprocess.Popen[bytes]

    def start_server(self) -> None:
        """Start the server and wait until it answers."""
        raise NotImplementedError

    def start_replica(self) -> None:
        """Start the replica."""
        raise NotImplementedError

    def client(self, db: int = 0) -> AbstractContextManager[redis.Redis]:
        """A connection of its own."""
        raise NotImplementedError

    def protocol_errors(self, seconds: float) -> None:
        """A client with a broken library sends what is not the protocol."""
        rng = Random(1)
        self.during(seconds, 0.7, lambda: self._send_broken(rng))

    def _send_broken(self, rng: Random) -> None:
        with socket.create_connection(ADDRESS, 5) as link:
            link.sendall(rng.choice(BROKEN))
            link.settimeout(0.5)
            link.recv(100)

    def bgsave_failed(self, seconds: float) -> None:
        """The disk of the snapshots is full; over when a snapshot succeeds again."""
        filler = fill_disk(self.dump)
        with self.client() as db:
            self.during(seconds, 6.0, db.bgsave)
            filler.unlink()
            db.bgsave()
            self.until(lambda: db.info("persistence")["rdb_last_bgsave_status"] == "ok", 90)

    def killed(self, seconds: float) -> None:
        """The server is killed, and started again when somebody notices."""
        self.server.kill()
        self.server.wait()
        time.sleep(seconds - 4)
        self.start_server()
        with self.client() as db:
            self.until(lambda: db.info("replication")["connected_slaves"] == 1)
        time.sleep(2)

    def client_buffer_overflow(self, seconds: float) -> None:
        """Subscribers do not read what they are sent."""
        self.during(seconds, 1.0, self._stuck_subscriber)

    def _stuck_subscriber(self) -> None:
        with socket.create_connection(ADDRESS, 5) as link, self.client() as db:
            link.sendall(b"SUBSCRIBE prices\r\n")
            link.recv(100)
            for _ in range(60):
                db.publish("prices", bytes(200_000))
            time.sleep(0.5)

    def replica_flapping(self, seconds: float) -> None:
        """The replica is killed and started again and again."""
        self.during(seconds - 4, 6.0, self._restart_replica)
        with self.client() as db:
            self.until(lambda: db.info("replication")["connected_slaves"] == 1)
        time.sleep(2)

    def _restart_replica(self) -> None:
        self.replica.kill()
        self.replica.wait()
        time.sleep(0.5)
        self.start_replica()

    def connection_flood(self, seconds: float) -> None:
        """A client opens connections and keeps them, past the limit."""
        with ExitStack() as held:

            def hold() -> None:
                held.enter_context(socket.create_connection(ADDRESS, 5))

            self.during(seconds, 0.1, hold)
