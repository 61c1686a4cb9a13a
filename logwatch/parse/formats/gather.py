"""Fields to columns: rows with the same fields are read together, a field at a time, without a loop over rows.

What people see of a JSON line: `TIME LEVEL logger: message key=value ...`, and stack traces at its end. What the miner
reads is the message; where there is none, the first fields as `key=value`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from logwatch.parse.formats.levels import NAMES, levels_of
from logwatch.parse.formats.roles import MOST, Plan, plan_of
from logwatch.parse.formats.shown import all_bare, class_of_status, first_line, quoted, scope_names, shown, trace_kind
from logwatch.parse.formats.told import Told
from logwatch.parse.formats.valued import TEXT, Kinds, kinds_of
from logwatch.types import Int32

TEXT_MOST = 8192
"""Characters of a line that people may see, at most."""
MINED_MOST = 4096
"""Characters of a message that go on to the miner, which looks at half of them."""
EVENT_LIKE = 12
"""Fields that stand for the message of a line without one."""
_PLAIN = frozenset((str, int, float))
_NESTS = frozenset((dict, list))
_LEVELS = ("", *(f"{name} " for name in NAMES[1:]))
"""A line says nothing of what it lacks, whatever the lines beside it have."""

Column = Sequence[Any]
T = TypeVar("T")


class Group(NamedTuple):
    """Rows with the same fields."""

    rows: list[int]
    names: tuple[str, ...]
    columns: Sequence[Column]  # by name, then by row
    kinds: Sequence[Kinds]  # types of the values of each column


def groups_of(rows: list[int], records: Iterable[dict[str, Any] | None]) -> Iterator[Group]:
    """Records [n] of batch rows [n], by their fields; those that are None are passed over."""
    by: dict[tuple[str, ...], tuple[list[int], list[tuple[Any, ...]]]] = {}
    for row, record in zip(rows, records, strict=True):
        if record is None:
            continue
        names = tuple(record)
        known = by.get(names)
        if known is None:
            known = by[names] = ([], [])
        known[0].append(row)
        known[1].append(tuple(record.values()))
    for names, (own, values) in by.items():
        columns = list(zip(*values, strict=True))
        yield Group(own, names, columns, list(map(kinds_of, columns)))


def picked(values: Sequence[T], which: Sequence[int]) -> Sequence[T]:
    """Some of the values, at least one."""
    return itemgetter(*which)(values) if len(which) > 1 else [values[which[0]]]


def gather(told: Told, group: Group, texts: list[str] | None = None) -> None:
    """Read a group of rows. Values: text, numbers, bools, None; lists and what else remained nested.

    Args:
        texts: [n] what people see of them; None: it is made of the fields.
    """
    rows, names, columns, kinds = group
    plan, n = plan_of(names), len(rows)
    time = columns[plan.time] if plan.time >= 0 else (None,) * n
    levels = [0] * n
    if plan.level >= 0:
        levels = levels_of(columns[plan.level], plan.level_name, plan.syslog, plan.letters)
    scopes = [""] * n if plan.scope < 0 else scope_names(columns[plan.scope])
    fields = [_Field(names[i], columns[i], kinds[i]) for i in plan.rest]
    messages, bare = _messages(plan, group, fields, n)
    if texts is None:
        texts = _texts(plan, group, fields[:MOST], (time, levels, scopes, None if bare else messages), n)
    told.rows += rows
    told.time += time
    told.level += levels
    told.scope += scopes
    told.text += texts
    told.message += _mined(messages, plan, columns)
    _value(told, fields[: plan.valued], np.array(rows, dtype=np.int32), texts)


def _value(told: Told, fields: list[_Field], at: Int32, texts: list[str]) -> None:
    """Values of batch rows [n] for the detectors."""
    whole = None if max(map(len, texts)) < TEXT_MOST else [i for i, text in enumerate(texts) if len(text) < TEXT_MOST]
    for field in fields:
        if whole is None and field.kinds <= _PLAIN:
            told.values(field.name, at, field.values, field.kinds)
            continue
        some, values = field.valued(range(len(at)) if whole is None else whole)
        if values:
            told.values(field.name, at[some], values, kinds_of(values))


class _Field:
    """One field of a group."""

    __slots__ = ("_shown", "kinds", "name", "values")

    def __init__(self, name: str, values: Column, kinds: Kinds) -> None:
        self.name, self.values, self.kinds = name, values, kinds
        self._shown: Column | None = None

    def shown(self) -> Column:
        """As text: what `%s` makes of it."""
        if self._shown is None:
            self._shown = self._told()
        return self._shown

    def _told(self) -> Column:
        if self.kinds == TEXT:
            return self.values if all_bare(self.values) else list(map(quoted, self.values))
        return self.values if self.kinds <= {int, float} else list(map(shown, self.values))

    def valued(self, whole: Iterable[int]) -> tuple[list[int], Column]:
        """Rows and values for the detectors.

        Args:
            whole: rows whose text was not cut; redaction does not see all values of the others.
        """
        values = [str(value).lower() if type(value) is bool else value for value in self.values]
        some = [i for i in whole if type(values[i]) in _PLAIN]
        return some, [values[i] for i in some]


def _messages(plan: Plan, group: Group, fields: list[_Field], n: int) -> tuple[list[str], bool]:
    """Messages [n], and whether they were made of fields."""
    if plan.message < 0:
        return _made(fields, n), True
    values = group.columns[plan.message]
    if group.kinds[plan.message] != TEXT:
        values = ["" if value is None else value if type(value) is str else shown(value) for value in values]
    if all(values):
        return list(values), False
    instead = _made(fields, n)
    return [value or other for value, other in zip(values, instead, strict=True)], False


def _made(fields: list[_Field], n: int) -> list[str]:
    if any(field.kinds & _NESTS and not field.kinds <= _NESTS for field in fields):  # each row has its own fields
        alone = ([_Field(f.name, (f.values[i],), kinds_of((f.values[i],))) for f in fields] for i in range(n))
        return [_made(own, 1)[0] for own in alone]
    some = [field for field in fields if not field.kinds & _NESTS][:EVENT_LIKE]
    if not some:
        return [""] * n
    form = " ".join(f"{_escaped(field.name)}=%s" for field in some)
    told = [list(map(class_of_status, f.values)) if _is_status(f.name) else f.shown() for f in some]
    return list(map(form.__mod__, zip(*told, strict=True)))


def _is_status(name: str) -> bool:
    last = name.lower().rpartition(".")[2]
    return last in ("status", "status_code", "statuscode", "response_code", "http_status", "code")


def _escaped(name: str) -> str:
    return name[:128].replace("%", "%%").replace(" ", "_").replace("\n", "_")


def _texts(plan: Plan, group: Group, fields: list[_Field], head: tuple[Any, ...], n: int) -> list[str]:
    """What people see of rows [n]; `head` is time, level, scope and message."""
    time, levels, scopes, messages = head
    begins: list[Column] = []
    if plan.time >= 0 and str in group.kinds[plan.time]:
        begins.append([f"{value[:40]} " if type(value) is str else "" for value in time])
    if any(levels):
        begins.append(list(map(_LEVELS.__getitem__, levels)))
    if any(scopes):
        begins.append([f"{scope}: " if scope else "" for scope in scopes])
    form: list[str] = []
    parts: list[Column] = []
    if messages is not None:
        form.append("%s")
        parts.append(messages)
    for label, i in plan.traces:
        form.append(f"{label}=%s")
        parts.append(_Field(label, group.columns[i], group.kinds[i]).shown())
    for field in fields:
        form.append(f"{_escaped(field.name)}=%s")
        parts.append(field.shown())
    for i in (plan.kind, *plan.exceptions):
        if i >= 0:
            form.append("%s")
            parts.append([shown(value) if value is not None else "" for value in group.columns[i]])
    whole = "%s" * len(begins) + " ".join(form)
    texts = list(map(whole.__mod__, zip(*begins, *parts, strict=True))) if begins or parts else [""] * n
    if not parts:
        texts = [text[:-1] for text in texts]
    if max(map(len, texts)) > TEXT_MOST:
        texts = [text if len(text) <= TEXT_MOST else text[: TEXT_MOST - 1] + "…" for text in texts]
    return texts


def _mined(messages: list[str], plan: Plan, columns: Sequence[Column]) -> list[str]:
    """What templates are made of: first lines, with the exception's type, without its trace."""
    if max(map(len, messages)) > MINED_MOST:
        messages = [message[:MINED_MOST] for message in messages]
    if "\n" in "".join(messages):
        messages = list(map(first_line, messages))
    if plan.kind < 0 and not plan.exceptions:
        return messages
    source = plan.kind if plan.kind >= 0 else plan.exceptions[0]
    kinds = list(map(trace_kind, columns[source]))
    return [f"{m} [{kind}]" if kind and kind not in m else m for m, kind in zip(messages, kinds, strict=True)]
