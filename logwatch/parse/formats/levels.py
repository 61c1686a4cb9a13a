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


def levels_of(values: Sequence[Any], name: str, syslog: bool, letters: bool) -> list[int]:
    """Levels 0-7 [n] of the values [n] of the field `name` (in lower case)."""
    if not set(map(type, values)) <= {str, int}:
        values = [value if type(value) in (str, int) else "" for value in values]
    known = {value: _level(value, name, syslog, letters) for value in set(values)}
    return list(map(known.__getitem__, values))


@lru_cache(maxsize=4096)
def _level(value: str | int, name: str, syslog: bool, letters: bool) -> int:
    """One level; the cache's keys are bounded by its size, their length by the look at it."""
    if isinstance(value, str):
        word = value[:32].strip().lower()
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
