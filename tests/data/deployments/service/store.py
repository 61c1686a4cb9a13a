"""Where the shop keeps things: a pool of PostgreSQL connections, a cache in Redis, receipts on a small disk."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis
from counters import Counters


class PoolTimeout(Exception):
    """No connection became free in time."""


class Pool:
    """At most ``size`` connections, opened when needed."""

    def __init__(self, dsn: str, size: int, counters: Counters) -> None:
        self._dsn, self._free = dsn, deque[psycopg.Connection]()
        self._permits, self._size, self.used = threading.Semaphore(size), size, 0
        self._counters = counters
        counters.gauges["pool_used"] = lambda: self.used

    def take(self) -> psycopg.Connection:
        """A connection for the caller, who must ``give`` it back."""
        began = time.monotonic()
        if not self._permits.acquire(timeout=1.5):
            raise PoolTimeout
        self._counters.took("pool_wait", time.monotonic() - began)
        self.used += 1
        try:
            connection = self._free.pop() if self._free else psycopg.connect(self._dsn, connect_timeout=2)
        except BaseException:
            self._release()
            raise
        return connection

    def give(self, connection: psycopg.Connection) -> None:
        """Return a connection; a broken one is closed."""
        if connection.broken or connection.closed:
            connection.close()
        else:
            self._free.append(connection)
        self._release()

    def _release(self) -> None:
        self.used -= 1
        self._permits.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[psycopg.Cursor]:
        """A transaction on a connection of the pool."""
        connection = self.take()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor
        finally:
            self.give(connection)


class Cache:
    """Values with a time to live, and what share of the questions they answered."""

    def __init__(self, port: int, counters: Counters) -> None:
        self._redis = redis.Redis(port=port, socket_timeout=1.0, max_connections=32)
        self._counters = counters

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        value = self._redis.get(key)
        self._counters.add("cache_misses" if value is None else "cache_hits")
        return value

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for ``seconds``."""
        self._redis.set(key, value, px=int(seconds * 1000))


class Disk:
    """The receipts of orders: the last ``keep`` of them, a file each."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self._keep, self._names = folder, keep, deque[Path]()

    def receipt(self, order: int, size: int) -> Path:
        """Write a receipt, delete the oldest."""
        path = self.folder / f"receipt-{order}-{time.monotonic_ns()}"
        with path.open("wb") as file:
            file.write(os.urandom(size))
        self._names.append(path)
        while len(self._names) > self._keep:
            self._names.popleft().unlink(missing_ok=True)
        return path
