"""What is measured of this machine, group by group: names and labels as people write them, and numbers.

Counters end in `_total`; their rates are made where they are watched. Names follow node_exporter's where it has them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from logwatch.samples import SeriesName

Measured = Iterator[tuple[str, float]]

MOST_DEVICES = 64
"""Disks, file systems and interfaces, of each so many: the first by name."""

_WITHIN_USER = ("guest", "guest_nice")  # counted as user and nice already
_NO_DISKS = ("loop", "ram", "zram", "fd", "sr")
_NO_INTERFACES = ("lo", "veth", "cali", "lxc", "ifb", "dummy", "tap", "tunl", "sit", "ip6tnl")
"""Those of single containers come and go with them; what passes the others passes a real one."""


@lru_cache(maxsize=8192)
def series(name: str, **labels: str) -> str:
    """A series as people write it: `host_disk_reads_total{device="sda"}`."""
    return str(SeriesName(name, tuple(sorted(labels.items()))))


def cpu() -> Measured:
    """Seconds of all CPUs by mode, load, and what the scheduler did."""
    import psutil

    times, stats = psutil.cpu_times(), psutil.cpu_stats()
    for mode in times._fields:
        if mode not in _WITHIN_USER:
            yield series("host_cpu_seconds_total", mode=mode), getattr(times, mode)
    for minutes, load in zip((1, 5, 15), os.getloadavg(), strict=True):
        yield f"host_load{minutes}", load
    yield "host_cpus", psutil.cpu_count() or 1
    yield "host_context_switches_total", stats.ctx_switches
    yield "host_interrupts_total", stats.interrupts


def memory() -> Measured:
    """Where memory is."""
    import psutil

    found = psutil.virtual_memory()
    yield "host_memory_used_share", 1 - found.available / found.total
    for kind in ("available", "cached", "buffers", "slab", "shared"):
        yield f"host_memory_{kind}_bytes", getattr(found, kind)


def swap() -> Measured:
    """What is swapped, and how much goes to and fro."""
    import psutil

    found = psutil.swap_memory()
    if found.total:
        yield "host_swap_used_share", found.used / found.total
    yield "host_swap_in_bytes_total", found.sin
    yield "host_swap_out_bytes_total", found.sout


def pressure(folder: Path = Path("/proc/pressure")) -> Measured:
    """Seconds in which some work, or all of it, waited for a resource (Documentation/accounting/psi.rst)."""
    for file in sorted(folder.iterdir()):
        if file.name not in ("cpu", "memory", "io"):
            continue
        for line in file.read_text().splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "full" and file.name == "cpu":
                continue  # of a whole machine undefined
            what = {"some": "waiting", "full": "stalled"}[kind]
            yield series(f"host_pressure_{what}_seconds_total", resource=file.name), int(rest.rpartition("=")[2]) / 1e6


def disks() -> Measured:
    """Bytes, operations and busy time of whole disks that were ever used."""
    import psutil

    whole = set(os.listdir("/sys/block"))
    found = psutil.disk_io_counters(perdisk=True, nowrap=False)
    used = [name for name, io in sorted(found.items()) if io.read_count or io.write_count]
    for name in [name for name in used if name in whole and not name.startswith(_NO_DISKS)][:MOST_DEVICES]:
        io = found[name]
        yield series("host_disk_read_bytes_total", device=name), io.read_bytes
        yield series("host_disk_written_bytes_total", device=name), io.write_bytes
        yield series("host_disk_reads_total", device=name), io.read_count
        yield series("host_disk_writes_total", device=name), io.write_count
        yield series("host_disk_busy_seconds_total", device=name), io.busy_time / 1e3


def filesystems() -> Measured:
    """Used shares of file systems on devices that can fill: writable ones, each once. Network ones may hang."""
    for place in _places()[:MOST_DEVICES]:
        found = os.statvfs(place)
        used, files = found.f_blocks - found.f_bfree, found.f_files - found.f_ffree
        if used + found.f_bavail:
            yield series("host_filesystem_used_share", mountpoint=place), used / (used + found.f_bavail)
        if found.f_files:
            yield series("host_filesystem_files_used_share", mountpoint=place), files / found.f_files


def _places() -> list[str]:
    import psutil

    found: dict[str, str] = {}
    for part in psutil.disk_partitions(all=False):
        if part.device not in found and "ro" not in part.opts.split(",") and _is_folder(part.mountpoint):
            found[part.device] = part.mountpoint
    return sorted({"/", *found.values()})  # a container's own root is on no device


def _is_folder(path: str) -> bool:
    """Containers have single files of their host mounted."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError:
        return False


def network() -> Measured:
    """Bytes, errors and drops of interfaces that were ever used."""
    import psutil

    found = psutil.net_io_counters(pernic=True, nowrap=False)
    used = [name for name, io in sorted(found.items()) if io.bytes_recv or io.bytes_sent]
    for name in [name for name in used if not name.startswith(_NO_INTERFACES)][:MOST_DEVICES]:
        io = found[name]
        yield series("host_network_received_bytes_total", interface=name), io.bytes_recv
        yield series("host_network_sent_bytes_total", interface=name), io.bytes_sent
        yield series("host_network_receive_errors_total", interface=name), io.errin
        yield series("host_network_send_errors_total", interface=name), io.errout
        yield series("host_network_receive_drops_total", interface=name), io.dropin
        yield series("host_network_send_drops_total", interface=name), io.dropout


def container(folder: Path = Path("/sys/fs/cgroup")) -> Measured:
    """Memory, CPU and tasks of the container that this runs in (cgroup v2); a machine itself has no such files."""
    current = int((folder / "memory.current").read_text())
    limit = (folder / "memory.max").read_text().strip()
    yield "container_memory_bytes", current
    if limit != "max" and int(limit):
        yield "container_memory_used_share", current / int(limit)
    yield "container_oom_kills_total", _table(folder / "memory.events").get("oom_kill", 0)
    spent = _table(folder / "cpu.stat")
    yield "container_cpu_seconds_total", spent["usage_usec"] / 1e6
    if "throttled_usec" in spent:
        yield "container_cpu_throttled_seconds_total", spent["throttled_usec"] / 1e6
        yield "container_cpu_throttled_periods_total", spent["nr_throttled"]
    yield "container_tasks", int((folder / "pids.current").read_text())


def _table(file: Path) -> dict[str, int]:
    return {name: int(value) for name, value in map(str.split, file.read_text().splitlines())}
