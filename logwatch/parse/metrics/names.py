"""Texts that name a series or its labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from logwatch.samples import LONGEST_NAME, SeriesName

LONGEST_WRITTEN = 4 * LONGEST_NAME
"""Characters of a name with its labels as they were written: what is longer is not looked at."""
_REMEMBERED = 16_384
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_LABEL = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff"=,{}]')
_QUOTED = re.compile(r'\s*([^\s"=,{}]+|"(?:[^"\\]|\\.)*")\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|\Z)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def named(name: str, labels: Iterable[tuple[str, str]]) -> SeriesName | None:
    """A series' name, its labels sorted; empty ones count as absent. None where it is empty or too long."""
    kept: dict[str, str] = {}
    size = len(name)
    for label, value in labels:
        if value:
            size += len(label) + len(value)
            if size > LONGEST_NAME:
                return None
            kept[_NOT_IN_LABEL.sub("_", label)] = _NOT_IN_VALUE.sub("\ufffd", value)
    if not name or size > LONGEST_NAME:
        return None
    found = SeriesName(_CONTROL.sub("_", name), tuple(sorted(kept.items())))
    if 2 * size + 4 * len(kept) + 2 <= LONGEST_NAME:  # quotes and escapes at most: no need to look
        return found
    return found if len(str(found)) <= LONGEST_NAME else None


def series_of(text: str) -> SeriesName | None:
    """The series that `name` or `name{label="value",...}` names; None where it is empty or too long."""
    return _series_of(text) if 0 < len(text) <= LONGEST_WRITTEN else None


@lru_cache(maxsize=_REMEMBERED)
def _series_of(text: str) -> SeriesName | None:
    if text.endswith("}"):
        name, _, inner = text[:-1].partition("{")
        labels = _quoted(inner) if name else None
        if labels is not None:
            return named(name, labels)
    return named(text, ())


def labels_of(text: str) -> tuple[tuple[str, str], ...] | None:
    """Labels of `k=v;k=v`, `k=v,k=v`, `{k="v",...}` or a JSON object; None where it is none of these."""
    return _labels_of(text) if len(text) <= LONGEST_WRITTEN else None


@lru_cache(maxsize=_REMEMBERED)
def _labels_of(text: str) -> tuple[tuple[str, str], ...] | None:
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        found = _quoted(text[1:-1])
        return _object(text) if found is None else found
    if '="' in text:
        found = _quoted(text)
        if found is not None:
            return found
    pairs = [one.partition("=") for one in text.split(";" if ";" in text else ",") if one.strip()]
    if not all(name.strip() and mark for name, mark, _ in pairs):
        return None
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def _quoted(text: str) -> tuple[tuple[str, str], ...] | None:
    """Labels of `k="v",...`."""
    found, at = [], 0
    while at < len(text):
        match = _QUOTED.match(text, at)
        if match is None:
            return None
        label, value = match.groups()
        found.append((_plain(label[1:-1]) if label.startswith('"') else label, _plain(value)))
        at = match.end()
    return tuple(found)


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text) if "\\" in text else text


def _object(text: str) -> tuple[tuple[str, str], ...] | None:
    import orjson

    try:
        found = orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return None
    return tuple(texts(found)) if type(found) is dict else None


def texts(labels: dict[str, object]) -> list[tuple[str, str]]:
    """Labels of a JSON object: whatever is no text is written as JSON does; null is absent."""
    return [(label, value if type(value) is str else spelled(value)) for label, value in labels.items()]


def spelled(value: object) -> str:
    """What is no text, as JSON has it; null is empty, and what JSON cannot hold a question mark."""
    import orjson

    try:
        return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return "?"


def of_field(measurement: str, field: str) -> str:
    """The name of a field's series: a measurement's only field, `value`, has the name of the measurement."""
    return measurement if field == "value" else f"{measurement}_{field}"
