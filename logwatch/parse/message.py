"""What the miner reads: each line without its time and header, and the logger beside it."""

from __future__ import annotations

import re

import numpy as np

from logwatch.parse.head import Head
from logwatch.parse.header import Headers
from logwatch.parse.stamps import Form, Stamps
from logwatch.parse.words import byte_set
from logwatch.types import Bool

_SENTENCE = byte_set(b"abcdefghijklmnopqrstuvwxyz:=,")
_AROUND = byte_set(b" \"'[(")
BLANK = " \t|"
_LEVELS = ("", "trace ", "debug ", "info ", "notice ", "warning ", "error ", "critical ")
_STATUS = re.compile('" ([1-5])[0-9]{2} ')
_CLASSES = {"1": "continue", "2": "ok", "3": "redirect", "4": "client-error", "5": "server-error"}
"""The class of an HTTP status is what a web server has to say: it belongs to the template, its number does not. In
words, for what holds a digit is masked."""


def messages(
    raw: list[bytes], texts: list[str], ascii_only: bool, head: Head, stamps: Stamps, headers: Headers
) -> list[str]:
    """Messages [n]; a line that is nothing but header keeps what there is."""
    columns = headers.message.tolist()
    out = [text[at:].lstrip(BLANK) for text, at in zip(texts, columns, strict=True)]
    if not ascii_only:  # columns count bytes
        for i, line in enumerate(raw):
            if not line[: columns[i]].isascii():
                out[i] = line[columns[i] :].decode("utf-8", "replace").lstrip(BLANK)
    for i in np.flatnonzero(is_amid(raw, head, stamps)).tolist():
        begin, end = int(stamps.start[i]), int(stamps.end[i])
        out[i] = (raw[i][:begin] + raw[i][end:]).decode("utf-8", "replace").strip()
    for i in np.flatnonzero(stamps.form == Form.ACCESS).tolist():
        out[i] = _STATUS.sub(_class, out[i], count=1)
    if "" in out:
        out = [message or text.strip() for message, text in zip(out, texts, strict=True)]
    return out


def _class(status: re.Match[str]) -> str:
    return f'" {_CLASSES[status[1]]} '


def is_amid(raw: list[bytes], head: Head, stamps: Stamps) -> Bool:
    """Lines [n] whose time stands within a sentence: what is before it belongs to the message."""
    amid = np.zeros(head.n, dtype=np.bool_)
    rows = np.flatnonzero((stamps.start > 0) & (stamps.form == Form.PLAIN))
    if not len(rows):
        return amid
    at = (rows + 1) * head.stride + np.minimum(stamps.start[rows], head.stride - 1)
    before = at - 1 - _AROUND[head.flat[at - 1]]
    json = head.flat[(rows + 1) * head.stride] == 123
    amid[rows] = json
    sentence = rows[_SENTENCE[head.flat[before]] & ~json]
    starts = stamps.start[sentence].tolist()
    # One word that ends in "=" or ":" is the name of a field, and goes.
    amid[sentence] = [raw[i].find(b" ", 0, a - 1) >= 0 for i, a in zip(sentence.tolist(), starts, strict=True)]
    return amid


def leveled(level: int, scope: str) -> str:
    """The scope of a statement: it has one logger and one level. `level` -1 and 0: not told."""
    return f"{_LEVELS[level]}{scope}" if level > 0 else scope


def scopes(raw: list[bytes], texts: list[str], ascii_only: bool, headers: Headers) -> list[str]:
    """Loggers, programs or components [n]; empty where the header names none."""
    spans = zip(headers.scope_start.tolist(), headers.scope_end.tolist(), strict=True)
    if ascii_only:
        return [text[a:b] for text, (a, b) in zip(texts, spans, strict=True)]
    return [line[a:b].decode("utf-8", "replace") for line, (a, b) in zip(raw, spans, strict=True)]
