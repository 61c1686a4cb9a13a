"""Syslog of RFC 5424 with structured data; that of RFC 3164 is read by the header reader of plain lines.

RFC 6587's octet counts before a record are taken off by `logwatch.parse.formats.envelope`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from logwatch.parse.formats.gather import Group, groups_of, picked
from logwatch.parse.formats.jsonlines import opened
from logwatch.parse.formats.skeleton import LONGEST, Column, Form, Found, by_skeleton, emptied, matched, unescaped
from logwatch.parse.formats.valued import TEXT, kinds_of

# Bounded, and possessive: linear in the length of the line.
_DATA = r'\[[^\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^\]"]*+)*+\]'
_BEFORE = r"<(\d{1,3})>[1-9]\d? ([^ ]{1,48}) ([^ ]{1,255}) ([^ ]{1,64}) [^ ]{1,128} ([^ ]{1,64}) "
_BEHIND = "(?: +\ufeff?(.*+)|$)"
_HEADER = re.compile(rf"{_BEFORE}(-|(?:{_DATA})++){_BEHIND}", re.DOTALL)
_TAKEN = r'="(?:[^"\\]|\\.)*"'
_NAME = r'[^\s=\]"\[]{1,64}'
_SKELETON = re.compile(rf"(?:\[{_NAME}(?: +{_NAME}=)* *\])++")
_ELEMENT = re.compile(rf"\[({_NAME})((?: +{_NAME}=)*) *\]")
_GROUP = r'"([^"\\]*+(?:\\[^\n][^"\\]*+)*+)"'
PARAMETERS = 64
HIGHEST = 191
"""The highest priority: severity 7 of facility 23."""
NAMES = ("timestamp", "priority", "syslog_identifier", "msg", "msgid", "hostname")


def read(texts: list[str]) -> tuple[list[Group], list[int]]:
    """Fields of texts [n], structured data as `id.name`: groups (their rows are indices), and the texts that are not of
    RFC 5424."""
    groups: list[Group] = []

    def told(skeleton: str, rows: list[int]) -> list[int]:
        form = _compiled(skeleton) if len(skeleton) <= LONGEST else None
        if form is None:
            return rows
        found = matched(form.pattern.match, rows, picked(texts, rows))
        if not found.rows:
            return rows
        over = {one for one in set(found.columns[0]) if int(one) > HIGHEST}
        if over:
            sound = [row for row, one in zip(found.rows, found.columns[0], strict=True) if one not in over]
            return sorted(set(rows).difference(sound)) + (told(skeleton, sound) if sound else [])
        groups.extend(_groups(found, form.names))
        return found.missed

    return groups, by_skeleton(texts, _skeletons, told)


def _skeletons(texts: list[str]) -> list[str]:
    """Structured data without values; empty where a text is not of RFC 5424."""
    found = [_HEADER.match(text) for text in texts]
    return emptied([match[6] if match is not None and int(match[1]) <= HIGHEST else "" for match in found], _TAKEN)


def _groups(found: Found, names: tuple[str, ...]) -> list[Group]:
    """Rows with the same structured data; those whose message is JSON apart."""
    rows = found.rows
    priority, time, host, program, kind, *columns, message = found.columns
    severities = {one: int(one) & 7 for one in set(priority)}
    severity = list(map(severities.__getitem__, priority))
    head: list[Any] = [_given(time), severity, _given(program), message, _given(kind), _given(host)]
    every = [*head, *map(unescaped, columns)]
    if not any(text[:1] == "{" for text in message):
        return [Group(rows, (*NAMES, *names), every, [*map(kinds_of, head), *[TEXT] * len(columns)])]
    records = [dict(zip((*NAMES, *names), values, strict=True)) for values in zip(*every, strict=True)]
    return list(groups_of(rows, [opened(record) or record for record in records]))


def _given(column: Column) -> Sequence[str | None]:
    return column if "-" not in column else [None if value == "-" else value for value in column]


@lru_cache(maxsize=4096)
def _compiled(skeleton: str) -> Form | None:
    if skeleton == "-":
        return Form((), (), re.compile(f"{_BEFORE}-{_BEHIND}", re.DOTALL))
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
    return Form(tuple(names), (), re.compile(_BEFORE + _GROUP.join(re.split(r"(?<==)", pattern)) + _BEHIND, re.DOTALL))
