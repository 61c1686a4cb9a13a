"""Measures this machine: each reading is one record, JSON with the time and a number for each series."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from logwatch.api import Clock, plugin
from logwatch.sources import host_groups
from logwatch.sources.host_config import Group, HostConfig
from logwatch.sources.host_groups import Measured
from logwatch.sources.host_processes import Processes
from logwatch.sources.naming import host_name
from logwatch.sources.readings import ReadingSource, Target, named
from logwatch.telemetry import Logger
from logwatch.types import Stream

log = Logger(__name__)

DEFAULT_NAME = "{host}"
INSTANCE = "host"

_ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError)
"""What becomes of files of the kernel that are not as they were when this, or psutil, was written."""


@plugin(kind="source", name="host", api=(1, 0), config=HostConfig)
class HostSource(ReadingSource):
    """Reads this machine's metrics; its end is never reached unless `once` is set.

    Args:
        config: its settings.
        clock: for the schedule and the time of each reading.
        name: of the source; `{host}` is filled in.

    Raises:
        ConfigError: the name cannot be filled in.
    """

    def __init__(self, config: HostConfig, clock: Clock, name: str = DEFAULT_NAME) -> None:
        stream = Stream(named(name, {"host": host_name()}, "host"), INSTANCE)
        super().__init__([Target(stream, Host(config, clock).read)], config.interval, clock, config.once)


class Host:
    """This machine, read again and again."""

    def __init__(self, config: HostConfig, clock: Clock) -> None:
        self._told: set[str] = set()
        processes = Processes(config.processes, clock.monotonic, self._tell)
        every: dict[Group, Callable[[], Measured]] = {
            "cpu": host_groups.cpu,
            "memory": host_groups.memory,
            "swap": host_groups.swap,
            "pressure": host_groups.pressure,
            "disks": host_groups.disks,
            "filesystems": host_groups.filesystems,
            "network": host_groups.network,
            "processes": processes.measure,
            "container": host_groups.container,
        }
        self._groups = {group: every[group] for group in config.groups}

    def read(self, time: int) -> bytes:
        """The record of a reading at a wall time, ns."""
        import orjson
        import psutil

        found: dict[str, float] = {}
        for group, measure in self._groups.items():
            try:
                found.update(measure())
            except (OSError, psutil.Error, *_ODD) as error:
                self._tell(group, error)  # systems differ in what they have and show: the rest of it is left out
        metrics = {name: value for name, value in found.items() if math.isfinite(value)}
        return orjson.dumps({"time": rfc3339(time), "metrics": metrics})

    def _tell(self, what: str, error: Exception) -> None:
        if what not in self._told:
            self._told.add(what)
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            log.info("not measured: this system does not have it, or does not show it", what=what, reason=reason)


def rfc3339(time: int) -> str:
    """A time in ns, to the ns."""
    seconds, rest = divmod(time, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
