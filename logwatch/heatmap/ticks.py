"""Times along the axis of a picture."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND = 10**9
_EVERY = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_DAY = 86_400


def ticks(start: int, end: int, most: int = 8) -> list[tuple[int, str]]:
    """At most `most` round times from `start` to `end`, ns, each with its label: `13:05`, or with seconds or date."""
    span = max(end - start, 1)
    every = next((one for one in _EVERY if span // (one * SECOND) < most), 0)
    if not every:
        every = _DAY * (span // (most * _DAY * SECOND) + 1)
    form = "%H:%M:%S" if every < 60 else "%H:%M" if every < _DAY else "%Y-%m-%d"
    first = -(-start // (every * SECOND)) * every * SECOND
    return [(at, moment(at, form)) for at in range(first, end + 1, every * SECOND)][:most]


def moment(ns: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time in UTC; empty where the calendar does not have it."""
    try:
        return datetime.fromtimestamp(ns // SECOND, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return ""


def length(ns: int) -> str:
    """A length of time: `500 ms`, `15 s`, `5 min`, `1 h`."""
    for unit, name in ((86_400 * SECOND, "d"), (3600 * SECOND, "h"), (60 * SECOND, "min"), (SECOND, "s")):
        if ns >= unit and ns % unit == 0:
            return f"{ns // unit} {name}"
    return f"{ns / 1e6:g} ms"
