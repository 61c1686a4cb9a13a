"""Levels that the header's words do not give: priorities of syslog, klog's letters, statuses of HTTP, level fields."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from logwatch.parse.head import WIDTH, Head
from logwatch.parse.header import Headers
from logwatch.parse.literals import containing
from logwatch.parse.stamps import Form, Stamps
from logwatch.parse.words import ERROR, INFO, LETTER_TABLE, LEVELS, SYSLOG, UNKNOWN, WARNING
from logwatch.types import Int8, Int64

_PRIORITY = re.compile(rb"<(\d{1,3})>(?:1 (?=\S))?")
# RFC 5424 behind its time: host, program, process, message id, structured data.
_STRUCTURED = re.compile(
    rb" (\S+) (\S+) (\S+) (\S+) "
    rb'(?:-|(?:\[[^\s\]"]{1,64}(?: [^\s=\]"]{1,64}="(?:[^"\\]|\\.)*")*\])+)(?: |$)(?:\xef\xbb\xbf)?'
)
_STATUS = re.compile(rb'" ([1-5])\d\d ')
_FIELD = r'(?i-u)\b(?:level|lvl|severity|loglevel|log\.level)"?[ \t]{0,3}[=:][ \t]{0,3}"?([a-z]{3,11}|[0-9]{1,2})\b'
_FIELDS = 2000  # characters in which a level field is looked for
_WORDS = ("level", "lvl", "severity")
_PINO = {"10": 1, "20": 2, "30": 3, "40": 5, "50": 6, "60": 7}
_NAMES = {**{word.lower(): level for word, level in LEVELS.items()}, **_PINO,
          "information": INFO, "emergency": 7, "statement": INFO}  # fmt: skip


def mend(head: Head, raw: list[bytes], stamps: Stamps, headers: Headers) -> None:
    """Levels that are told by more than words; the headers of syslog's lines are mended on the way."""
    level = headers.level
    klog = np.flatnonzero((stamps.form == Form.KLOG) & (stamps.start < WIDTH))
    if len(klog):
        level[klog] = LETTER_TABLE[head.flat[head.base()[klog] + stamps.start[klog]]]
    _priorities(raw, np.flatnonzero(head.flat[head.base()] == 60), stamps, headers)
    for i in np.flatnonzero((stamps.form == Form.ACCESS) & (level < 0)).tolist():
        found = _STATUS.search(raw[i], int(stamps.end[i]))
        if found is not None:
            level[i] = {b"4": WARNING, b"5": ERROR}.get(found[1], INFO)


def complete(level: Int8, texts: Sequence[str], lower: str) -> None:
    """Make levels 0-7 of -1 [n], by the fields of the lines. `lower`: see `containing`."""
    _fields(texts, lower, level, np.flatnonzero(level < 0))
    level[level < 0] = UNKNOWN


def _priorities(raw: list[bytes], rows: Int64, stamps: Stamps, headers: Headers) -> None:
    for i in rows.tolist():
        found = _PRIORITY.match(raw[i])
        if found is None or int(found[1]) > 191:
            continue
        headers.level[i] = SYSLOG[int(found[1]) & 7]
        rest = _STRUCTURED.match(raw[i], int(stamps.end[i])) if found.end() == stamps.start[i] else None
        if rest is not None and found[0].endswith(b" "):
            headers.message[i] = rest.end()
            headers.scope_start[i], headers.scope_end[i] = rest.span(2)


def _fields(texts: Sequence[str], lower: str, level: Int8, rows: Int64) -> None:
    """`level=warn` and `"severity": "ERROR"`, in lines that have no level yet."""
    if not len(rows):
        return
    near = np.zeros(len(texts), dtype=np.bool_)
    near[containing(lower, len(texts), _WORDS)] = True
    rows = rows[near[rows]]
    if not len(rows):
        return
    some = pl.Series([texts[i][:_FIELDS] for i in rows.tolist()], dtype=pl.String)
    words = some.str.extract(_FIELD, 1)
    hits = words.is_not_null().to_numpy()
    if hits.any():
        names = words.filter(words.is_not_null()).str.to_lowercase().to_list()
        level[rows[hits]] = [_NAMES.get(name, UNKNOWN) for name in names]
