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
from tests.integration.scaleout import Fleet, Worker
from tests.kafka.broker import LocalBroker, own_broker

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

    def __init__(self, fleet: Fleet, broker: LocalBroker, rng: Random) -> None:
        self._fleet, self._broker, self._rng = fleet, broker, rng
        self.happened: Counter[str] = Counter()
        fleet.feed(1300)
        for name in ("one", "two", "three"):
            fleet.worker(name)

    def round(self) -> None:
        """More records, and a fault while they are read."""
        self._fleet.feed(self._fleet.fed + LINES_A_ROUND)
        time.sleep(self._rng.uniform(0.0, 4.0))
        faults: dict[str, Callable[[Worker], None]] = {
            "kill": self._kill,
            "zombie": self._stop_and_wake,
            "broker": self._restart_broker,
            "rebalance": self._restart,
        }
        kind = self._rng.choices(list(faults), [4, 3, 1, 3])[0]
        faults[kind](self._rng.choice(self._fleet.workers))
        self.happened[kind] += 1

    def _kill(self, worker: Worker) -> None:
        worker.kill()
        time.sleep(self._rng.uniform(0.0, 4.0))
        worker.start()

    def _stop_and_wake(self, worker: Worker) -> None:
        """For longer than its session: its partitions move, and it wakes in the belief that they are its own."""
        worker.signal(signal.SIGSTOP)
        time.sleep(self._rng.uniform(3.5, 7.0))
        worker.signal(signal.SIGCONT)

    def _restart_broker(self, worker: Worker) -> None:
        self._broker.kill()
        time.sleep(self._rng.uniform(0.0, 2.0))
        self._broker.start()

    def _restart(self, worker: Worker) -> None:
        worker.stop()
        worker.start()


