"""The metrics of one deployment, every half second: its process tree, and what its parts count about themselves.

Each source is asked in a thread of its own; one that does not answer before the step is over leaves its cells empty.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import redis

from tests.data.deployments.stack import Stack

STEP = 0.5
LATE = 0.42  # seconds after the step begins, when the row is closed
Values = dict[str, float]


class Rates:
    """Turns totals into values per second."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}

    def __call__(self, totals: Mapping[str, float]) -> Values:
        """Per second since the last call; a total's first call, or a smaller total, gives nothing."""
        now, rates = time.monotonic(), {}
        for name, total in totals.items():
            before, then = self._last.get(name, (total + 1.0, now))
            self._last[name] = (total, now)
            if total >= before and now > then:
                rates[name] = (total - before) / (now - then)
        return rates


class Tree:
    """The processes of the group, by what the kernel says."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._rates = stack, Rates()
        self._shop = Path(f"/proc/{stack.processes['shop'].pid}")
        self._seen: dict[tuple[int, str], int] = {}

    def __call__(self) -> Values:
        group, disk = self._stack.group, os.statvfs(self._stack.disk)
        memory, pids = group.memory_stat(), group.pids()
        totals: Values = {
            "cpu_cores": group.cpu_seconds(),
            "cpu_throttled_share": group.throttled_seconds(),
            "page_faults_per_s": memory["pgfault"],
            **self._summed(pids),
        }
        status = _table(self._shop / "status")
        descriptors = os.listdir(self._shop / "fd")
        return {
            **self._rates(totals),
            "memory_rss_bytes": memory["rss"],
            "memory_limit_share": (memory["rss"] + memory.get("shmem", 0)) / group.memory,
            "processes": len(pids),
            "threads": group.used_tasks(),
            "shop_rss_bytes": int(status["VmRSS"].split()[0]) * 1024,
            "shop_threads": int(status["Threads"]),
            "shop_open_fds": len(descriptors),
            "disk_used_bytes": (disk.f_blocks - disk.f_bfree) * disk.f_frsize,
            "disk_used_share": 1 - disk.f_bfree / disk.f_blocks,
            "disk_files": disk.f_files - disk.f_ffree,
        }

    def _summed(self, pids: list[int]) -> Values:
        """Totals over all processes, of those that have ended too."""
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, KeyError):
                status, io = _table(Path(f"/proc/{pid}/status")), _table(Path(f"/proc/{pid}/io"))
                self._seen[pid, "read_bytes_per_s"] = int(io["rchar"])
                self._seen[pid, "written_bytes_per_s"] = int(io["wchar"])
                self._seen[pid, "waits_per_s"] = int(status["voluntary_ctxt_switches"])
                self._seen[pid, "preemptions_per_s"] = int(status["nonvoluntary_ctxt_switches"])
        sums: Values = {}
        for (_, name), value in self._seen.items():
            sums[name] = sums.get(name, 0.0) + value
        return sums


def _table(path: Path) -> dict[str, str]:
    return dict(
        line.split(":\t" if ":\t" in line else ": ", 1) for line in path.read_text().splitlines() if ":" in line
    )


class ShopCounters:
    """The shop's own counters: requests, latency, queue, pool, cache, price service, garbage collector."""

    GAUGES = ("request_p50", "request_p95", "request_max", "price_p50", "price_max", "pool_wait_max")

    def __init__(self, stack: Stack) -> None:
        self._path, self._rates = str(stack.home / "counters"), Rates()

    def __call__(self) -> Values:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LATE)
            connection.connect(self._path)
            text = b"".join(iter(lambda: connection.recv(65_536), b""))
        seen = json.loads(text)
        totals = ("cache_hits", "cache_misses", "price_retries", "gc_collections", "request_calls", "price_calls")
        rates = self._rates({name: seen.get(name, 0) for name in totals})
        values = {f"shop_{name}_per_s": rate for name, rate in rates.items()}
        values |= {f"shop_{name}_seconds": seen.get(name, 0.0) for name in self.GAUGES}
        values |= {f"shop_{name}": seen[name] for name in ("queue_depth", "workers_busy", "pool_used")}
        asked = rates.get("cache_hits", 0.0) + rates.get("cache_misses", 0.0)
        if asked:
            values["shop_cache_hit_ratio"] = rates["cache_hits"] / asked
        return values


