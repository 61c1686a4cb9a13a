"""One deployment's control group: a share of the CPU, a limit of memory and of tasks (hierarchies of cgroup v1)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct", "memory", "pids")
PERIOD_US = 50_000  # short, so that a throttled service stutters rather than stops


class Group:
    """A group named ``name`` under the controllers' roots; ``cores`` of CPU, ``memory`` bytes, ``tasks`` threads."""

    def __init__(self, name: str, cores: float, memory: int, tasks: int) -> None:
        self.paths = {controller: ROOT / controller / f"deployment-{name}" for controller in CONTROLLERS}
        for path in self.paths.values():
            path.mkdir(exist_ok=True)
        self.cores, self.memory, self.tasks = cores, memory, tasks
        self._write("cpu", "cpu.cfs_quota_us", -1)  # of a group that a killed recorder left behind
        self._write("cpu", "cpu.cfs_period_us", PERIOD_US)
        self._write("memory", "memory.limit_in_bytes", memory)
        self._write("pids", "pids.max", tasks)

    def limit_cpu(self) -> None:
        """From now on the group has its share of the CPU and no more: what it needs to start is not counted."""
        self._write("cpu", "cpu.cfs_quota_us", round(self.cores * PERIOD_US))

    def join(self) -> None:
        """Move the calling process into the group: for the moment between fork and exec."""
        for path in self.paths.values():
            (path / "cgroup.procs").write_text(str(os.getpid()))

    def pids(self) -> list[int]:
        """Process ids in the group."""
        return [int(pid) for pid in (self.paths["cpu"] / "cgroup.procs").read_text().split()]

    def cpu_seconds(self) -> float:
        """CPU time used by the group since it was made."""
        return int((self.paths["cpuacct"] / "cpuacct.usage").read_text()) / 1e9

    def throttled_seconds(self) -> float:
        """Time the group stood still because its share of CPU was used up."""
        return self._table("cpu", "cpu.stat")["throttled_time"] / 1e9

    def memory_stat(self) -> dict[str, int]:
        """The kernel's account of the group's memory (`rss`, `cache`, `pgfault` …)."""
        return self._table("memory", "memory.stat")

    def used_tasks(self) -> int:
        """Threads of all processes of the group."""
        return int((self.paths["pids"] / "pids.current").read_text())

    def close(self) -> None:
        """Kill what is left in the group and remove it."""
        for _ in range(50):
            pids = self.pids()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not pids:
                break
            time.sleep(0.1)
        for path in self.paths.values():
            with contextlib.suppress(OSError):
                path.rmdir()

    def _write(self, controller: str, name: str, value: int) -> None:
        (self.paths[controller] / name).write_text(str(value))

    def _table(self, controller: str, name: str) -> dict[str, int]:
        lines = (self.paths[controller] / name).read_text().splitlines()
        return {key: int(value) for key, value in (line.split() for line in lines)}
