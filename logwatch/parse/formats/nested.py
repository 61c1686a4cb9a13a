"""Objects inside objects, opened by the column: names joined by dots, the wrappers of OpenTelemetry taken off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from logwatch.parse.formats.gather import Group, picked

DEPTH = 8
"""Objects inside objects that are opened; what is deeper stays as it is."""
FIELDS = 256
"""Fields of a line beyond which nothing more is opened."""
_WRAPPERS = frozenset(("stringValue", "intValue", "doubleValue", "boolValue"))
_NESTS = frozenset((dict, list))

Column = Sequence[Any]


def flat(group: Group) -> Iterator[Group]:
    """The rows of a group by their fields, without objects inside."""
    yield from _flat(group, (0,) * len(group.names), 0)


def _flat(group: Group, depths: tuple[int, ...], begin: int) -> Iterator[Group]:
    """`depths` of the columns; those before `begin` are flat."""
    for j in range(begin, len(group.names)):
        if _NESTS.isdisjoint(kinds := set(map(type, group.columns[j]))):
            continue
        values = group.columns[j]
        if list in kinds and (special := _SPECIAL.get(group.names[j].rpartition(".")[2])) is not None:
            values = [special(value) if type(value) is list else value for value in values]
        if depths[j] < DEPTH and len(group.names) < FIELDS and dict in set(map(type, values)):
            yield from _open(group, depths, j, values)
            return
        if values is not group.columns[j]:
            group = Group(group.rows, group.names, [*group.columns[:j], values, *group.columns[j + 1 :]])
    yield group


def _open(group: Group, depths: tuple[int, ...], j: int, values: Column) -> Iterator[Group]:
    """Rows by what the objects in column j hold; other values stay."""
    by: defaultdict[tuple[str, ...] | None, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        by[tuple(value) if type(value) is dict else None].append(i)
    for keys, which in by.items():
        all_of = len(which) == len(values)
        inside = values if all_of else picked(values, which)
        names, columns = _inside(group.names[j], keys, inside)
        begin = j + 1 if keys is None else j
        before, after = (
            [column if all_of else picked(column, which) for column in part]
            for part in (group.columns[:j], group.columns[j + 1 :])
        )
        rows = group.rows if all_of else list(picked(group.rows, which))
        opened = Group(rows, (*group.names[:j], *names, *group.names[j + 1 :]), [*before, *columns, *after])
        yield from _flat(opened, (*depths[:j], *(depths[j] + 1,) * len(columns), *depths[j + 1 :]), begin)


def _inside(name: str, keys: tuple[str, ...] | None, values: Column) -> tuple[tuple[str, ...], list[Column]]:
    """Names and columns in the place of one column, whose values all have these keys, or are no objects."""
    if keys is None:
        return (name,), [values]
    if len(keys) == 1 and keys[0] in _WRAPPERS:
        return (name,), [[value[keys[0]] for value in values]]
    prefix = "" if name == "resourceLogs" else name + "."
    return tuple(prefix + key for key in keys), list(zip(*map(dict.values, values), strict=True)) if keys else []


def _attributes(pairs: list[Any]) -> Any:
    """`[{"key": ..., "value": ...}]` as an object."""
    if not pairs or not all(type(pair) is dict and type(pair.get("key")) is str for pair in pairs):
        return pairs
    return {pair["key"]: pair.get("value") for pair in pairs}


def _text(values: list[Any]) -> Any:
    """journald: a message that is not UTF-8 comes as bytes."""
    if all(type(value) is int and 0 <= value < 256 for value in values):
        return bytes(values).decode("utf-8", "replace")
    return values


def _first_log(resources: list[Any]) -> Any:
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


_SPECIAL: dict[str, Callable[[list[Any]], Any]] = {
    "attributes": _attributes, "MESSAGE": _text, "resourceLogs": _first_log,
}  # fmt: skip


def _is_dict(value: Any) -> bool:
    return type(value) is dict


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
