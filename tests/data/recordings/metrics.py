"""Host and process metrics, one row per series and second: ``time,name,labels,value``."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, TypeAlias

import psutil

from tests.data.recordings.program import Program

Sample: TypeAlias = tuple[str, str, float]  # name, labels, value


class Rates:
    """Turns counters into values per second."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}

    def rate(self, key: str, total: float, now: float) -> float:
        """The increase of ``total`` per second since the last call; 0 at first and after a reset."""
        before, then = self._last.get(key, (total, now - 1.0))
        self._last[key] = (total, now)
        return max(0.0, total - before) / max(now - then, 1e-3)


class Sampler(threading.Thread):
    """Samples the host and each program's process tree on every whole second."""

    def __init__(self, programs: Sequence[Program], out: Path) -> None:
        super().__init__(daemon=True)
        self._programs = programs
        self._rates = Rates()
        self._over = threading.Event()
        self._files = {name: _open(out, name) for name in ["host", *(p.name for p in programs)]}

    def run(self) -> None:
        """Sample until ``finish``."""
        while not self._over.wait(1.0 - time.time() % 1.0):
            now = time.time()
            self._write("host", now, self._host(now))
            tree = _process_tree()
            for program in self._programs:
                processes = _descendants(program.pids(), tree)
                self._write(program.name, now, self._processes(program.name, processes, now))

    def finish(self) -> None:
        """Stop sampling and close the files."""
        self._over.set()
        self.join()
        for file in self._files.values():
            file.close()

    def _write(self, name: str, now: float, samples: Iterator[Sample]) -> None:
        stamp = datetime.fromtimestamp(round(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for metric, labels, value in samples:
            self._files[name].write(f"{stamp},{metric},{labels},{_number(value)}\n")

    def _host(self, now: float) -> Iterator[Sample]:
        cpu = psutil.cpu_times_percent(None)
        for mode in ("user", "system", "iowait"):
            yield "host_cpu_percent", f"mode={mode}", getattr(cpu, mode)
        memory = psutil.virtual_memory()
        yield "host_memory_used_bytes", "", memory.used
        yield "host_memory_cached_bytes", "", memory.cached
        yield "host_load1", "", psutil.getloadavg()[0]
        disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
        counters = {
            "host_disk_read_bytes_per_second": disk.read_bytes if disk else 0,
            "host_disk_written_bytes_per_second": disk.write_bytes if disk else 0,
            "host_loopback_bytes_per_second": network.bytes_sent,
        }
        for name, total in counters.items():
            yield name, "", self._rates.rate(name, total, now)

    def _processes(self, program: str, processes: list[psutil.Process], now: float) -> Iterator[Sample]:
        sums = dict.fromkeys(("cpu", "rss", "fds", "threads", "read", "written"), 0.0)
        for process in processes:
            for key, value in self._process(process, now):
                sums[key] += value
        labels = f"program={program}"
        yield "processes", labels, len(processes)
        yield "process_cpu_percent", labels, sums["cpu"]
        yield "process_resident_bytes", labels, sums["rss"]
        yield "process_open_fds", labels, sums["fds"]
        yield "process_threads", labels, sums["threads"]
        yield "process_read_bytes_per_second", labels, sums["read"]
        yield "process_written_bytes_per_second", labels, sums["written"]

    def _process(self, process: psutil.Process, now: float) -> list[tuple[str, float]]:
        key = f"{process.pid}/{process.create_time()}"
        try:
            with process.oneshot():
                io = process.io_counters()
                return [
                    ("cpu", process.cpu_percent(None)),
                    ("rss", process.memory_info().rss),
                    ("fds", process.num_fds()),
                    ("threads", process.num_threads()),
                    ("read", self._rates.rate(key + "r", io.read_chars, now)),
                    ("written", self._rates.rate(key + "w", io.write_chars, now)),
                ]
        except psutil.Error:
            return []


def _open(out: Path, name: str) -> TextIO:
    (out / name).mkdir(parents=True, exist_ok=True)
    file = gzip.open(out / name / "metrics.csv.gz", "wt", compresslevel=9)
    file.write("time,name,labels,value\n")
    return file


def _number(value: float) -> str:
    return str(round(value)) if abs(value) >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")


def _process_tree() -> dict[int, list[psutil.Process]]:
    tree: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter(["ppid"]):
        tree.setdefault(process.info["ppid"], []).append(process)
        tree.setdefault(-process.pid, []).append(process)
    return tree


def _descendants(roots: Sequence[int], tree: dict[int, list[psutil.Process]]) -> list[psutil.Process]:
    found = [process for root in roots for process in tree.get(-root, [])]
    for process in found:  # grows while it is read: breadth first
        found.extend(tree.get(process.pid, []))
    return found
