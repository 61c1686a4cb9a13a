"""What one release of the shop does differently from the others: code that keeps, holds, grows or recomputes.

Every trait has an ``onset`` (seconds after the start: a feature is switched on then), and a ``most``. With a small
``most`` the trait is a bounded cache, a log that is rotated, a report that ends; with a large one it is a defect.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from typing import Any, Protocol

import psycopg


class Shop(Protocol):
    """What the traits see of the service."""

    pool: Any
    disk: Any
    counters: Any


class Trait:
    """Does nothing yet; each release overrides what it changes."""

    def __init__(self, shop: Shop, onset: float, step: float, most: float) -> None:
        self.shop, self.step, self.most = shop, step, most
        self._from = time.monotonic() + onset

    @property
    def active(self) -> bool:
        """Whether the feature is switched on."""
        return time.monotonic() >= self._from

    def request(self) -> None:
        """After each request."""

    def order(self, cursor: psycopg.Cursor) -> None:
        """Inside the transaction of each order."""

    def search(self) -> None:
        """In each search."""

    def generation(self) -> int:
        """A part of the cache's keys: what was kept under another one is out of date."""
        return 0

    def related(self) -> int:
        """How many related items a page shows."""
        return 1


class KeptSessions(Trait):
    """Remembers ``step`` bytes of each request in memory, ``most`` bytes in all."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._kept, self._bytes = deque[bytes](), 0

    def request(self) -> None:
        if self.active:
            size = max(64, int(self.step * random.expovariate(1.0)))
            self._kept.append(b"s" * size)
            self._bytes += size
            while self._bytes > self.most:
                self._bytes -= len(self._kept.popleft())


class HeldConnections(Trait):
    """A share ``step`` of the requests keeps a connection; with a ``most`` below 50 for 45 s, else for ever."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._held = deque[tuple[float, psycopg.Connection]]()
        self._lock = threading.Lock()

    def request(self) -> None:
        with self._lock:
            while self._held and self.most < 50 and time.monotonic() - self._held[0][0] > 45:
                connection = self._held.popleft()[1]
                connection.rollback()
                self.shop.pool.give(connection)
            due = self.active and len(self._held) < self.most and random.random() < self.step
        if due:
            connection = self.shop.pool.take()
            connection.execute("SELECT count(*) FROM orders")
            with self._lock:
                self._held.append((time.monotonic(), connection))


class OpenFiles(Trait):
    """Each request leaves ``step`` files that it reads open; at most ``most`` handles are kept."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open = deque[Any]()

    def request(self) -> None:
        if not self.active:
            return
        whole, part = divmod(self.step, 1.0)
        for _ in range(int(whole) + (random.random() < part)):
            self._open.append((self.shop.disk.folder / "catalogue").open("rb"))
        while len(self._open) > self.most:
            self._open.popleft().close()


class WaitingThreads(Trait):
    """A share ``step`` of the requests starts a thread that waits for news; at most ``most`` of them wait."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._waiting = deque[threading.Event]()

    def request(self) -> None:
        if self.active and random.random() < self.step:
            news = threading.Event()
            threading.Thread(target=news.wait, daemon=True).start()
            self._waiting.append(news)
            while len(self._waiting) > self.most:
                self._waiting.popleft().set()


class TalkativeLog(Trait):
    """Writes ``step`` bytes of each request to a log on the small disk; rotated when it holds ``most`` bytes."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._path = self.shop.disk.folder / "debug.log"
        self._file, self._lock = self._path.open("ab", buffering=0), threading.Lock()

    def request(self) -> None:
        if not self.active:
            return
        with self._lock:
            self._file.write(b"d" * max(16, int(self.step * random.expovariate(1.0))))
            if self._file.tell() > self.most:
                self._file.truncate(0)
                self._file.seek(0)


class AuditedOrders(Trait):
    """Orders lock one row of totals, and hold it ``step`` seconds longer with each order, up to ``most``."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._orders = 0

    def order(self, cursor: psycopg.Cursor) -> None:
        if self.active:
            self._orders += 1
            cursor.execute("UPDATE totals SET orders = orders + 1 WHERE id = 1")
            held = min(self.most, self.step * self._orders) * random.uniform(0.6, 1.4)
            cursor.execute("SELECT pg_sleep(%s)", (held,))


class RankedSearch(Trait):
    """Each search ranks a history that grows by ``step`` entries, up to ``most``."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._history = deque[int](maxlen=max(1, int(self.most)))

    def search(self) -> None:
        if self.active:
            self._history.extend(random.randrange(1 << 30) for _ in range(max(1, int(self.step))))
            sorted(self._history, key=lambda entry: entry % 65_521)


class RelatedItems(Trait):
    """All cached values go out of date together, and each page shows more related items: ``step`` more a second."""

    PERIOD = 9.0

    def generation(self) -> int:
        return int(time.monotonic() / self.PERIOD) if self.active else 0

    def related(self) -> int:
        grown = self.step * max(0.0, time.monotonic() - self._from)
        whole, part = divmod(min(self.most, 1.0 + grown), 1.0)
        return int(whole) + (random.random() < part)


TRAITS: dict[str, type[Trait]] = {
    trait.__name__: trait
    for trait in (
        KeptSessions,
        HeldConnections,
        OpenFiles,
        WaitingThreads,
        TalkativeLog,
        AuditedOrders,
        RankedSearch,
        RelatedItems,
    )
}
