"""Fields to columns: rows with the same fields are read together, a field at a time, without a loop over rows.

What people see of such a line: `TIME LEVEL logger: message key=value ...`, and stack traces at its end. What the miner
reads is the message; where there is none, the first fields as `key=value`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from logwatch.parse.formats.levels import NAMES, levels_of
from logwatch.parse.formats.roles import Plan, plan_of
from logwatch.parse.formats.shown import class_of_status, first_line, quoted, scope_name, shown, trace_kind
from logwatch.parse.formats.told import Told

TEXT_MOST = 8192
"""Characters of a line that people may see, at most."""
SHOWN = 24
"""Fields shown behind a message."""
EVENT_LIKE = 12
"""Fields that stand for the message of a line without one."""

Column = Sequence[Any]


def gather(told: Told, rows: list[int], records: list[dict[str, Any]]) -> None:
    """Read flat records [n] of batch rows [n]: text, numbers, bools, None; lists and what else remains nested."""
    keys = list(map(tuple, records))
    if len(set(keys)) == 1:
        _group(told, rows, keys[0], list(zip(*map(dict.values, records), strict=True)))
        return
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    for names, which in groups.items():
        columns = list(zip(*[records[i].values() for i in which], strict=True))
        _group(told, [rows[i] for i in which], names, columns)


def _group(told: Told, rows: list[int], names: tuple[str, ...], columns: Sequence[Column]) -> None:
    """Rows [n] that all have the fields `names`."""
    plan, n = plan_of(names), len(rows)
    told.rows += rows
    time = columns[plan.time] if plan.time >= 0 else (None,) * n
    told.time += time
    levels = [0] * n
    if plan.level >= 0:
        levels = levels_of(columns[plan.level], plan.level_name, plan.syslog, plan.letters)
    told.level += levels
    scopes = [""] * n if plan.scope < 0 else list(map(scope_name, columns[plan.scope]))
    told.scope += scopes
    fields = [_Field(names[i], columns[i]) for i in plan.rest]
    messages, bare = _messages(plan, columns, fields, n)
    _texts(told, plan, columns, fields[:SHOWN], (time, levels, scopes, messages if not bare else None), n)
    if any("\n" in message for message in messages):
        messages = list(map(first_line, messages))
    if plan.kind >= 0 or plan.exceptions:
        messages = _with_kind(messages, plan, columns)
    told.message += messages
    for i, field in zip(plan.rest, fields, strict=True):
        if i in plan.valued and (kept := field.valued(rows)) is not None:
            told.fields.setdefault(field.name, []).append(kept)


class _Field:
    """One field of a group."""

    __slots__ = ("kinds", "name", "values")

    def __init__(self, name: str, values: Column) -> None:
        self.name, self.values = name, values
        self.kinds = set(map(type, values))

    def shown(self) -> Sequence[Any]:
        """As text: what `%s` makes of it."""
        if self.kinds <= {int, float}:
            return self.values
        if self.kinds == {str}:
            all_of = "".join(self.values)
            if len(all_of) < 4 * TEXT_MOST and all_of.isalnum() and all(self.values):
                return self.values
            if any(c in all_of for c in ' "=\n\t,;') or not all(self.values) or max(map(len, self.values)) > 1024:
                return list(map(quoted, self.values))
            return self.values
        return list(map(shown, self.values))

    def valued(self, rows: list[int]) -> tuple[list[int], Column] | None:
        """Rows and values for the detectors."""
        if self.kinds <= {int, float, str}:
            return rows, self.values
        values = [str(value).lower() if type(value) is bool else value for value in self.values]
        good = [type(value) in (int, float, str) for value in values]
        if not any(good):
            return None
        some = [(row, value) for row, value, is_good in zip(rows, values, good, strict=True) if is_good]
        return [row for row, _ in some], [value for _, value in some]


def _messages(plan: Plan, columns: Sequence[Column], fields: list[_Field], n: int) -> tuple[list[str], bool]:
    """Messages [n], and whether they were made of fields."""
    if plan.message >= 0:
        values = columns[plan.message]
        if set(map(type, values)) != {str}:
            values = ["" if value is None else value if type(value) is str else shown(value) for value in values]
        if all(values):
            return list(values), False
        instead = _made(fields, n)
        return [value or other for value, other in zip(values, instead, strict=True)], False
    return _made(fields, n), True


def _made(fields: list[_Field], n: int) -> list[str]:
    some = [field for field in fields if not field.kinds & {dict, list}][:EVENT_LIKE]
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


def _texts(told: Told, plan: Plan, columns: Sequence[Column], fields: list[_Field], head: tuple[Any, ...], n: int) -> None:
    """What people see of rows [n]; `head` is time, level, scope and message."""
    time, levels, scopes, messages = head
    form, parts = [], []
    if plan.time >= 0 and str in set(map(type, time)):
        form.append("%s")
        parts.append(time if max(map(_length, time)) <= 40 else [str(value)[:40] for value in time])
    if any(levels):
        form.append("%s")
        parts.append(list(map(NAMES.__getitem__, levels)))
    if any(scopes):
        form.append("%s:")
        parts.append(scopes)
    if messages is not None:
        form.append("%s")
        parts.append(messages)
    for label, i in plan.traces:
        form.append(f"{label}=%s")
        parts.append(_Field(label, columns[i]).shown())
    for field in fields:
        form.append(f"{_escaped(field.name)}=%s")
        parts.append(field.shown())
    for i in (plan.kind, *plan.exceptions):
        if i >= 0:
            form.append("%s")
            parts.append([shown(value) if value is not None else "" for value in columns[i]])
    texts = list(map(" ".join(form).__mod__, zip(*parts, strict=True))) if parts else [""] * n
    if max(map(len, texts)) > TEXT_MOST:
        texts = [text if len(text) <= TEXT_MOST else text[: TEXT_MOST - 1] + "…" for text in texts]
    told.text += texts


def _length(value: Any) -> int:
    return len(value) if type(value) is str else 0


def _with_kind(messages: list[str], plan: Plan, columns: Sequence[Column]) -> list[str]:
    """The exception's type belongs to the template; its trace does not."""
    source = plan.kind if plan.kind >= 0 else plan.exceptions[0]
    kinds = [trace_kind(value) for value in columns[source]]
    return [f"{m} [{kind}]" if kind and kind not in m else m for m, kind in zip(messages, kinds, strict=True)]
