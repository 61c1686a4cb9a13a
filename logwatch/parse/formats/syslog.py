"""Syslog of RFC 5424 with structured data; that of RFC 3164 is read by the header reader of plain lines.

RFC 6587's octet counts before a record are taken off by `logwatch.parse.formats.envelope`.
"""

from __future__ import annotations

import re
from typing import Any

# Bounded, and possessive: linear in the length of the line.
_HEADER = re.compile(
    r"<(\d{1,3})>[1-9]\d? (\S{1,48}) (\S{1,255}) (\S{1,64}) (\S{1,128}) (\S{1,64}) "
    r'(-|(?:\[[^\s\]"=]{1,64}+(?: ++[^\s=\]"]{1,64}+="(?:[^"\\]|\\.)*+")*+ *+\])++)(?: +\ufeff?(.*+)|$)',
    re.DOTALL,
)
_ELEMENT = re.compile(r'\[([^\s\]"=]{1,64}+)((?: ++[^\s=\]"]{1,64}+="(?:[^"\\]|\\.)*+")*+) *+\]', re.DOTALL)
_PARAMETER = re.compile(r' ([^\s=\]"]{1,64}+)="((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')


def read(texts: list[str]) -> list[dict[str, Any] | None]:
    """Fields of each line [n], its structured data as `id.name`; None where it is not of RFC 5424."""
    return [_one(match) if (match := _HEADER.match(text)) is not None else None for text in texts]


def _one(match: re.Match[str]) -> dict[str, Any] | None:
    priority, time, host, program, _process, kind, data, message = match.groups()
    severity = int(priority)
    if severity > 191:
        return None
    record: dict[str, Any] = {} if time == "-" else {"timestamp": time}
    record["priority"] = severity & 7
    if program != "-":
        record["syslog_identifier"] = program
    record["msg"] = (message or "").removeprefix("\ufeff")
    if kind != "-":
        record["msgid"] = kind
    if host != "-":
        record["hostname"] = host
    if data != "-":
        for element in _ELEMENT.finditer(data):
            name = element[1].partition("@")[0]
            for key, value in _PARAMETER.findall(element[2]):
                record[f"{name}.{key}"] = value if "\\" not in value else _ESCAPE.sub(r"\1", value)
    return record
