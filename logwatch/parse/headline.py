"""What a record of many lines says in one: the line that the rest of `parse` reads for it.

A record that `join` put together is read by its first line. Of a trace the line that names the exception is added, for
`Traceback (most recent call last):` alone says nothing. An object of JSON is written in one line. What people see of it
stays its lines, one under the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from logwatch.parse.decode import safe_text
from logwatch.parse.join_lines import EXCEPTION, LOOKED_AT
from logwatch.parse.redact import Redactor
from logwatch.parse.words import ERROR
from logwatch.types import Flag, Int8, UInt8

BETWEEN = " … "
"""Stands between the first line and the exception's."""

MAX_TEXT = 8_000
"""Characters kept for people of a record of many lines: its head and its end."""

_BETWEEN = BETWEEN.encode()
_NAMED = re.compile(rb"[A-Za-z](?:Error|Exception)\b|\bpanic: ")
_FAILED = re.compile(_NAMED.pattern + rb"|^Traceback |^thread '")
_TRACEBACK = re.compile(rb"(?:^|\s)Traceback \(most recent call last\):$")
_OPENED = re.compile(rb"(?:\S{20,35} std(?:out|err) F )?[{\[]$")
_CLOSED = re.compile(rb"[}\])]+[,;]?\s*$")
_LINES_SHOWN = 60


@dataclass(slots=True)
class Folded:
    """Lines [n], with those of many lines in one."""

    lines: list[bytes]
    rest: dict[int, list[bytes]]  # row → its other lines; those that are told in one line have none here

    def alarm(self, level: Int8) -> None:
        """What names an exception and no level is an error [n]."""
        rows = [row for row in self.rest if not level[row] and _FAILED.search(self.lines[row])]
        level[rows] = ERROR

    def unfold(self, texts: list[str], invalid: UInt8, redactor: Redactor) -> None:
        """Put the other lines back into the texts [n] that people see, redacted like them."""
        tails, marks = [], []
        for row, rest in self.rest.items():
            for line in rest:
                text, bad = safe_text(line.removesuffix(b"\r"))
                tails.append(text)
                marks.append((row, bad))
        rows, rules = redactor.rows(tails, "\n".join(tails).lower())
        for k, text in zip(rows.tolist(), redactor.apply([tails[k] for k in rows.tolist()], rules), strict=True):
            tails[k] = text
        for row, bad in marks:
            invalid[row] |= Flag.INVALID if bad else 0
        at = 0
        for row, rest in self.rest.items():
            head = texts[row].partition(BETWEEN)[0] if _BETWEEN in self.lines[row] else texts[row]
            texts[row] = excerpt("\n".join([head, *tails[at : at + len(rest)]]), MAX_TEXT)
            at += len(rest)


def fold(lines: list[bytes]) -> Folded | None:
    """Lines [n] as `parse` reads them; None where each is one line already."""
    joined = np.frombuffer(b"\n".join(lines), np.uint8)
    if np.count_nonzero(joined == ord("\n")) < max(len(lines), 1):
        return None
    rows = [i for i, line in enumerate(lines) if b"\n" in line]
    folded, rest = list(lines), {}
    for row in rows:
        first, *others = lines[row].split(b"\n")
        if _OPENED.match(first) and _CLOSED.match(others[-1]):
            folded[row] = b"".join([first, *(line.strip() for line in others)])
            continue
        others = [line for line in others if line.strip()]
        folded[row] = _headline(first, others)
        rest[row] = others
    return Folded(folded, rest)


def headline(text: str) -> str:
    """A message of many lines in one."""
    if "\n" not in text:
        return text
    first, *others = text.encode("utf-8", "replace").split(b"\n")
    return _headline(first, [line for line in others if line.strip()]).decode()


def excerpt(text: str, most: int) -> str:
    """At most `most` characters of a text: of many lines the first and the last ones."""
    lines = text.split("\n")
    if len(text) <= most and len(lines) <= _LINES_SHOWN:
        return text
    if len(lines) < 4:
        return text if len(text) <= most else text[: most - 1] + "…"
    head: list[str] = []
    tail: list[str] = []
    room = most - 20
    for number in range(len(lines)):  # from both ends by turns
        part, line = (tail, lines[-1 - number // 2]) if number % 2 else (head, lines[number // 2])
        line = line if len(line) <= most // 4 else line[: most // 4 - 1] + "…"
        room -= len(line) + 1
        if room < 0 or len(head) + len(tail) >= _LINES_SHOWN:
            skipped = len(lines) - len(head) - len(tail)
            return "\n".join([*head, f"… {skipped} lines", *reversed(tail)])
        part.append(line)
    return "\n".join([*head, *reversed(tail)])


def _headline(first: bytes, others: list[bytes]) -> bytes:
    if _NAMED.search(first[:LOOKED_AT]):
        return first
    said = _exception(first, others)
    return first + _BETWEEN + said.strip() if said else first


def _exception(first: bytes, others: list[bytes]) -> bytes:
    """The line that names what was raised: Python's last one, else the first."""
    began = [k for k, line in enumerate([first, *others]) if _TRACEBACK.search(line)]
    if began:
        raised = (line for line in others[began[-1] :] if line[:1] not in b" \t")
        return next(raised, b"")
    if first.startswith(b"thread '"):
        return next(iter(others), b"")
    return next((line for line in others if EXCEPTION.match(line[:LOOKED_AT])), b"")
