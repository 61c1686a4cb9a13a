"""The processes that matter on this machine, by name: a name lives on when its processes are started anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from logwatch.sources.host_groups import Measured, series

STEADY_S = 60.0
"""Age of the oldest process of a name that is followed: helpers that live for seconds are not worth a series."""

SMOOTHING = 0.1
"""Of a name's weight, per reading: a burst of CPU displaces nothing."""

ADVANTAGE = 2.0
"""A name displaces another that weighs so many times less: two that are alike do not take turns."""

ABSENT_S = 3600.0
"""A followed name without processes counts zero for so long."""

_KERNEL = 0x00200000  # PF_KTHREAD
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def uptime() -> float:
    """Seconds since the system's start, in which processes count their own."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Process(NamedTuple):
    """What is read of each process."""

    pid: int
    began: int  # with the pid: who it is
    name: str
    ticks: int  # of CPU
    threads: int
    resident: int  # bytes


@dataclass(slots=True)
class _Name:
    weight: float = 0.0  # smoothed share of the machine, [0, 1]
    seen: float = 0.0  # monotonic time, s
    followed: bool = False
    ticks: int = 0  # of CPU, since it is known
    now: list[Process] = field(default_factory=list)


class Processes:
    """Follows names of processes.

    Args:
        most: names followed at a time.
        monotonic: seconds.
        on_hidden: called with what may not be read.
        folder: where the processes are.
        uptime: seconds since the system's start.
    """

    def __init__(
        self,
        most: int,
        monotonic: Callable[[], float],
        on_hidden: Callable[[str, OSError], None],
        folder: Path = Path("/proc"),
        uptime: Callable[[], float] = uptime,
    ) -> None:
        self._most, self._monotonic, self._uptime = most, monotonic, uptime
        self._on_hidden, self._folder = on_hidden, folder
        self._names: dict[str, _Name] = {}
        self._ticks: dict[tuple[int, int], int] = {}  # of each process at the last reading
        self._read_at: float | None = None
        self._memory = os.sysconf("SC_PHYS_PAGES") * _PAGE

    def measure(self) -> Measured:
        """Sums over all processes, and those of each followed name."""
        found = [process for pid in _pids(self._folder) if (process := read(self._folder, pid)) is not None]
        yield "host_processes", len(found)
        yield "host_threads", sum(process.threads for process in found)
        self._take(found)
        self._choose()
        for name, one in sorted(self._names.items()):
            if one.followed:
                yield series("host_process_count", process=name), len(one.now)
                yield series("host_process_resident_bytes", process=name), sum(p.resident for p in one.now)
                yield series("host_process_threads", process=name), sum(p.threads for p in one.now)
                yield series("host_process_cpu_seconds_total", process=name), one.ticks / _TICKS
                open_files = self._descriptors(one.now)
                if open_files is not None:
                    yield series("host_process_descriptors", process=name), open_files

    def _take(self, found: list[Process]) -> None:
        now = self._monotonic()
        first, elapsed = self._read_at is None, now - (self._read_at or 0.0)
        spent: dict[str, int] = {}
        for one in self._names.values():
            one.now = []
        for process in found:
            name = self._names.setdefault(process.name, _Name())
            name.now.append(process)
            # What a process spent before it was first seen is its own, unless everything is seen for the first time.
            before = self._ticks.get((process.pid, process.began), process.ticks if first else 0)
            spent[process.name] = spent.get(process.name, 0) + process.ticks - before
        self._ticks = {(process.pid, process.began): process.ticks for process in found}
        self._read_at = now
        for text, one in self._names.items():
            one.ticks += spent.get(text, 0)
            self._weigh(one, spent.get(text, 0), elapsed, first, now)
        self._names = {text: one for text, one in self._names.items() if one.now or self._is_missed(one, now)}

    def _weigh(self, one: _Name, ticks: int, elapsed: float, first: bool, now: float) -> None:
        weight = sum(process.resident for process in one.now) / self._memory
        if elapsed > 0 and not first:
            weight = max(weight, ticks / _TICKS / elapsed / (os.cpu_count() or 1))
        one.weight = weight if first else one.weight + SMOOTHING * (weight - one.weight)
        if one.now:
            one.seen = now

    @staticmethod
    def _is_missed(one: _Name, now: float) -> bool:
        return one.followed and now - one.seen < ABSENT_S

    def _choose(self) -> None:
        followed = [one for one in self._names.values() if one.followed]
        before = (self._uptime() - STEADY_S) * _TICKS
        others = [
            one for one in self._names.values()
            if not one.followed and min((process.began for process in one.now), default=before + 1) <= before
        ]  # fmt: skip
        for one in sorted(others, key=lambda one: -one.weight):
            if len(followed) >= self._most:
                lightest = min(followed, key=lambda one: one.weight)
                if one.weight < ADVANTAGE * lightest.weight:
                    return
                lightest.followed = False
                followed.remove(lightest)
            one.followed = True
            followed.append(one)

    def _descriptors(self, processes: list[Process]) -> int | None:
        """How many are open; None where not all may be seen."""
        count = 0
        for process in processes:
            try:
                count += len(os.listdir(self._folder / str(process.pid) / "fd"))
            except PermissionError as error:
                self._on_hidden("descriptors of some processes", error)
                return None
            except OSError:
                continue  # it has ended
        return count


def read(folder: Path, pid: str) -> Process | None:
    """A process, from its `stat` (proc_pid_stat(5)); None where it has ended, or is the kernel's."""
    try:
        with open(folder / pid / "stat", "rb") as file:
            head, _, rest = file.read().rpartition(b")")
    except OSError:
        return None
    fields = rest.split()
    if len(fields) < 22 or int(fields[6]) & _KERNEL:
        return None
    name = head.partition(b"(")[2].decode("utf-8", "replace")
    ticks = int(fields[11]) + int(fields[12])
    return Process(int(pid), int(fields[19]), name, ticks, int(fields[17]), int(fields[21]) * _PAGE)


def _pids(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.isdecimal()]
