"""What `header` cannot see: parts of a header that no blank divides, and levels before the time.

`INFO:root:text`, `INFO:2026-11-22 13:00:00,123:orders.worker:text`, `[…: INFO/MainProcess] text`,
`… 0x55d0 DEBUG text`, `[… INFO  orders::db] text`, `[…] production.ERROR: text`, `chrome.exe *64 - text`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from logwatch.parse.words import LEVELS

_NAME = r"[A-Za-z_][\w.$/-]{0,79}"
_BEFORE = re.compile(r"\W{0,3}([A-Z]{3,9})\b[\W\d]|[\[(<]([A-Za-z]{3,9})[\])>:]")
"""At the head of a line that goes on with the time: in capitals, or in brackets."""
_LEVELED = re.compile(rf"([A-Z]{{3,9}}):({_NAME}):(?=[^\s:])")
_THREADED = re.compile(
    r"(?:: ?)?([A-Z]{3,9})/[\w.-]{1,80}\] *(?=\S)"  # : INFO/MainProcess]
    r"|(?:[^\W\d]*\d\w* +){1,3}([A-Z]{3,9}) +(?=\S)"  # 12345 0x55d0c8e0 DEBUG
)
_CHANNEL = re.compile(r"[\w-]{1,60}\.([A-Z]{3,9})")
_COLONS = re.compile(rf":({_NAME}):(?=\S)")
_CLOSED = re.compile(r"((?=[A-Za-z_])[\w.$:/-]{1,80})\] +(?=\S)")
_MARKED = re.compile(rf"({_NAME}) [*#]\d+ - (?=\S)")


class Glued(NamedTuple):
    """What a line says besides its time."""

    level: int  # -1: not told
    scope: str  # its logger; may be empty
    message: str


def read(before: str, timed: bool, said: Glued) -> Glued:
    """What a line says besides its time.

    Args:
        before: the line up to its time, or as far as it is known.
        timed: whether it bears a time.
        said: what `header` found.
    """
    if said.level < 0:
        said = _leveled(before, said) if timed else _timeless(said)
    if said.scope or not timed:
        return said
    found = _MARKED.match(said.message)
    if found is None and said.level >= 0:
        found = _COLONS.match(said.message) or _CLOSED.match(said.message)
    return said if found is None else Glued(said.level, found[1], said.message[found.end() :])


def _timeless(said: Glued) -> Glued:
    found = None if said.scope else _LEVELED.match(said.message)
    if found is None or (level := _named(found[1])) < 0:
        return said
    return Glued(level, found[2], said.message[found.end() :])


def _leveled(before: str, said: Glued) -> Glued:
    if said.scope:
        channel = _CHANNEL.fullmatch(said.scope)
        return said._replace(level=_named(channel[1])) if channel else said._replace(level=_before(before))
    found = _THREADED.match(said.message)
    if found is not None and (level := _named(found[1] or found[2])) >= 0:
        return Glued(level, "", said.message[found.end() :])
    return said._replace(level=_before(before))


def _before(text: str) -> int:
    found = _BEFORE.match(text)
    return -1 if found is None else _named((found[1] or found[2]).upper())


def _named(word: str) -> int:
    """The level that a word in capitals names, -1 for none."""
    return LEVELS.get(word[:8], -1)