class RedisCounters:
    """The cache."""

    def __init__(self, stack: Stack) -> None:
        self._redis, self._rates = redis.Redis(port=stack.redis, socket_timeout=LATE), Rates()

    def __call__(self) -> Values:
        seen = self._redis.info()
        keys = seen.get("db0", {}).get("keys", 0)
        totals = {"redis_commands_per_s": seen["total_commands_processed"], "redis_expired_per_s": seen["expired_keys"]}
        return {**self._rates(totals), "redis_used_bytes": seen["used_memory"], "redis_keys": keys}


class PostgresCounters:
    """The database."""

    QUERY = (
        "SELECT count(*) FILTER (WHERE application_name = 'shop'), "
        "count(*) FILTER (WHERE application_name = 'shop' AND state = 'active'), "
        "count(*) FILTER (WHERE application_name = 'shop' AND wait_event_type = 'Lock'), "
        "count(*) FILTER (WHERE application_name = 'shop' AND state = 'idle in transaction') FROM pg_stat_activity"
    )
    TOTALS = (
        "SELECT xact_commit, blks_hit, blks_read, tup_returned, tup_inserted FROM pg_stat_database "
        "WHERE datname = 'postgres'"
    )

    def __init__(self, stack: Stack) -> None:
        self._connection = psycopg.connect(stack.dsn("metrics"), autocommit=True)
        self._rates = Rates()

    def __call__(self) -> Values:
        gauges = self._connection.execute(self.QUERY).fetchone() or ()
        totals = self._connection.execute(self.TOTALS).fetchone() or ()
        names = ("connections", "active", "lock_waits", "idle_in_transaction")
        rates = ("commits", "blocks_hit", "blocks_read", "rows_read", "rows_inserted")
        values = {f"postgres_{name}": float(value) for name, value in zip(names, gauges, strict=True)}
        named = {f"postgres_{name}_per_s": float(value) for name, value in zip(rates, totals, strict=True)}
        return values | self._rates(named)


class NginxCounters:
    """The proxy."""

    def __init__(self, stack: Stack) -> None:
        self._port, self._rates = stack.nginx, Rates()

    def __call__(self) -> Values:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LATE)
        with contextlib.closing(connection):
            connection.request("GET", "/nginx")
            words = connection.getresponse().read().split()
        return {"nginx_active": float(words[2]), **self._rates({"nginx_requests_per_s": float(words[9])})}


SOURCES: tuple[Callable[[Stack], Callable[[], Values]], ...] = (
    Tree,
    ShopCounters,
    RedisCounters,
    PostgresCounters,
    NginxCounters,
)


class Sampler:
    """Rows of ``(step's time in unix seconds, values)``, one every ``STEP`` seconds from ``began`` on."""

    def __init__(self, stack: Stack, began: float) -> None:
        self._began, self._over = began, threading.Event()
        self.rows: list[tuple[float, Values]] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(s(stack),), daemon=True) for s in SOURCES]
        for thread in self._threads:
            thread.start()

    def _ask(self, source: Callable[[], Values]) -> None:
        step = 0
        while not self._over.wait(max(0.0, self._began + step * STEP - time.time())):
            values: Values = {}
            with contextlib.suppress(OSError, ValueError, KeyError, redis.RedisError, psycopg.Error):
                values = source()
            with self._lock:
                if time.time() < self._began + step * STEP + LATE:
                    while len(self.rows) <= step:
                        self.rows.append((self._began + len(self.rows) * STEP, {}))
                    self.rows[step][1].update(values)
            step = max(step + 1, int((time.time() - self._began) / STEP))

    def finish(self) -> list[tuple[float, Values]]:
        """Stop and give the rows."""
        self._over.set()
        for thread in self._threads:
            thread.join(2.0)
        return self.rows