def faults(bench: Benchmark, folder: Path, broker: LocalBroker, rounds: int) -> None:
    """Alerts that committed readers of the alert topic see, against those of pipelines that nothing happened to."""
    rng, done = Random(bench.seed), 0
    lost = doubled = wrong = compared = 0
    happened: Counter[str] = Counter()
    while done < rounds:
        home = folder / f"faults{done}"
        home.mkdir()
        learning = "frozen" if (done // ROUNDS_A_STREAM) % 2 else "online"
        fleet = Fleet(home, broker.bootstrap, 4, {"learning": learning})
        try:
            run = Faults(fleet, broker, rng)
            for _ in range(min(ROUNDS_A_STREAM, rounds - done)):
                run.round()
                done += 1
            happened += run.happened
            fleet.finish()
            for worker in fleet.workers:
                worker.stop()
            expected, told = fleet.expected(), fleet.committed_alerts()
        finally:
            fleet.close()
        compared += expected.total()
        lost += (expected - told).total()
        doubled += sum(count - 1 for count in told.values())
        wrong += len(told.keys() - expected.keys())
        bench.log(f"{done} rounds: {dict(happened)}, {compared} alerts, lost {lost}, doubled {doubled}, wrong {wrong}")
    bench.figure("fault_rounds", done)
    bench.figure("alerts_compared", compared)
    for name, value in (("lost", lost), ("doubled", doubled), ("wrong", wrong)):
        bench.figure(f"alerts_{name}", value, floor=0, aim=0)


def produce(fleet: Fleet, partition: int, lines: Iterator[str]) -> None:
    """Lines into one partition."""
    producer = KafkaProducer(bootstrap_servers=fleet.bootstrap, linger_ms=50, batch_size=2**18, compression_type="lz4")
    for line in lines:
        producer.send(fleet.topic, value=line.encode(), partition=partition)
    producer.flush()
    producer.close()


def spent(worker: Worker) -> float:
    """CPU seconds of a worker and its children so far."""
    assert worker.process is not None
    own = psutil.Process(worker.process.pid)
    times = [own.cpu_times(), *(child.cpu_times() for child in own.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def until_saved(fleet: Fleet, each: int) -> None:
    """Wait until so many records of each partition are saved."""
    fleet.until(lambda: min(fleet.positions()) >= each, PATIENCE_S)


def started(fleet: Fleet, count: int) -> list[Worker]:
    """So many workers that have shared the partitions among them."""
    workers = [fleet.worker(f"w{number}") for number in range(count)]
    fleet.until(lambda: sum(len(w.lanes()) for w in workers) == CPU_PARTITIONS and all(w.lanes() for w in workers))
    return workers


def cpu(bench: Benchmark, folder: Path, broker: LocalBroker) -> None:
    """The same records by one worker and by two; what it costs to start and to share an empty topic is taken off."""
    cost, wall = {}, {}
    for count in (1, 2):
        home = folder / f"cpu{count}"
        home.mkdir()
        fleet = Fleet(home, broker.bootstrap, CPU_PARTITIONS, {"learning": "frozen", "session_ms": 10_000})
        try:
            workers = started(fleet, count)
            empty = sum(map(spent, workers))
            for worker in workers:
                worker.stop()
            for partition in range(CPU_PARTITIONS):
                produce(fleet, partition, stream.lines(CPU_LINES, 1000.0, partition))
            fleet.workers.clear()
            began = time.monotonic()
            workers = started(fleet, count)
            until_saved(fleet, CPU_LINES)
            wall[count] = time.monotonic() - began
            cost[count] = sum(map(spent, workers)) - empty
        finally:
            fleet.close()
        bench.log(f"{count} workers: {cost[count]:.1f} s of CPU beside {empty:.1f} to start, {wall[count]:.1f} s")
    records = CPU_PARTITIONS * CPU_LINES
    bench.figure("cpu_us_a_record_1_worker", cost[1] / records * 1e6)
    bench.figure("cpu_us_a_record_2_workers", cost[2] / records * 1e6)
    bench.figure("cpu_2_over_1", cost[2] / cost[1], floor=1.15, aim=1.05)
    bench.figure("wall_2_over_1", wall[2] / wall[1])


def keyed(count: int, partition: int) -> Iterator[str]:
    """A key a line."""
    for number in range(count):
        clock = f"{12 + number // 360_000:02d}:{number // 6000 % 60:02d}:{number // 100 % 60:02d}"
        yield f"2026-03-01T{clock}Z INFO session=p{partition}n{number} opened on gate {number % 7} in {number % 90} ms"


ENTITY = r"entity = 'session=(\w+)'"


def moved(fleet: Fleet, name: str, each: int) -> tuple[Worker, float, float]:
    """Run a worker over keys, then move all to one that has nothing: the worker, its restore in s, the wall's s."""
    first = fleet.worker("first")
    until_saved(fleet, each)
    first.stop()
    began = time.monotonic()
    second = fleet.worker(name)
    fleet.until(lambda: len(second.lanes()) == fleet.partitions, PATIENCE_S)
    wall = time.monotonic() - began
    return second, max(float(text) for text in re.findall(r"seconds=([0-9.]+)", second.log)), wall


def restore(bench: Benchmark, folder: Path, broker: LocalBroker) -> None:
    """From the assignment to the first record after it."""
    home = folder / "restore"
    home.mkdir()
    fleet = Fleet(home, broker.bootstrap, 1, {"more": ENTITY, "session_ms": 10_000})
    try:
        produce(fleet, 0, keyed(MOVED_KEYS, 0))
        _, seconds, _ = moved(fleet, "second", MOVED_KEYS)
    finally:
        fleet.close()
    bench.figure("restore_100k_keys_s", seconds, floor=10, aim=4)


def memory(worker: Worker) -> int:
    """Resident bytes of a worker."""
    assert worker.process is not None
    return int(psutil.Process(worker.process.pid).memory_info().rss)


def stored(fleet: Fleet) -> int:
    """Bytes of the state topic, all partitions, one copy."""
    admin = KafkaAdminClient(bootstrap_servers=fleet.bootstrap)
    try:
        name, total = fleet.state.name, 0
        for broker in admin.describe_log_dirs():
            for folder in broker["log_dirs"]:
                total += sum(
                    part["partition_size"]
                    for topic in folder["topics"] if topic["name"] == name for part in topic["partitions"]
                )  # fmt: skip
        return total
    finally:
        admin.close()


def simulation(bench: Benchmark, folder: Path, broker: LocalBroker, keys: int) -> None:
    """Many partitions, many keys, one worker."""
    home = folder / "simulation"
    home.mkdir()
    each = keys // MANY_PARTITIONS
    fleet = Fleet(home, broker.bootstrap, MANY_PARTITIONS, {"more": ENTITY, "session_ms": 30_000, "learning": "online"})
    try:
        idle = fleet.worker("idle")
        fleet.until(lambda: len(idle.lanes()) == MANY_PARTITIONS, PATIENCE_S)
        empty = memory(idle)
        idle.stop()
        for partition in range(MANY_PARTITIONS):
            produce(fleet, partition, keyed(each, partition))
        worker, seconds, wall = moved(fleet, "second", each)
        bench.figure("many_keys", each * MANY_PARTITIONS)
        bench.figure("many_memory_empty_lanes_mb", empty / 1e6)
        bench.figure("many_memory_mb", memory(worker) / 1e6)
        bench.figure("many_state_topic_mb", stored(fleet) / 1e6)
        bench.figure("many_restore_s", wall)
        bench.figure("many_slowest_lane_s", seconds)
    finally:
        fleet.close()
        shutil.rmtree(home)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them (%(default)s)")
    parser.add_argument("--keys", type=int, default=MANY_KEYS, help="of the simulation (%(default)s)")
    with Benchmark("scaleout", parser=parser) as bench, tempfile.TemporaryDirectory() as name, own_broker() as broker:
        folder, only = Path(name), bench.options.only.split(",")
        if "faults" in only:
            faults(bench, folder, broker, bench.options.rounds)
        if "cpu" in only:
            cpu(bench, folder, broker)
        if "restore" in only:
            restore(bench, folder, broker)
        if "simulation" in only:
            simulation(bench, folder, broker, bench.options.keys)


if __name__ == "__main__":
    main()
