"""Nested objects to flat records: names joined by dots, the wrappers of OpenTelemetry taken off."""

from __future__ import annotations

from typing import Any

DEPTH = 8
"""Objects inside objects that are opened; what is deeper stays as it is."""
FIELDS = 256
"""Fields of a line at most."""
_WRAPPERS = frozenset(("stringValue", "intValue", "doubleValue", "boolValue"))
_LISTS = frozenset(("attributes", "resource.attributes", "scope.attributes"))
_NESTS = frozenset((dict, list))


def flat(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records [n] without objects inside; those without any are the same."""
    return [record if _NESTS.isdisjoint(map(type, record.values())) else flattened(record) for record in records]


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    """One record."""
    out: dict[str, Any] = {}
    logs = record.get("resourceLogs")
    _open(_first_log(logs) if type(logs) is list else record, "", out, 0)
    return out


def _open(record: dict[str, Any], prefix: str, out: dict[str, Any], depth: int) -> None:
    for key, value in record.items():
        if len(out) >= FIELDS:
            return
        name = prefix + key
        kind = type(value)
        if kind is dict:
            if len(value) == 1 and prefix + key and (only := next(iter(value))) in _WRAPPERS:
                out[name] = value[only]
            elif depth < DEPTH:
                _open(value, name + ".", out, depth + 1)
            else:
                out[name] = "<nested>"
        elif kind is list and name in _LISTS and depth < DEPTH:
            _open(_attributes(value), name + ".", out, depth + 1)
        elif kind is list and name == "MESSAGE":  # journald: what is not UTF-8 comes as bytes
            out[name] = _text(value)
        else:
            out[name] = value


def _attributes(pairs: list[Any]) -> dict[str, Any]:
    """`[{"key": ..., "value": ...}]` as an object."""
    return {pair["key"]: pair.get("value") for pair in pairs if type(pair) is dict and type(pair.get("key")) is str}


def _text(values: list[Any]) -> Any:
    if all(type(value) is int and 0 <= value < 256 for value in values):
        return bytes(values).decode("utf-8", "replace")
    return values


def _first_log(resources: list[Any]) -> dict[str, Any]:
    """The first log record of an OTLP export, with its resource and scope; the number of all where there are more."""
    found: dict[str, Any] = {}
    count = 0
    for resource in filter(_is_dict, resources):
        for scope in filter(_is_dict, _list(resource.get("scopeLogs"))):
            for log in filter(_is_dict, _list(scope.get("logRecords"))):
                count += 1
                if count == 1:
                    found = {**log, "resource": resource.get("resource"), "scope": scope.get("scope")}
    return found if count < 2 else {**found, "records": count}


def _is_dict(value: Any) -> bool:
    return type(value) is dict


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
