"""logfmt and other `key=value` lines."""

from __future__ import annotations

import re
from typing import Any

# Possessive: linear in the length of the line, whatever is in it. Not line ends: lines are read by the batch.
_PAIR = re.compile(r'([^\s="]++)(?:=(?:"((?:[^"\\\n]|\\[^\n])*+)"|([^\s"]?[^\s]*+)))?+|(\S)|(\n)')
_ESCAPE = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
PAIRS = 128
"""Fields of a line at most."""


def read(texts: list[str]) -> list[dict[str, Any] | None]:
    """Fields of each line [n] (no line end inside), values as text; None where half of it or more is no pair."""
    out: list[dict[str, Any] | None] = []
    record: dict[str, Any] = {}
    bare = 0
    for key, quoted, word, odd, end in _PAIR.findall("\n".join(texts) + "\n"):
        if word:
            record[key] = word
        elif quoted:
            record[key] = quoted if "\\" not in quoted else _ESCAPE.sub(_unescaped, quoted)
        elif end:
            out.append(_checked(record, bare))
            record, bare = {}, 0
        elif odd or not key:
            bare += 1
        else:
            bare += key not in record
            record.setdefault(key, "")
    return out


def _checked(record: dict[str, Any], bare: int) -> dict[str, Any] | None:
    if not record or 2 * bare > len(record):
        return None
    if len(record) > PAIRS:
        record = dict(list(record.items())[:PAIRS])
    return record


def _unescaped(found: re.Match[str]) -> str:
    return _LETTERS.get(found[1], found[1])
