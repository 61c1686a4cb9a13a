"""Value types of the configuration: durations, sizes, budgets, rates and patterns, written as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, PlainSerializer
from pydantic_core import SchemaError, SchemaValidator, core_schema

SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9}
PERIODS = {"min": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}

_NUMBER = r"(\d+(?:\.\d+)?)"
_PART = re.compile(rf"{_NUMBER}\s*([A-Za-z]+)\s*")
_SIZE = re.compile(rf"{_NUMBER}\s*([A-Za-z]+)")
_RATE = re.compile(rf"{_NUMBER}\s*/\s*([A-Za-z]+)")
_PERCENT = re.compile(rf"{_NUMBER}\s*%")


def parse_duration(value: Any) -> float:
    """Seconds of `"30s"`, `"5min"`, `"1h 30min"`; a number is seconds.

    Raises:
        ValueError: not a duration, or negative.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"{value} is not a duration: it must be finite and not negative")
        return float(value)
    if not isinstance(value, str):
        raise ValueError("a duration is written as 30s, 5min, 2h or 7d")
    return _parse_parts(value.strip())


def _parse_parts(text: str) -> float:
    seconds, at = 0.0, 0
    while match := _PART.match(text, at):
        if match[2] not in SECONDS:
            raise ValueError(f'"{text}" has no known unit: write ms, s, min, h, d or w, as in 30s or 5min')
        seconds += float(match[1]) * SECONDS[match[2]]
        at = match.end()
    if at == 0 or at != len(text):
        raise ValueError(f'"{text}" is not a duration: write 30s, 5min, 2h or 7d')
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact form: 5400 → `90min`, 30 → `30s`, 0.25 → `250ms`."""
    for unit in ("w", "d", "h", "min", "s"):
        if seconds and seconds % SECONDS[unit] == 0:
            return f"{int(seconds / SECONDS[unit])}{unit}"
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms" if seconds else "0s"


def parse_size(value: Any) -> int:
    """Bytes of `"64KiB"`, `"10MiB"`, `"1.5GiB"`; a whole number is bytes.

    Raises:
        ValueError: not a size, or negative.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"{value} is not a size: it must not be negative")
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{_quoted(value)} is not a size: write 64KiB, 10MiB or 1GiB")
    if match[2] not in BYTES:
        raise ValueError(f'"{value}" has no known unit: write B, KiB, MiB, GiB or TiB')
    return int(float(match[1]) * BYTES[match[2]])


def format_size(size: int) -> str:
    """The shortest exact form: 65536 → `64KiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % BYTES[unit] == 0:
            return f"{size // BYTES[unit]}{unit}"
    return f"{size}B"


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _period(match: re.Match[str]) -> tuple[float, float]:
    count, per = float(match[1]), PERIODS.get(match[2])
    if per is None:
        raise ValueError(f'"{match[0]}" has no known period: write min, hour, day or week')
    if count <= 0:
        raise ValueError(f'"{match[0]}" must be more than 0')
    return count, per


def _validated(cls: type[Any]) -> core_schema.CoreSchema:
    return core_schema.no_info_plain_validator_function(
        cls.parse, serialization=core_schema.to_string_ser_schema(when_used="json")
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a period of event time: `Rate.parse("20/hour")`."""

    count: float  # > 0
    per: float  # seconds

    @classmethod
    def parse(cls, value: Any) -> Self:
        """From `"N/(min|hour|day|week)"`. Raises ValueError."""
        if isinstance(value, cls):
            return value
        match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"{_quoted(value)} is not a rate: write N/min, N/hour, N/day or N/week")
        return cls(*_period(match))

    def __str__(self) -> str:
        return _per(self.count, self.per)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return _validated(cls)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many incidents a stream like the recent past would open: a rate, or a share of all decisions.

    Either `count` and `per` are set, or `percent` is.
    """

    count: float | None = None  # > 0
    per: float | None = None  # seconds of event time
    percent: float | None = None  # of decisions, (0, 100]

    @classmethod
    def parse(cls, value: Any) -> Self:
        """From `"N/(min|hour|day|week)"` or `"N%"`. Raises ValueError."""
        if isinstance(value, cls):
            return value
        text = value.strip() if isinstance(value, str) else ""
        if match := _RATE.fullmatch(text):
            return cls(*_period(match))
        match = _PERCENT.fullmatch(text)
        if match is None:
            raise ValueError(f"{_quoted(value)} is not a budget: write N/min, N/hour, N/day, N/week or N%")
        percent = float(match[1])
        if not 0 < percent <= 100:
            raise ValueError(f'"{text}" must be more than 0 and at most 100 %')
        return cls(percent=percent)

    def __str__(self) -> str:
        if self.count is not None and self.per is not None:
            return _per(self.count, self.per)
        return f"{self.percent:g}%"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return _validated(cls)


def _per(count: float, per: float) -> str:
    return f"{count:g}/{next(name for name, seconds in PERIODS.items() if seconds == per)}"


def check_pattern(pattern: str) -> str:
    """The pattern itself, where the linear-time engine (Rust regex) takes it.

    User patterns run on untrusted lines: look-around and back-references could take exponential time and are refused.

    Raises:
        ValueError: not a pattern of that engine.
    """
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError as error:
        reason = str(error).strip().splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ")
        raise ValueError(f"not a pattern that can be run in linear time: {reason.rstrip('.')}: {pattern}") from None
    return pattern


Duration = Annotated[
    float, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str, when_used="json")
]
"""Seconds, ≥ 0; written `30s 5min 2h 7d`."""

Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size, return_type=str, when_used="json")]
"""Bytes, ≥ 0; written `64KiB 10MiB`."""

Pattern = Annotated[str, AfterValidator(check_pattern)]
"""A regular expression that runs in linear time."""
