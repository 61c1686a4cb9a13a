"""Settings of the source that measures this machine."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from logwatch.api import PluginConfig
from logwatch.config.values import Duration

Group = Literal[
    "cpu", "memory", "swap", "pressure", "disks", "filesystems", "network", "processes", "container"
]  # fmt: skip
GROUPS: tuple[Group, ...] = get_args(Group)


class HostConfig(PluginConfig):
    """`[[source]]` with `kind = "host"`."""

    interval: Duration = Field(10.0, ge=0.1)
    """Time between two readings."""

    groups: tuple[Group, ...] = Field(GROUPS, min_length=1)
    """What is measured; what this machine does not have, or does not show, is left out."""

    processes: int = Field(10, ge=1, le=100)
    """Names of processes that are followed: those with the most memory or CPU."""

    once: bool = False
    """Read once, now, and stop."""
