"""Objects inside objects, opened by the column: names joined by dots, the wrappers of OpenTelemetry taken off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from logwatch.parse.formats.gather import Column, Group, picked
from logwatch.parse.formats.valued import kinds_of

DEPTH = 8
"""Objects inside objects that are opened; what is deeper stays as it is."""
FIELDS = 256
"""Fields of a line beyond which nothing more is opened."""
_WRAPPERS = frozenset(("stringValue", "intValue", "doubleValue", "boolValue"))
_NESTS = frozenset((dict, list))


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
        if _NESTS.isdisjoint(group.kinds[j]):
            continue
        values = group.columns[j]
        if list in group.kinds[j] and (special := _SPECIAL.get(group.names[j].rpartition(".")[2])) is not None:
            values = [special(value) if type(value) is list else value for value in values]
            group = group._replace(
                columns=[*group.columns[:j], values, *group.columns[j + 1 :]],
                kinds=[*group.kinds[:j], kinds_of(values), *group.kinds[j + 1 :]],
            )
        if depths[j] < DEPTH and len(group.names) < FIELDS and dict in group.kinds[j]:
            return _Part(group, depths, j), j
    return _Part(group, depths, len(group.names)), -1


def _open(part: _Part, j: int) -> Iterator[_Part]:
    """Rows by what the objects in column j hold; other values stay."""
    whole, depths, _ = part
    group, values = whole, whole.columns[j]
    for keys, which in _by_keys(values).items():
        all_of = len(which) == len(values)
        inside = values if all_of else picked(values, which)
        names, columns = _inside(group.names[j], keys, inside)
        if not all_of:
            group = _some(whole, which)
        opened = Group(
            group.rows,
            (*group.names[:j], *names, *group.names[j + 1 :]),
            [*group.columns[:j], *columns, *group.columns[j + 1 :]],
            [*group.kinds[:j], *map(kinds_of, columns), *group.kinds[j + 1 :]],
        )
        deeper = (*depths[:j], *(depths[j] + 1,) * len(columns), *depths[j + 1 :])
        yield _Part(opened, deeper, j + 1 if keys is None else j)


def _by_keys(values: Column) -> dict[tuple[str, ...] | None, Sequence[int]]:
    """Which of the values are objects with these keys; None: which are no objects."""
    keys = [tuple(value) if type(value) is dict else None for value in values]
    if len(set(keys)) == 1:
        return {keys[0]: range(len(values))}
    by: defaultdict[tuple[str, ...] | None, list[int]] = defaultdict(list)
    for i, one in enumerate(keys):
        by[one].append(i)
    return dict(by)


def _some(group: Group, which: Sequence[int]) -> Group:
    """Some rows of a group."""
    columns = [picked(column, which) for column in group.columns]
    kinds = [
        of_all if len(of_all) == 1 else kinds_of(column) for of_all, column in zip(group.kinds, columns, strict=True)
    ]
    return Group(list(picked(group.rows, which)), group.names, columns, kinds)


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
