"""Objects inside objects, opened by the column: names joined by dots, the wrappers of OpenTelemetry taken off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

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
    todo = [_Part(group, (0,) * len(group.names), 0)]  # no recursion: a line may hold thousands of objects
    while todo:
        part, j = _first_object(todo.pop())
        if j < 0:
            yield part.group
        else:
            todo += reversed(list(_open(part, j)))


class _Part(NamedTuple):
    """Rows of which some columns are flat."""

    group: Group
    depths: tuple[int, ...]  # of the columns
    begin: int  # columns before are flat


def _first_object(part: _Part) -> tuple[_Part, int]:
    """The part, its special lists read, up to the first column that is to be opened; -1: there is none."""
    group, depths, begin = part
    for j in range(begin, len(group.names)):
        if _NESTS.isdisjoint(kinds := set(map(type, group.columns[j]))):
            continue
        values = group.columns[j]
        if list in kinds and (special := _SPECIAL.get(group.names[j].rpartition(".")[2])) is not None:
            values = [special(value) if type(value) is list else value for value in values]
            group = Group(group.rows, group.names, [*group.columns[:j], values, *group.columns[j + 1 :]])
        if depths[j] < DEPTH and len(group.names) < FIELDS and dict in set(map(type, values)):
            return _Part(group, depths, j), j
    return _Part(group, depths, len(group.names)), -1


def _open(part: _Part, j: int) -> Iterator[_Part]:
    """Rows by what the objects in column j hold; other values stay."""
    group, depths, _ = part
    values = group.columns[j]
    by: defaultdict[tuple[str, ...] | None, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        by[tuple(value) if type(value) is dict else None].append(i)
    for keys, which in by.items():
        all_of = len(which) == len(values)
        inside = values if all_of else picked(values, which)
        names, columns = _inside(group.names[j], keys, inside)
        before, after = (
            [column if all_of else picked(column, which) for column in kept]
            for kept in (group.columns[:j], group.columns[j + 1 :])
        )
        rows = group.rows if all_of else list(picked(group.rows, which))
        opened = Group(rows, (*group.names[:j], *names, *group.names[j + 1 :]), [*before, *columns, *after])
        deeper = (*depths[:j], *(depths[j] + 1,) * len(columns), *depths[j + 1 :])
        yield _Part(opened, deeper, j + 1 if keys is None else j)


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
