"""Settings of the sink `syslog`."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from pydantic import Field, field_validator

from logwatch.api import PluginConfig
from logwatch.config.values import Duration, Size

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
"""By number (RFC 5424, 6.2.1)."""

Facility = Literal[
    "user", "daemon", "auth", "authpriv", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"
]  # fmt: skip

_ADDRESS = re.compile(r"(udp|tcp)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]{1,253})(?::(\d{1,5}))?/?")


class Place(NamedTuple):
    """Where a collector listens."""

    kind: Literal["unix", "udp", "tcp"]
    host: str  # or path
    port: int  # 0 of a path


def place_of(text: str) -> Place:
    """From a path, `udp://HOST:PORT` or `tcp://HOST:PORT`. Raises ValueError."""
    path = text.removeprefix("unix://")
    if path.startswith("/"):
        if len(path.encode()) > 107:
            raise ValueError("is too long for the path of a socket: at most 107 bytes")
        return Place("unix", path, 0)
    match = _ADDRESS.fullmatch(text)
    port = 0 if match is None else int(match[3] or 514)
    if match is None or not 0 < port < 65536:
        raise ValueError(f'"{text}" is no address: write /dev/log, udp://HOST:PORT or tcp://HOST:PORT')
    return Place("udp" if match[1] == "udp" else "tcp", match[2].strip("[]"), port)


class SyslogConfig(PluginConfig):
    """`[[sink]]` with `kind = "syslog"`."""

    address: str = "/dev/log"
    """A socket's path, `udp://HOST:PORT` or `tcp://HOST:PORT`."""

    facility: Facility = "daemon"

    app_name: str = Field("logwatchd", pattern=r"^[!-~]{1,48}$")

    max_bytes: Size = Field(2048, ge=480, le=65_000)
    """Of a message; longer ones are cut. Every collector takes 480, and should take 2048 (RFC 5424, 6.1)."""

    timeout: Duration = Field(5.0, gt=0, le=300)

    @field_validator("address")
    @classmethod
    def _check_address(cls, value: str) -> str:
        place_of(value)
        return value
