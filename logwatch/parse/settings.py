"""Settings of the parse stage for one source."""

from __future__ import annotations

from dataclasses import dataclass

from logwatch.errors import ConfigError
from logwatch.parse.civil import SECOND, zone
from logwatch.parse.entity import check_regex

FORMATS = ("auto", "plain", "json", "logfmt", "syslog", "cri", "journal")


@dataclass(frozen=True, slots=True)
class ParseSettings:
    """How the lines of one source are read.

    Args:
        entity: regular expression whose first group (else the match) is the entity; empty: none.
        timezone: IANA name of the zone of times that name none.
        format: "auto": each line tells its own; "plain": lines of text that bear no time; else the one that all lines
            have: what is not of it is a dead letter.
        lateness: ns by which the watermark stays behind.
    """

    entity: str = ""
    timezone: str = "UTC"
    format: str = "auto"
    lateness: int = 5 * SECOND

    def check(self) -> None:
        """Raises ConfigError where a value is wrong."""
        if self.entity:
            check_regex(self.entity)
        zone(self.timezone)
        if self.format not in FORMATS:
            raise ConfigError(f"format = {self.format!r}: unknown", f"one of {', '.join(FORMATS)}")
        if self.lateness < 0:
            raise ConfigError(f"lateness = {self.lateness}: below zero", "a duration like '5s'")
