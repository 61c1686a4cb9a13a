"""How the metrics of one source are read."""

from __future__ import annotations

from dataclasses import dataclass

from logwatch.errors import ConfigError
from logwatch.parse.civil import zone

FORMATS = ("auto", "json", "influx", "prometheus", "csv")


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """Settings of a source of metrics.

    Args:
        format: "auto": the first line of a stream that is of one of the formats tells it; else the one that all
            records have: what is not of it is a dead letter.
        timezone: IANA name of the zone of times that name none.
    """

    format: str = "auto"
    timezone: str = "UTC"

    def check(self) -> None:
        """Raises ConfigError where a value is wrong."""
        zone(self.timezone)
        if self.format not in FORMATS:
            raise ConfigError(f"format = {self.format!r}: unknown", f"one of {', '.join(FORMATS)}")
