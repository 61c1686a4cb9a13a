"""Numbers, durations and sizes as programs write them, in seconds or bytes."""

from __future__ import annotations

import re

N = r"\d+(?:\.\d+)?"
_SMALL = r"[nuµμm]s|(?:nano|micro|milli|m)?sec(?:ond)?s?|s"
UNIT = rf"(?:{_SMALL}|m(?:in(?:ute)?s?)?|h(?:rs?|ours?)?|d(?:ays?)?|w(?:eeks?)?)(?![^\W\d_])"
BYTES = r"(?:[KMGTPkgt]i?[Bb]?|M[Ii]B|[Mm]b|B|[Bb]ytes?)(?:/s)?"

_PART = re.compile(rf"([-+]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{{1,3}})?) ?({UNIT}|{BYTES})?")
_SECONDS = (
    ("n", 1e-9), ("u", 1e-6), ("µ", 1e-6), ("μ", 1e-6), ("micro", 1e-6), ("ms", 1e-3), ("milli", 1e-3),
    ("m", 60.0), ("h", 3600.0), ("d", 86400.0), ("w", 604800.0),
)  # fmt: skip
_POWERS = "kmgtp"


def quantity(value: str) -> float | None:
    """A number as it is, a duration in seconds, a size in bytes (k is 1024); None where the text begins with none."""
    total, at = None, 0
    while match := _PART.match(value, at):
        total = (total or 0.0) + float(match[1].replace(",", "")) * _scale(match[2] or "")
        at = match.end() + value[match.end() :].startswith((" ", ","))
    return total


def _scale(unit: str) -> float:
    if re.fullmatch(UNIT, unit):
        return next((seconds for prefix, seconds in _SECONDS if unit.startswith(prefix)), 1.0)
    power = _POWERS.find(unit[:1].lower()) + 1 if unit else 0
    return float(1024**power)


def least_and_most(values: list[str]) -> tuple[str, str]:
    """The raw values that are least and most; both empty where none is a quantity."""
    sized = [(size, value) for value in values if (size := quantity(value.strip("\"'([{}]),;:."))) is not None]
    return (min(sized)[1], max(sized)[1]) if sized else ("", "")
