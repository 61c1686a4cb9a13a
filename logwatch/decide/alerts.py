"""Alerts: what leaves the program, put together from a crossing unit and what the pipeline knows about it.

Severity, from how far the score lies beyond the threshold (decades) and from the level of the line:

    critical   4 decades or more; or 2 and a line at error; or any line at critical
    info       less than 1 decade, and no line at warning or above
    warning    all else
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from logwatch.types import NO_TIME, Expected, Kind, Line, Stream, UnitBatch

LEVEL_WARNING, LEVEL_ERROR, LEVEL_CRITICAL = 5, 6, 7
SEVERITIES = ("info", "warning", "critical")


class Reading(NamedTuple):
    """What a metric said."""

    series: str
    value: float | None  # None: nothing was measured
    low: float | None  # of the expected band; None: not known
    high: float | None
    others: int = 0  # further series that are unusual in the same step
    apart: tuple[str, ...] = ()  # series that stopped moving with the others, the first one most


class Facts(NamedTuple):
    """What a window or a silence was measured against; None where it is not known."""

    lines: int | None = None  # in the window
    low: int | None = None  # usual range of that count
    high: int | None = None
    usual_gap: float | None = None  # seconds between lines
    odd: str = ""  # of an event: the value that is odd, and what is usual
    reading: Reading | None = None  # of a metric


class Evidence(Protocol):
    """What the pipeline knows about units; asked only for units that alert."""

    def lines(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        """The offending lines, at most 5."""
        ...

    def before(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        """The lines before them, at most 5."""
        ...

    def expected(self, units: UnitBatch, row: int) -> tuple[Expected, ...]:
        """The model's top templates, at most 3."""
        ...

    def template(self, units: UnitBatch, row: int) -> tuple[int, str]:
        """Template id and text; (-1, "") where the unit is no line."""
        ...

    def level(self, units: UnitBatch, row: int) -> int:
        """Highest level of the offending lines, as in `EventBatch.level`; 0 unknown."""
        ...

    def facts(self, units: UnitBatch, row: int) -> Facts:
        """Numbers for a window or a silence."""
        ...

    def stream(self, number: int) -> Stream:
        """Source and instance."""
        ...

    def entity(self, slot: int) -> str | None:
        """Entity of a key; None where it has none."""
        ...

    def position(self, stream: int, offset: int) -> Mapping[str, Any]:
        """A position as people see it: `{"file": signature, "offset": n}`."""
        ...

    def model(self) -> str:
        """Version of the model that scored."""
        ...


def digest_id(*parts: object) -> str:
    """sha256 of the parts, as JSON: ids depend on nothing but what they name."""
    return hashlib.sha256(json.dumps(parts, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def incident_id(stream: Stream, entity: str | None, rule: str, position: Mapping[str, Any]) -> str:
    """Id of an incident, and of the alert that opens it. Later alerts of it: `digest_id(incident, state, n)`, with n
    the number of alerts before."""
    return digest_id(stream.source, stream.instance, entity, rule, dict(position))


def severity(beyond: float, level: int) -> str:
    """See the top of the module; `beyond` in decades, `level` as in `EventBatch.level`."""
    if beyond >= 4 or (beyond >= 2 and level >= LEVEL_ERROR) or level >= LEVEL_CRITICAL:
        return "critical"
    return "info" if beyond < 1 and level < LEVEL_WARNING else "warning"


def detail(kind: Kind, rule: str, first: int, last: int, facts: Facts) -> str:
    """One sentence for what lines do not say; of events and visits, which value was odd."""
    if facts.reading is not None:
        return read(rule, first, last, facts.reading)
    if kind is Kind.SILENCE:
        usual = "" if facts.usual_gap is None else f"; usually one every {duration(facts.usual_gap)}"
        return f"no line for {duration(max(last - first, 0) / 1e9)}{usual}"
    if kind is not Kind.WINDOW or facts.lines is None:
        return facts.odd if rule == "values" else ""
    lines = f"{facts.lines:,} {'line' if facts.lines == 1 else 'lines'}"
    if rule != "rate":
        return f"unusual lines within seconds, among {lines}"
    if facts.low is None or facts.high is None or facts.low <= facts.lines <= facts.high:
        return f"an unusual mix of lines, or many errors or odd ones, among {lines} around {clock(last)}"
    return f"{lines} within seconds around {clock(last)}; usually {facts.low:,} to {facts.high:,}"


def read(rule: str, first: int, last: int, reading: Reading) -> str:
    """`requests_per_s: expected 12 to 18, saw 0, 14:02:10-14:02:20`."""
    if rule == "pca" and reading.apart:
        return (
            f"{', '.join(map(_short, reading.apart))}: not with the other series as usual, {clock(first)}-{clock(last)}"
        )
    series = _short(reading.series)
    low, high, unit = reading.low, reading.high, unit_of(reading.series)
    usual = "" if low is None or high is None else f"expected {quantity(low, unit)}"
    if usual and low is not None and high is not None and quantity(low) != quantity(high):
        usual += f" to {quantity(high, unit)}"
    saw = "no value came" if reading.value is None else f"saw {quantity(reading.value, unit)}"
    how = _HOW.get(rule, "") if reading.value is not None else ""
    others = f"; {reading.others:,} other series too" if reading.others else ""
    parts = ", ".join(part for part in (usual, saw + how, f"{clock(first)}-{clock(last)}") if part)
    return f"{series}: {parts}{others}"


def _short(series: str) -> str:
    return series if len(series) <= SERIES_MOST else series[: SERIES_MOST - 1] + "…"


SERIES_MOST = 200
"""Characters of a series' name in a sentence."""

_HOW = {"flat": " without any change", "shift": " for a while", "spike": " at once"}


def unit_of(series: str) -> str:
    """The unit that a series' name ends with, as Prometheus names them; what counts is told per second."""
    name = series.partition("{")[0]
    if name.endswith("_count"):
        return "/s"
    counts = name.endswith(("_total", "_sum"))
    stem = name.rpartition("_")[0] if counts else name.removesuffix("_mean")
    seconds = stem.endswith("_seconds") and not stem.endswith(("timestamp_seconds", "start_time_seconds"))
    return ("B" if stem.endswith("_bytes") else "s" if seconds else "") + ("/s" if counts else "")


def quantity(value: float, unit: str = "") -> str:
    """A number for people, three digits or so: `0`, `0.0213`, `17.5 s`, `1,240/s`, `43.1 MB`."""
    if unit[:1].isalpha():
        number = quantity(value)
        return number + unit if number[-1].isalpha() else f"{number} {unit}"
    for size, name in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if size <= abs(value) < 1e15:
            return f"{value / size:.3g}{name}{unit}"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}{unit}"
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}") + unit


def duration(seconds: float) -> str:
    """For people: `0.2 s`, `45 s`, `7 min`, `3 h`, `2 days`."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < size * most:
            value = seconds / size
            return f"{value:.1g} {unit}" if value < 1 else f"{value:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def clock(time: int) -> str:
    """`14:02:30` (UTC)."""
    return "an unknown time" if time == NO_TIME else f"{datetime.fromtimestamp(time // 10**9, UTC):%H:%M:%S}"


def span(first: int, last: int) -> str:
    """`14:00-15:00` (UTC)."""
    begin, end = (datetime.fromtimestamp(ns // 10**9, UTC) for ns in (first, last))
    return f"{begin:%H:%M}-{end:%H:%M}"
