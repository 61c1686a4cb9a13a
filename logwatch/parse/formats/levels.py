"""Levels as fields give them: words, letters, and the numbers of a dozen libraries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from logwatch.parse.words import CRITICAL, DEBUG, ERROR, INFO, LETTERS, LEVELS, NOTICE, SYSLOG, TRACE, UNKNOWN, WARNING

NAMES = ("", "TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
"""As shown, by level."""

_WORDS = {word.lower(): level for word, level in LEVELS.items()} | {
    "information": INFO, "informational": INFO, "emergency": CRITICAL, "statement": INFO, "default": UNKNOWN,
    "success": INFO, "ok": INFO, "fine": DEBUG, "dpanic": CRITICAL, "eror": ERROR, "warn": WARNING,
}  # fmt: skip
_BUNYAN = {10: TRACE, 20: DEBUG, 30: INFO, 40: WARNING, 50: ERROR, 60: CRITICAL}
_PYTHON = {10: DEBUG, 20: INFO, 30: WARNING, 40: ERROR, 50: CRITICAL}
_MONOLOG = {100: DEBUG, 200: INFO, 250: NOTICE, 300: WARNING, 400: ERROR, 500: CRITICAL, 550: CRITICAL, 600: CRITICAL}
_LOGBACK = {5000: TRACE, 10000: DEBUG, 20000: INFO, 30000: WARNING, 40000: ERROR}
_OTEL = (UNKNOWN, *[TRACE] * 4, *[DEBUG] * 4, *[INFO] * 4, *[WARNING] * 4, *[ERROR] * 4, *[CRITICAL] * 4)


LONGEST = 32
"""Characters of a level that are looked at."""


def levels_of(values: Sequence[Any], name: str, syslog: bool, letters: bool) -> list[int]:
    """Levels 0-7 [n] of the values [n] of the field `name` (in lower case)."""
    first = values[0]
    if type(first) is str and values.count(first) == len(values):
        return [_level(_short(first), name, syslog, letters)] * len(values)
    if not set(map(type, values)) <= {str, int}:
        values = [value if type(value) in (str, int) else "" for value in values]
    known = {value: _level(_short(value), name, syslog, letters) for value in set(values)}
    return list(map(known.__getitem__, values))


def _short(value: str | int) -> str | int:
    """What is remembered is bounded: no level is longer."""
    if type(value) is int:
        return value if value.bit_length() < 64 else 0
    return value[:LONGEST] if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def _level(value: str | int, name: str, syslog: bool, letters: bool) -> int:
    """One level."""
    if isinstance(value, str):
        word = value.strip().lower()
        if letters or len(word) == 1:
            return LETTERS.get(word[:1].upper(), UNKNOWN) if word.isalpha() else _number(word, name, syslog)
        return _WORDS[word] if word in _WORDS else _number(word, name, syslog)
    return _numbered(value, name, syslog)


def _number(word: str, name: str, syslog: bool) -> int:
    return _numbered(int(word), name, syslog) if word.isascii() and word.isdigit() and len(word) < 7 else UNKNOWN


def _numbered(number: int, name: str, syslog: bool) -> int:
    if name in ("severitynumber", "severity_number"):
        return _OTEL[number] if 0 <= number < len(_OTEL) else UNKNOWN
    if syslog:
        return SYSLOG[number] if 0 <= number < len(SYSLOG) else UNKNOWN
    if name == "levelno":
        return _PYTHON.get(number, UNKNOWN)
    if name == "level_value":
        return _LOGBACK.get(number, UNKNOWN)
    return _BUNYAN.get(number) or _MONOLOG.get(number, UNKNOWN)
