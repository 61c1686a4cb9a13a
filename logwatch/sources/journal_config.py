"""Settings of the source that reads the systemd journal."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from logwatch.api import PluginConfig
from logwatch.config import Size
from logwatch.sources.limits import MAX_LINE_BYTES

_MATCH = re.compile(r"[A-Z0-9_]{1,64}=[^\0]*|\+")
_UNIT = re.compile(r"[^-\s\0][^\0]*")


def _check_match(value: str) -> str:
    if _MATCH.fullmatch(value) is None:
        raise ValueError(f'must be FIELD=VALUE, or "+" for "or": {value!r}')
    return value


def _check_unit(value: str) -> str:
    if _UNIT.fullmatch(value) is None:
        raise ValueError(f"is no name of a unit: {value!r}")
    return value


class JournalConfig(PluginConfig):
    """`[[source]]` with `kind = "journal"`."""

    units: list[Annotated[str, AfterValidator(_check_unit)]] = Field(default_factory=list)
    """Units, or patterns of them (`nginx*`); none: all."""

    matches: list[Annotated[str, AfterValidator(_check_match)]] = Field(default_factory=list)
    """Matches of journalctl: `PRIORITY=3`, `_TRANSPORT=kernel`."""

    directory: str | None = None
    """Journal files to read instead of this machine's."""

    start: str = "end"
    """`"end"`, `"beginning"`, or a time (RFC 3339), at the state's first start."""

    warmup_entries: int = Field(default=10_000, ge=0, le=1_000_000)
    """Entries before the end that are read first, silently, where reading starts at the end."""

    once: bool = False
    """Read to the present end, and stop."""

    max_line_bytes: Size = Field(default=MAX_LINE_BYTES, ge=1024)
    """Longer entries have their long fields cut."""

    @field_validator("start")
    @classmethod
    def _check_start(cls, value: str) -> str:
        if value not in ("end", "beginning"):
            try:
                zone = datetime.fromisoformat(value).tzinfo
            except ValueError:
                zone = None
            if zone is None:
                raise ValueError(f'must be "end", "beginning" or a time like 2026-01-31T08:00:00Z: {value!r}')
        return value

    @property
    def since(self) -> float | None:
        """The time of `start`, seconds since the epoch; None where it is no time."""
        return None if self.start in ("end", "beginning") else datetime.fromisoformat(self.start).timestamp()
