"""Clients of the shop, who alone note what went wrong; and the judge of failure."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field

TIMEOUT = 2.0
WINDOW = 10.0  # seconds of answers that the judge looks at
SHARE = 0.05
LEAST = 6  # errors in the window: one slip in a quiet moment is no failure
ITEMS = 600
KINDS = ("item", "search", "order", "price")
WEIGHTS = (56, 14, 15, 15)


@dataclass
class Judge:
    """Failure: more than 5 % of the answers of the last ten seconds were errors, and at least six of them."""

    answers: deque[tuple[float, bool]] = field(default_factory=deque)
    asked: int = 0
    errors: int = 0
    failed_at: float | None = None

    def note(self, at: float, ok: bool) -> None:
        """An answer, or none in time, at unix time ``at``."""
        self.asked += 1
        self.errors += not ok
        self.answers.append((at, ok))
        while self.answers[0][0] <= at - WINDOW:
            self.answers.popleft()
        wrong = sum(not good for _, good in self.answers)
        if self.failed_at is None and wrong >= LEAST and wrong > SHARE * len(self.answers):
            self.failed_at = at

    def died(self, at: float) -> None:
        """A process of the service has ended by itself."""
        if self.failed_at is None:
            self.failed_at = at


@dataclass(frozen=True)
class Traffic:
    """Requests per second: ``mean``, a slow swing, a random walk, and bursts ``(start, seconds, factor)``."""

    mean: float
    swing: float
    period: float
    bursts: tuple[tuple[float, float, float], ...]

    def rate(self, now: float) -> float:
        """Requests per second ``now`` seconds after the start."""
        rate = self.mean * (1 + self.swing * math.sin(2 * math.pi * now / self.period))
        for start, seconds, factor in self.bursts:
            inside = min(1.0, max(0.0, (now - start) / 5), max(0.0, (start + seconds - now) / 5))
            rate *= 1 + (factor - 1) * inside
        return rate


class Clients:
    """Asks at random times, whether or not there was an answer to what was asked before."""

    def __init__(self, port: int, traffic: Traffic, judge: Judge, again: float, seed: str) -> None:
        self._port, self._traffic, self._judge, self._again = port, traffic, judge, again
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._drift = 1.0

    async def run(self, seconds: float, over: asyncio.Event) -> None:
        """Ask for ``seconds``, or until ``over``."""
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds and not over.is_set():
            self._drift = min(1.3, max(0.75, self._drift * math.exp(self._random.gauss(0, 0.01))))
            self._later(self._ask(self._path()))
            await asyncio.sleep(self._random.expovariate(self._traffic.rate(now) * self._drift))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _path(self) -> str:
        kind = self._random.choices(KINDS, WEIGHTS)[0]
        return f"/{kind}/{min(ITEMS - 1, int(self._random.paretovariate(0.35)) - 1)}"

    async def _ask(self, path: str, attempt: int = 0) -> None:
        ok = False
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(f"GET {path} HTTP/1.0\r\nHost: shop\r\n\r\n".encode())
                    ok = b" 200 " in await reader.readline()
                    await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            ok = False
        self._judge.note(time.time(), ok)
        if not ok and attempt < 2 and self._random.random() < self._again:
            await self._ask(path, attempt + 1)
