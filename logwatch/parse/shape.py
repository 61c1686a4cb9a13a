"""Shapes lines: everything that can be said of a line by itself, without state.

`Shaper.shape` is a pure function of the lines and their settings, so it may run in another process, ahead of the
rest, with bit-equal results (`logwatch.ahead`). What needs memory (clocks, templates) is `logwatch.parse.parser`'s.

A record of many lines is read by one, and shown by all: `headline`. The order of the steps:

    1. formats    lines of JSON, logfmt, syslog 5424, CRI, journald: columns of their fields    `formats.read`
    2. redaction  of these, after they are read: an escape hides nothing                        `formats.redacted`

and for all other lines, and for what a CRI prefix stood before:

    3. decode     bytes to text that is valid and safe                          `decode`
    4. times      found in each line's head                                     `timestamp`, `stamps`
    5. redaction  all but the time itself; everything else is read after it     `redact`
    6. columns    level and key, by the header of plain lines     `outline`, `header`, `level`, `message`

then for both:

    7. entity     by the user's regular expression                              `entity`

A key is scope and message, after the rules on templates, with numbers collapsed (`mask`): what the miner knows a line
by.

A format reads each row by itself: results may not depend on which rows share a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from logwatch.parse import level
from logwatch.parse.decode import Decoded, decode
from logwatch.parse.entity import entities
from logwatch.parse.formats import access
from logwatch.parse.formats.read import Failed, Read, read
from logwatch.parse.formats.redacted import redacted
from logwatch.parse.formats.told import Rows
from logwatch.parse.head import Head, head_of
from logwatch.parse.headline import fold
from logwatch.parse.mask import distinct
from logwatch.parse.message import leveled
from logwatch.parse.outline import Outlines, merged
from logwatch.parse.redact import Redactor
from logwatch.parse.settings import ParseSettings
from logwatch.parse.stamps import Form, Stamps
from logwatch.parse.template_rules import Rules
from logwatch.parse.timestamp import find
from logwatch.types import Bool, FieldColumn, Int8, Int32, Int64, UInt8

Groups = Sequence[tuple[ParseSettings, NDArray[np.int64] | slice]]
"""Rows of a batch by their settings: few, however many sources there are. Each row is in one of them."""


@dataclass(slots=True)
class Columns:
    """What n lines say."""

    texts: Sequence[str]  # [n] redacted, as people may see it
    invalid: UInt8  # [n] Flag.INVALID where bytes were replaced
    stamps: Stamps  # [n]
    level: Int8  # [n] 0-7
    keys: list[str]  # [k] the miner's, all different, in the order in which they appear
    key: Int32  # [n] index into `keys`
    fields: list[FieldColumn]


@dataclass(slots=True)
class Shaped:
    """What the rest of the pipeline needs of n lines."""

    text: Sequence[str]  # [n]
    invalid: UInt8  # [n] Flag.INVALID where bytes were replaced, or the line is not of the source's format
    stamps: Stamps  # [n]
    level: Int8  # [n]
    entity: list[str | None]  # [n]
    keys: list[str]  # [k] the miner's, all different, in the order in which they appear
    key: Int32  # [n] index into `keys`
    fields: list[FieldColumn]  # values of the lines that have any
    failed: list[Failed]  # rows that are not of the format that the source's configuration names

    def __len__(self) -> int:
        return len(self.text)


class Shaper:
    """The pure part of parsing.

    Args:
        redact: built-in rules or regular expressions, see `logwatch.parse.redact`.
        rules: on templates, see `logwatch.parse.template_rules`.

    Raises:
        ConfigError: a rule is wrong.
    """

    def __init__(self, redact: Sequence[str] = (), rules: Iterable[Sequence[str]] = ()) -> None:
        self.redact = tuple(redact)
        self._redactor = Redactor(redact)
        self._rules = Rules(rules)
        self._outlines = Outlines(self._rules)

    def shape(self, lines: list[bytes], groups: Groups) -> Shaped:
        """Columns of lines [n], each by itself."""
        folded = fold(lines)
        lines = lines if folded is None else folded.lines
        timeless = np.zeros(len(lines), dtype=np.bool_)
        for settings, rows in groups:
            timeless[rows] = settings.format == "plain"
        found = read(lines, [(settings.format, rows) for settings, rows in groups])
        columns = self._plain(lines, timeless) if found is None else self._formed(found, timeless)
        if folded is not None:
            folded.alarm(columns.level)
            columns.texts = list(columns.texts)
            folded.unfold(columns.texts, columns.invalid, self._redactor)
        return Shaped(
            columns.texts,
            columns.invalid,
            columns.stamps,
            columns.level,
            _entities(columns.texts, groups),
            columns.keys,
            columns.key,
            columns.fields,
            [] if found is None else found.failed,
        )

    def _plain(self, lines: list[bytes], timeless: Bool) -> Columns:
        """Every line read as plain text: a header, then a message."""
        decoded = decode(lines)
        head = head_of(decoded.raw)
        stamps = find(decoded.raw, head)
        if timeless.any():
            rows = np.flatnonzero(timeless)
            stamps.put(rows, Stamps.none(len(rows)), slice(None))
        lower = decoded.joined().lower()
        self._redact(decoded, lower, head, stamps)
        said = self._outlines.read(decoded, head, stamps)
        texts, requests = decoded.shown(), np.flatnonzero(stamps.form == Form.ACCESS)
        level.complete(said.level, texts, lower)
        fields = access.fields(decoded.texts, requests) if len(requests) else []
        return Columns(texts, decoded.invalid, stamps, said.level, said.keys, said.key, fields)

    def _formed(self, found: Read, timeless: Bool) -> Columns:
        """Lines of formats, and plain ones between them."""
        rows = found.plain
        plain = self._plain([found.lines[i] for i in rows.tolist()], timeless[rows])
        columns = plain if found.told is None else self._merged(found.told, plain, rows, len(found.lines))
        columns.invalid = columns.invalid | found.invalid
        found.put_outer(columns.stamps)
        return columns

    def _merged(self, told: Rows, plain: Columns, rows: Int64, n: int) -> Columns:
        """Columns of all n lines, of which `rows` are plain."""
        text, message, scope = redacted(told, self._redactor)
        scope = list(map(leveled, told.level.tolist(), scope))
        keys, key = distinct(pl.Series(self._rules.keys(message, scope), dtype=pl.String))
        if not len(rows):
            return Columns(text, np.zeros(n, np.uint8), told.stamps, told.level, keys, key, told.fields)
        order = np.concatenate([told.rows, rows])
        back = np.empty(n, dtype=np.int64)
        back[order] = np.arange(n)
        at = back.tolist()
        stamps = Stamps.none(n)
        stamps.put(told.rows, told.stamps, slice(None))
        stamps.put(rows, plain.stamps, slice(None))
        invalid = np.zeros(n, dtype=np.uint8)
        invalid[rows] = plain.invalid
        for field in plain.fields:
            field.rows = rows[field.rows].astype(np.int32)
        return Columns(
            _in_order(text, list(plain.texts), at),
            invalid,
            stamps,
            np.concatenate([told.level, plain.level])[back],
            *merged(n, [(told.rows, keys, key), (rows, plain.keys, plain.key)]),
            [*told.fields, *plain.fields],
        )

    def _redact(self, decoded: Decoded, lower: str, head: Head, stamps: Stamps) -> None:
        """Redact texts in place, but for the time itself, and bring head and spans into line."""
        rows, rules = self._redactor.rows(decoded.shown(), lower)
        if not len(rows):
            return
        starts, ends = stamps.start[rows].tolist(), stamps.end[rows].tolist()
        lines = [decoded.raw[i] for i in rows.tolist()]
        before = self._redactor.apply([line[:a].decode() for line, a in zip(lines, starts, strict=True)], rules)
        after = self._redactor.apply([line[b:].decode() for line, b in zip(lines, ends, strict=True)], rules)
        for k, i in enumerate(rows.tolist()):
            time = lines[k][starts[k] : ends[k]].decode()
            decoded.texts[i] = before[k] + time + after[k]
            decoded.raw[i] = decoded.texts[i].encode()
            stamps.start[i] = len(before[k].encode())
            stamps.end[i] = stamps.start[i] + len(time) if time else 0
        head.replace(rows, [decoded.raw[i] for i in rows.tolist()])


def _in_order(told: list[str], plain: list[str], at: list[int]) -> list[str]:
    return list(map((told + plain).__getitem__, at))


def _entities(texts: Sequence[str], groups: Groups) -> list[str | None]:
    found: list[str | None] = [None] * len(texts)
    for settings, rows in groups:
        if not settings.entity:
            continue
        if isinstance(rows, slice):
            return entities(list(texts), settings.entity)
        mine = rows.tolist()
        for i, entity in zip(mine, entities([texts[i] for i in mine], settings.entity), strict=True):
            found[i] = entity
    return found


def own_stamps(lines: list[bytes], format: str) -> Stamps:
    """What lines [n] of one source say of their times, and no more."""
    if format == "plain":
        return Stamps.none(len(lines))
    folded = fold(lines)
    lines = lines if folded is None else folded.lines
    found = read(lines, [(format, slice(None))])
    raw = decode(lines if found is None else found.lines).raw
    stamps = find(raw, head_of(raw))
    if found is not None:
        if found.told is not None:
            stamps.put(found.told.rows, found.told.stamps, slice(None))
        found.put_outer(stamps)
    return stamps
