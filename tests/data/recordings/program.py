"""What every recorded program has in common: its processes, its clients and how busy they are."""

from __future__ import annotations

import logging
import math
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from tests.data.recordings.plan import Fault

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0


class Pace:
    """How busy the clients are: a slow swing, and bursts of 20 s every few minutes."""

    def __init__(self, rng: Random, seconds: float) -> None:
        self._phase = rng.uniform(0, 2 * math.pi)
        self._bursts = [s + rng.uniform(60, 220) for s in range(0, int(seconds), 300)]
        self._began = time.monotonic()

    def factor(self) -> float:
        """The present load relative to the mean, about 0.7 to 3."""
        t = time.monotonic() - self._began
        swing = 1 + 0.3 * math.sin(2 * math.pi * t / 700 + self._phase)
        burst = any(start <= t < start + 20 for start in self._bursts)
        return swing * (2.3 if burst else 1.0)


@dataclass(frozen=True)
class Activity:
    """Something that clients do again and again, ``every`` seconds in the mean on each thread."""

    action: Callable[[Random], None]
    every: float
    threads: int = 1
    periodic: bool = False

    def pause(self, rng: Random, pace: Pace) -> float:
        """Seconds until the next time: fixed for a periodic job, else exponential."""
        if self.periodic:
            return self.every
        return rng.expovariate(pace.factor() / self.every)


class Program(ABC):
    """A program under load. ``home`` holds its data and its logs (``SOURCE.log``)."""

    name: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    client_errors: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.seed = seed
        self.over = threading.Event()
        self.children: list[subprocess.Popen[bytes]] = []

    @abstractmethod
    def start(self) -> None:
        """Start the program and return when it answers."""

    @abstractmethod
    def activities(self) -> Sequence[Activity]:
        """What its clients do."""

    @abstractmethod
    def faults(self) -> Sequence[Fault]:
        """What goes wrong, in the order of injection."""

    def log_path(self, source: str) -> Path:
        """Where the program writes the log of this source."""
        return self.home / f"{source}.log"

    def pids(self) -> list[int]:
        """The roots of its process tree."""
        return [child.pid for child in self.children if child.poll() is None]

    def spawn(self, argv: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
        """Start a process that ``stop`` will end."""
        child: subprocess.Popen[bytes] = subprocess.Popen([str(a) for a in argv], **options)
        self.children.append(child)
        return child

    def stop(self) -> None:
        """End the clients, then the processes, last started first."""
        self.over.set()
        for child in reversed(self.children):
            child.terminate()
        for child in reversed(self.children):
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_SECONDS)
            child.kill()

    def run_clients(self, pace: Pace) -> None:
        """Start one thread per client; they run until ``stop``."""
        for number, activity in enumerate(self.activities()):
            for thread in range(activity.threads):
                rng = Random(f"{self.seed}/{self.name}/{number}/{thread}")
                args = (activity, rng, pace)
                threading.Thread(target=self._repeat, args=args, daemon=True).start()

    def _repeat(self, activity: Activity, rng: Random, pace: Pace) -> None:
        while not self.over.wait(activity.pause(rng, pace)):
            with suppress(*self.client_errors):
                activity.action(rng)

    def during(self, seconds: float, every: float, action: Callable[[], object]) -> None:
        """Call ``action`` every so often for ``seconds``; what clients suffer is expected."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.over.is_set():
            with suppress(*self.client_errors):
                action()
            self.over.wait(every)

    def until(self, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until ``ready()`` holds; raise TimeoutError after ``seconds``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(*self.client_errors):
                if ready():
                    return
            time.sleep(0.2)
        raise TimeoutError(f"{self.name} is not ready after {seconds:.0f} s")


def wait(rng: Random, low: float, high: float) -> None:
    """Let a client think."""
    time.sleep(rng.uniform(low, high))
