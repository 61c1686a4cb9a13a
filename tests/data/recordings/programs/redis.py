"""Redis as a session cache with a replica: short sessions, queues, snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import ClassVar

import redis

from tests.data.recordings.machine import small_disk
from tests.data.recordings.plan import Fault
from tests.data.recordings.program import Activity, Program, wait
from tests.data.recordings.programs.redis_faults import RedisFaults

PORT, REPLICA_PORT = 6379, 6380
SETTINGS = """
bind 127.0.0.1
port {port}
dir {dir}
logfile {log}
loglevel {level}
always-show-logo no
save {save}
maxclients 120
stop-writes-on-bgsave-error no
maxmemory 64mb
maxmemory-policy noeviction
client-output-buffer-limit pubsub 1mb 512kb 10
repl-diskless-sync-delay 1
repl-timeout 20
proc-title-template "{{title}} {{listen-addr}}"
"""


class Redis(RedisFaults, Program):
    """A Redis 7 server on port 6379 and its replica; the log is the server's."""

    name: ClassVar[str] = "redis"
    sources: ClassVar[tuple[str, ...]] = ("redis",)
    client_errors: ClassVar[tuple[type[Exception], ...]] = (OSError, redis.RedisError)

    def start(self) -> None:
        """Start the server and the replica."""
        self.dump = self.home / "dump"
        small_disk(self.dump, "16m")
        self._configure("redis", PORT, self.dump, "debug", "60 200")
        self._configure("replica", REPLICA_PORT, self.home / "replica", "notice", '""')
        self.start_server()
        self.start_replica()

    def activities(self) -> Sequence[Activity]:
        """Web sessions, a work queue, subscribers, jobs."""
        return (
            Activity(self._session, every=1.6, threads=2),
            Activity(self._cache, every=1.1),
            Activity(self._queue, every=6.0, threads=2),
            Activity(self._subscriber, every=20.0, threads=2),
            Activity(self._publish, every=2.0),
            Activity(self._bulk_import, every=160.0),
            Activity(self._backup, every=240.0, periodic=True),
            Activity(self._save_settings, every=500.0, periodic=True),
            Activity(self._network_blip, every=380.0, periodic=True),
        )

    def faults(self) -> Sequence[Fault]:
        """Six kinds of trouble."""
        here = self.sources
        return (
            Fault("protocol_errors", 45, here, self.protocol_errors),
            Fault("bgsave_failed", 45, here, self.bgsave_failed),
            Fault("killed", 40, here, self.killed),
            Fault("client_buffer_overflow", 45, here, self.client_buffer_overflow),
            Fault("replica_flapping", 50, here, self.replica_flapping),
            Fault("connection_flood", 45, here, self.connection_flood),
        )

    def start_server(self) -> None:
        """Start the server and wait until it answers."""
        self.server = self.spawn(["redis-server", self.home / "redis.conf"])
        with self.client() as db:
            self.until(db.ping)

    def start_replica(self) -> None:
        """Start the replica; it asks the server for everything."""
        master = ("--replicaof", "127.0.0.1", str(PORT))
        self.replica = self.spawn(["redis-server", self.home / "replica.conf", *master])

    @contextmanager
    def client(self, db: int = 0) -> Iterator[redis.Redis]:
        """A connection of its own."""
        pool = redis.ConnectionPool(host="127.0.0.1", port=PORT, db=db, socket_timeout=15)
        client = redis.Redis(connection_pool=pool)
        try:
            yield client
        finally:
            pool.disconnect()

    def _configure(self, name: str, port: int, folder: Path, level: str, save: str) -> None:
        folder.mkdir(exist_ok=True)
        log = self.log_path(name)
        text = SETTINGS.format(port=port, dir=folder, log=log, level=level, save=save)
        (self.home / f"{name}.conf").write_text(text)

    def _session(self, rng: Random) -> None:
        with self.client() as db:
            key = f"session:{rng.randrange(4000)}"
            db.hset(key, mapping={"user": rng.randrange(900), "cart": "x" * rng.randrange(300)})
            db.expire(key, rng.randrange(60, 400))
            wait(rng, 0.05, 1.5)
            db.hgetall(key)

    def _cache(self, rng: Random) -> None:
        with self.client(db=1) as db:
            key = f"page:{rng.randrange(1500)}"
            if db.get(key) is None:
                db.set(key, rng.randbytes(600).hex(), ex=rng.randrange(30, 600))

    def _queue(self, rng: Random) -> None:
        with self.client() as db:
            for number in range(rng.randint(1, 12)):
                db.lpush("jobs", f"job {number}")
                wait(rng, 0.1, 0.6)
                db.brpop(["jobs"], timeout=1)

    def _subscriber(self, rng: Random) -> None:
        with self.client() as db, db.pubsub() as channel:
            channel.subscribe("news")
            for _ in range(rng.randrange(10, 60)):
                channel.get_message(timeout=1.0)

    def _publish(self, rng: Random) -> None:
        with self.client() as db:
            db.publish("news", "n" * rng.randrange(100, 2000))

    def _bulk_import(self, rng: Random) -> None:
        with self.client(db=2) as db:
            for _ in range(rng.randint(20, 60)):
                db.mset({f"price:{rng.randrange(3000)}": rng.randbytes(100).hex() for _ in range(20)})
                wait(rng, 0.02, 0.1)

    def _backup(self, rng: Random) -> None:
        with self.client() as db:
            db.bgsave()

    def _save_settings(self, rng: Random) -> None:
        with self.client() as db:
            db.config_set("slowlog-max-len", rng.randrange(100, 200))
            db.config_rewrite()

    def _network_blip(self, rng: Random) -> None:
        with self.client() as db:
            db.execute_command("CLIENT", "KILL", "TYPE", "replica")
