"""Levels and keys of plain lines, read from their outlines: lines with their numbers and hexadecimal words collapsed.

Most lines of a log differ in numbers only, so that a batch has few outlines: the header is read once for each of
them, and not again in later batches. A line whose digits mean something, or that a rule on templates may match, is read
by itself. Which of the two a line is depends on the line alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from logwatch.parse import glued, header, level
from logwatch.parse.decode import Decoded
from logwatch.parse.glued import Glued
from logwatch.parse.head import Head, head_of
from logwatch.parse.header import REDIS_ROLE
from logwatch.parse.mask import MAX_CHARS, SCOPE_END, ZERO, distinct, numbered, without_hex
from logwatch.parse.message import BLANK, is_amid, leveled, messages, scopes
from logwatch.parse.stamps import Form, Stamps
from logwatch.parse.template_rules import Rules
from logwatch.types import Bool, Int8, Int32, Int64

KNOWN = 8_000
"""Outlines whose reading is remembered: at most 32 MB."""

_HEX = "a0"
"""Stands for hexadecimal words in outlines. It begins with a letter: a name or an id is read the same way each time."""

_MARK = 0x10  # + 2 * form + whether there is a time: the last byte of the time in outlines
_MARKS = re.compile("[\x10-\x1e]")


@dataclass(slots=True)
class Said:
    """What n lines say besides their times."""

    level: Int8  # [n] -1: their headers name none
    keys: list[str]  # [k] the miner's, all different, in the order in which they appear
    key: Int32  # [n] index into `keys`


class Outlines:
    """Reads plain lines. What it remembers changes no result."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = Rules() if rules is None else rules
        self._known: dict[str, tuple[int, str]] = {}  # level and key by outline; no key: it does not tell

    def read(self, decoded: Decoded, head: Head, stamps: Stamps) -> Said:
        """What lines say whose times are known."""
        if not head.n:
            return Said(np.zeros(0, np.int8), [], np.zeros(0, np.int32))
        alone = _is_alone(decoded.raw, head, stamps)
        if self._rules:
            alone[self._rules.near(decoded.joined(), head.n)] = True
        levels = np.full(head.n, -1, np.int8)
        parts: list[tuple[Int64, list[str], Int32]] = []
        if not alone.all():
            rows = np.flatnonzero(~alone)
            whole = len(rows) == head.n
            raw = decoded.raw if whole else [decoded.raw[i] for i in rows.tolist()]
            outlines, outline = distinct(_outlines(raw, stamps if whole else stamps.take(rows)))
            told = self._told(outlines)
            levels[rows] = np.array([level for level, _ in told], np.int8)[outline]
            silent = np.array([not key for _, key in told], np.bool_)
            if silent.any():
                lost = silent[outline]
                alone[rows[lost]] = True
                rows, outline = rows[~lost], outline[~lost]
            parts.append((rows, [key for _, key in told], outline))
        rows = np.flatnonzero(alone)
        if len(rows):
            own, keys = _by_itself(decoded, head, stamps, rows, self._rules)
            levels[rows] = own
            parts.append((rows, *distinct(pl.Series(keys, dtype=pl.String))))
        return Said(levels, *merged(head.n, parts))

    def _told(self, outlines: list[str]) -> list[tuple[int, str]]:
        new = [outline for outline in outlines if outline not in self._known]
        if len(self._known) + len(new) > KNOWN:
            self._known, new = {}, outlines
        if new:
            self._known.update(zip(new, _read(new), strict=True))
        return [self._known[outline] for outline in outlines]


def merged(n: int, parts: list[tuple[Int64, list[str], Int32]]) -> tuple[list[str], Int32]:
    """Keys [k] in the order in which they appear, and their indices [n], of rows with keys and indices of their own."""
    number: dict[str, int] = {}
    key = np.zeros(n, np.int32)
    for rows, keys, own in parts:
        key[rows] = np.array([number.setdefault(one, len(number)) for one in keys], np.int32)[own]
    used, first, back = np.unique(key, return_index=True, return_inverse=True)
    appear = np.argsort(first)
    order = np.empty(len(used), np.int32)
    order[appear] = np.arange(len(used), dtype=np.int32)
    names = list(number)
    return [names[i] for i in used[appear].tolist()], order[back]


