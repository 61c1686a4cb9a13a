"""JSON lines: many in one call of the parser, one by one where a line among them is bad."""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_SEPARATOR = secrets.randbits(60)
"""Stands between the lines. No line can know it, so none can end early and pass what follows for lines of its own."""
_JOIN = b",\n" + str(_SEPARATOR).encode() + b",\n"
AT_ONCE = 512
"""Lines that are read in one call: their records fit into the processor's cache, and are taken apart while they do."""
_INSIDE = ("MESSAGE", "message", "msg", "log", "body")
"""Messages that may be JSON themselves: services that write it to the journal or to syslog."""
_NUMBER_MOST = 400
"""Digits of a number that is read as one."""
_LONE = re.compile(r"[\ud800-\udfff]")


def read(lines: list[bytes]) -> Iterator[dict[str, Any] | None]:
    """The record of each line [n], maybe nested; None where it is not a JSON object. Never raises."""
    for begin in range(0, len(lines), AT_ONCE):
        yield from _read(lines[begin : begin + AT_ONCE])


def _read(lines: list[bytes]) -> list[Any]:
    records = _all_at_once(lines)
    if records is None:
        return _apart(lines)
    if b"\\" in b"".join(lines):  # an object in a message has quotes, and these are escaped
        return [opened(record) for record in records]
    return records


def _apart(lines: list[bytes]) -> list[Any]:
    """Lines among which some are bad; those that do not end like an object are none, and cost little."""
    lines = [line.rstrip() for line in lines]
    closed = [i for i, line in enumerate(lines) if line.endswith(b"}")]
    if len(closed) == len(lines):
        return [opened(_one(line)) for line in lines]
    records: list[Any] = [None] * len(lines)
    if closed:
        for i, record in zip(closed, _read([lines[i] for i in closed]), strict=True):
            records[i] = record
    return records


def _all_at_once(lines: list[bytes]) -> list[Any] | None:
    import orjson  # lazily: half of a megabyte that plain logs do not need

    try:
        found = orjson.loads(b"[" + _JOIN.join(lines) + b"]")
    except orjson.JSONDecodeError:
        return None
    records: list[Any] = found[0::2]
    between = found[1::2]
    if len(records) != len(lines) or set(map(type, records)) != {dict} or between.count(_SEPARATOR) != len(between):
        return None
    return records


def _one(line: bytes) -> dict[str, Any] | None:
    """One line, by rules that forgive what orjson does not: bytes that are not UTF-8, lone surrogates, NaN."""
    import orjson

    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = _forgiving(line)
    return found if type(found) is dict else None


def _forgiving(line: bytes) -> Any:
    try:
        found = json.loads(line.decode("utf-8", "replace"), strict=False, parse_int=_int, parse_constant=_constant)
        return _mended(found)
    except (ValueError, RecursionError):
        return None


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) < _NUMBER_MOST else math.copysign(1e308, -1 if digits[0] == "-" else 1)


def _constant(name: str) -> str:
    return name


def _mended(value: Any) -> Any:
    """Without lone surrogates and infinities, which no text and no number of other programs may hold."""
    if type(value) is str:
        return value if value.isascii() else _LONE.sub("\ufffd", value)
    if type(value) is dict:
        return {_mended(key): _mended(one) for key, one in value.items()}
    if type(value) is list:
        return [_mended(one) for one in value]
    if type(value) is float and not math.isfinite(value):
        return str(value)
    return value


def opened(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """A record whose message may be JSON: the fields of both, the inner ones first in doubt."""
    if record is None:
        return None
    for name in _INSIDE:
        text = record.get(name)
        if type(text) is str and text[:1] == "{" and text.rstrip()[-1:] == "}":
            inner = _one(text.encode("utf-8", "replace"))
            if inner:
                outer = {key: value for key, value in record.items() if key != name and _role_kept(key, inner)}
                return {**inner, **outer}
    return record


_LONGEST_ROLE = 64
"""Characters of a name that may have a role: longer ones have none, and must not fill the cache."""


def _role(name: str) -> str:
    return _role_of(name) if len(name) <= _LONGEST_ROLE else ""


@lru_cache(maxsize=1024)
def _role_of(name: str) -> str:
    from logwatch.parse.formats import roles

    low = name.lower()
    return next((role for role in ("TIME", "LEVEL", "SCOPE", "MESSAGE") if low in getattr(roles, role)), "")


def _role_kept(name: str, inner: dict[str, Any]) -> bool:
    """A field of the envelope stays unless the record inside says the same better."""
    role = _role(name)
    return name not in inner and (not role or all(_role(other) != role for other in inner))
