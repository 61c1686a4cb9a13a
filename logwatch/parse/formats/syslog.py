"""Syslog of RFC 5424 with structured data; that of RFC 3164 is read by the header reader of plain lines.

RFC 6587's octet counts before a record are taken off by `logwatch.parse.formats.envelope`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from logwatch.parse.formats.gather import Group, groups_of
from logwatch.parse.formats.jsonlines import opened
from logwatch.parse.formats.skeleton import Form, by_skeleton, unescaped

# Bounded, and possessive: linear in the length of the line.
_DATA = r'\[[^\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^\]"]*+)*+\]'
_HEADER = re.compile(
    r"<(\d{1,3})>[1-9]\d? ([^ ]{1,48}) ([^ ]{1,255}) ([^ ]{1,64}) [^ ]{1,128} ([^ ]{1,64}) "
    rf"(-|(?:{_DATA})++)"
    "(?: +\ufeff?(.*+)|$)",
    re.DOTALL,
)
_TAKEN = r'="(?:[^"\\]|\\.)*"'
_NAME = r'[^\s=\]"\[]{1,64}'
_SKELETON = re.compile(rf"(?:\[{_NAME}(?: +{_NAME}=)* *\])++")
_ELEMENT = re.compile(rf"\[({_NAME})((?: +{_NAME}=)*) *\]")
_GROUP = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
PARAMETERS = 64
NAMES = ("timestamp", "priority", "syslog_identifier", "msg", "msgid", "hostname")


def read(texts: list[str]) -> tuple[list[Group], list[int]]:
    """Fields of texts [n], structured data as `id.name`: groups (their rows are indices), and the texts that are not of
    RFC 5424."""
    found = [_HEADER.match(text) for text in texts]
    parts = {i: match.groups("") for i, match in enumerate(found) if match is not None and int(match[1]) < 192}
    rows = list(parts)
    heads = [parts[i] for i in rows]
    groups: list[Group] = []
    bare = [k for k, head in enumerate(heads) if head[5] == "-"]
    if bare:
        groups += _groups(heads, bare, (), [])
    data = [k for k, head in enumerate(heads) if head[5] != "-"]
    bad: list[int] = []
    if data:
        told, bad = by_skeleton([heads[k][5] for k in data], _TAKEN, _compiled, unescaped)
        for group in told:
            groups += _groups(heads, [data[j] for j in group.rows], group.names, list(group.columns))
    missed = [rows[data[j]] for j in bad] + [i for i in range(len(texts)) if i not in parts]
    return [Group([rows[k] for k in group.rows], *group[1:]) for group in groups], sorted(missed)


def _groups(heads: list[tuple[str, ...]], which: list[int], names: tuple[str, ...], columns: list[Any]) -> list[Group]:
    """Rows with the same structured data; those whose message is JSON apart."""
    priority, time, host, program, kind, _, message = zip(*[heads[k] for k in which], strict=True)
    severities = {one: int(one) & 7 for one in set(priority)}
    severity = list(map(severities.__getitem__, priority))
    head: list[Any] = [_given(time), severity, _given(program), list(message), _given(kind), _given(host)]
    inside = [j for j, text in enumerate(message) if text[:1] == "{"]
    if not inside:
        return [Group(which, (*NAMES, *names), [*head, *columns])]
    every = [*head, *columns]
    records = [dict(zip((*NAMES, *names), [column[j] for column in every], strict=True)) for j in range(len(which))]
    return list(groups_of(which, [opened(record) or record for record in records]))


def _given(column: tuple[str, ...]) -> Sequence[str | None]:
    return column if "-" not in column else [None if value == "-" else value for value in column]


@lru_cache(maxsize=4096)
def _compiled(skeleton: str) -> Form | None:
    if len(skeleton) > 8192 or _SKELETON.fullmatch(skeleton) is None:
        return None
    names: list[str] = []
    pattern = ""
    for element in _ELEMENT.finditer(skeleton):
        own = element[2].split()
        names += [f"{element[1].partition('@')[0]}.{one[:-1]}" for one in own]
        pattern += re.escape(element[0])
    if len(set(names)) < len(names) or len(names) > PARAMETERS:
        names = [f"{name}#{i}" if name in names[:i] else name for i, name in enumerate(names)]
    if len(names) > PARAMETERS:
        return None
    around = tuple(re.split(r"(?<==)", pattern))
    return Form(tuple(names), around, re.compile(_GROUP.join(around)))