def _is_alone(raw: list[bytes], head: Head, stamps: Stamps) -> Bool:
    """Lines [n] of which not only the words behind the time tell, or whose digits do."""
    base = head.base()
    first = head.flat[base]
    alone: Bool = (first == 123) | (first == 60) | (stamps.form == Form.ACCESS) | (stamps.form == Form.KLOG)
    alone |= is_amid(raw, head, stamps)
    if max(map(len, raw)) > MAX_CHARS:
        alone |= np.fromiter(map(len, raw), np.int64, len(raw)) > MAX_CHARS
    late = np.flatnonzero((stamps.start > 2) & ~alone)
    if len(late):  # Redis: 1234:M 05 Jan ...
        before = np.minimum(stamps.start[late], head.stride) - 2
        alone[late] = REDIS_ROLE[head.flat[base[late] + before]]
    return alone


def _outlines(raw: list[bytes], stamps: Stamps) -> pl.Series:
    """Outlines [n]: the last byte of the time, or one before the line, is a mark."""
    joined = SCOPE_END.encode() + f"\n{SCOPE_END}".encode().join(raw)
    data = np.array(np.frombuffer(joined.translate(ZERO), np.uint8))
    length = np.fromiter(map(len, raw), np.int64, len(raw))
    data[np.cumsum(length + 2) - length - 2 + stamps.end] = _MARK + 2 * stamps.form + (stamps.end > 0)
    return without_hex(numbered(data), _HEX)


def _read(outlines: list[str]) -> list[tuple[int, str]]:
    """Levels and keys of outlines."""
    raw, befores, stamps = [], [], Stamps.none(len(outlines))
    for i, outline in enumerate(outlines):
        mark = _MARKS.search(outline)
        assert mark is not None  # noqa: S101  # for the type checker: each has one
        stamps.form[i], stamps.end[i] = divmod(ord(mark[0]) - _MARK, 2)
        befores.append(outline[1 : mark.start()])
        raw.append((b"T" if stamps.end[i] else b"") + outline[mark.end() :].encode())
    headers = header.read(raw, head_of(raw), stamps)
    places = (headers.level, headers.scope_start, headers.scope_end, headers.message, stamps.end)
    spans = zip(*(place.tolist() for place in places), strict=True)
    keys, levels = [], []
    for line, before, (own, begin, end, at, timed) in zip(raw, befores, spans, strict=True):
        message = line[at:].decode("utf-8", "replace").lstrip(BLANK)
        said = glued.read(before, bool(timed), Glued(own, line[begin:end].decode("utf-8", "replace"), message))
        levels.append(said.level)
        keys.append(leveled(said.level, said.scope) + SCOPE_END + said.message if said.message else "")
    return list(zip(levels, without_hex("\n".join(keys)).to_list(), strict=True))


def _by_itself(decoded: Decoded, head: Head, stamps: Stamps, rows: Int64, rules: Rules) -> tuple[Int8, list[str]]:
    """Levels and keys of some lines."""
    raw, texts = decoded.raw, decoded.texts
    if len(rows) < head.n:
        head, stamps = head.take(rows), stamps.take(rows)
        raw, texts = [raw[i] for i in rows.tolist()], [texts[i] for i in rows.tolist()]
    headers = header.read(raw, head, stamps)
    level.mend(head, raw, stamps, headers)
    message = messages(raw, texts, decoded.ascii, head, stamps, headers)
    scope = scopes(raw, texts, decoded.ascii, headers)
    for i in np.flatnonzero((stamps.form != Form.ACCESS) & (stamps.form != Form.KLOG)).tolist():
        before = raw[i][: int(stamps.start[i])].decode("utf-8", "replace")
        said = Glued(int(headers.level[i]), scope[i], message[i])
        headers.level[i], scope[i], message[i] = glued.read(before, bool(stamps.end[i]), said)
    return headers.level, rules.keys(message, list(map(leveled, headers.level.tolist(), scope)))
