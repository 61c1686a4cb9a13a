"""Several workers on a real broker: random faults, the price of a second worker, and what moving state costs.

`python -m tests.benchmarks.scaleout [--rounds 50] [--only faults,cpu,restore,simulation]`

- faults: workers of one group are killed, stopped past their session and woken, added and restarted, the broker is
  killed, at random; then the alerts are held against those of one pipeline a partition that nothing ever happened to.
- cpu: CPU seconds a record of two workers over one, on 8 partitions with frozen models (the broker's apart).
- restore: a partition with 100,000 keys moves to a machine that has nothing.
- simulation: 64 partitions and 1,000,000 keys on one worker: bytes in the state topic, memory, time to restore all.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import psutil
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from tests.benchmarks import stream
from tests.benchmarks.frame import Benchmark
from tests.integration.scaleout import Fleet, Worker, eventually
from tests.kafka.broker import Broker, own_broker

PARTS = ("faults", "cpu", "restore", "simulation")
LINES_A_ROUND = 400
ROUNDS_A_STREAM = 25
"""Rounds after which a fresh topic begins: the reference grows with its length."""

CPU_PARTITIONS, CPU_LINES = 8, 60_000
MOVED_KEYS = 100_000
MANY_PARTITIONS, MANY_KEYS = 64, 1_000_000
PATIENCE_S = 900.0


class Faults:
    """One topic, three workers, and what happens to them."""

    def __init__(self, fleet: Fleet, broker: Broker, rng: Random, log: Callable[[str], None]) -> None:
        self._fleet, self._broker, self._rng, self._log = fleet, broker, rng, log
        self.happened: Counter[str] = Counter()
        fleet.feed(1300)
        for name in ("one", "two", "three"):
            fleet.worker(name)

    def round(self) -> None:
        """More records, and a fault while they are read."""
        self._fleet.feed(self._fleet.fed + LINES_A_ROUND)
        time.sleep(self._rng.uniform(0.0, 4.0))
        kind = self._rng.choices(["kill", "zombie", "broker", "rebalance"], [4, 3, 1, 3])[0]
        worker = self._rng.choice(self._fleet.workers)
        getattr(self, f"_{kind}")(worker)
        self.happened[kind] += 1

    def _kill(self, worker: Worker) -> None:
        worker.kill()
        time.sleep(self._rng.uniform(0.0, 4.0))
        worker.start()

    def _zombie(self, worker: Worker) -> None:
        """Stopped for longer than its session, its partitions move; then it wakes and believes that they are its."""
        worker.signal(signal.SIGSTOP)
        time.sleep(self._rng.uniform(3.5, 7.0))
        worker.signal(signal.SIGCONT)

    def _broker_(self) -> None:
        self._broker.kill()
        time.sleep(self._rng.uniform(0.0, 2.0))
        self._broker.start()

    def _broker(self, worker: Worker) -> None:  # type: ignore[no-redef]
        self._broker_()

    def _rebalance(self, worker: Worker) -> None:
        worker.stop()
        worker.start()
