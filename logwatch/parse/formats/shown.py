"""Single values as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

VALUE_MOST = 1024
"""Characters of one value that are shown."""
SCOPE_MOST = 128
TRACE_MOST = 4096
"""Characters of a stack trace that are shown."""
_PLACE = re.compile(r":\d+(?::.*)?$", re.DOTALL)
_KIND = re.compile(r"[A-Za-z_][\w.$]{0,120}", re.ASCII)
_NEEDS = re.compile(r'[\s"=,;]')
_BARE = bytes(byte for byte in range(33, 127) if chr(byte) not in '"=,;')
_CLASSES = {"1": "continue", "2": "ok", "3": "redirect", "4": "client-error", "5": "server-error"}


def quoted(value: str) -> str:
    """A word as it is, anything else in double quotes: `key=value` can be told apart, and redacted, as a whole."""
    if len(value) > VALUE_MOST:
        value = value[:VALUE_MOST] + "…"
    if value and _NEEDS.search(value) is None:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def all_bare(values: Sequence[str]) -> bool:
    """Whether `quoted` changes none of the values; of text that is not ASCII it may say no for nothing."""
    together = "".join(values)
    if not together.isascii() or together.encode().translate(None, _BARE):
        return False
    return all(values) and max(map(len, values)) <= VALUE_MOST


def shown(value: Any) -> str:
    """Any value, bounded."""
    if type(value) is str:
        return quoted(value) if len(value) < VALUE_MOST else value[:TRACE_MOST]
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in (int, float):
        return str(value)
    import orjson  # loaded already: what is nested came from there

    try:
        return orjson.dumps(value).decode()[:VALUE_MOST]
    except (TypeError, ValueError, RecursionError):
        return "<nested>"


def first_line(message: str) -> str:
    """What a message says before its first line end; templates are made of that."""
    return next((line for line in message.split("\n") if line.strip()), message)


@lru_cache(maxsize=4096)
def _scope(value: str) -> str:
    return _PLACE.sub("", value).strip().replace(" ", "_")


def scope_names(values: Sequence[Any]) -> list[str]:
    """Names of loggers [n], without the line of the call."""
    first = values[0]
    if type(first) is str and values.count(first) == len(values):
        return [_scope(first[:SCOPE_MOST])] * len(values)
    texts = [value if type(value) is str else "" for value in values]
    known = {text: _scope(text[:SCOPE_MOST]) for text in set(texts)}
    return list(map(known.__getitem__, texts))


def class_of_status(value: Any) -> str:
    """The class of an HTTP status in words, as in access logs; other values as they are."""
    word = str(value) if type(value) in (int, str) else ""
    if len(word) == 3 and word.isascii() and word.isdigit() and word[0] in _CLASSES:
        return _CLASSES[word[0]]
    return shown(value)


def trace_kind(value: Any) -> str:
    """The type of an exception, from its name or its stack trace; empty where there is none."""
    if type(value) is not str or not value.strip():
        return ""
    lines = value[:TRACE_MOST].strip().split("\n")
    line = lines[-1] if lines[0].startswith("Traceback ") else lines[0]
    found = _KIND.match(line.strip())
    return found[0].rstrip(".") if found else ""
