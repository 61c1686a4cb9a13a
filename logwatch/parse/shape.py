"""Shapes lines: everything that can be said of a line by itself, without state.

`Shaper.shape` is a pure function of the lines and their settings, so it may run in another process, ahead of the
rest, with bit-equal results (`logwatch.ahead`). What needs memory (clocks, templates) is `logwatch.parse.parser`'s.

The order of the steps:

    1. decode     bytes to text that is valid and safe                          `decode`
    2. times      found in each line's head                                     `timestamp`, `stamps`
    3. redaction  all but the time itself; everything else is read after it     `redact`
    4. columns    level, scope, message, by the header of plain lines           `header`, `level`, `message`
    5. formats    rows of a structured format fill the same columns anew        see below
    6. entity     by the user's regular expression                              `entity`
    7. keys       scope and message with numbers collapsed: what the miner knows a line by   `mask`

Where a format goes (JSON, logfmt, syslog, CRI, ...): in `Shaper._formats`, step 5. It is given the `Columns` of the
batch and the rows of each group of settings, and overwrites what it knows better: `stamps` (the time, by
`Stamps.put`), `level`, `scope`, `message`, `entity`. It reads `texts` or `raw`, which are redacted already, and it may
replace `texts` (what people see). Each row by itself: results may not depend on which rows share a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logwatch.parse import header, level
from logwatch.parse.decode import Decoded, decode
from logwatch.parse.entity import entities
from logwatch.parse.head import Head, head_of
from logwatch.parse.mask import collapse, distinct
from logwatch.parse.message import messages, scopes
from logwatch.parse.redact import Redactor
from logwatch.parse.settings import ParseSettings
from logwatch.parse.stamps import Stamps
from logwatch.parse.timestamp import find
from logwatch.types import Int8, Int32, UInt8

Groups = Sequence[tuple[ParseSettings, NDArray[np.int64] | slice]]
"""Rows of a batch by their settings: few, however many sources there are. Each row is in one of them."""


@dataclass(slots=True)
class Columns:
    """What n lines say; formats overwrite their rows."""

    texts: list[str]  # [n] redacted, as people may see it
    raw: list[bytes]  # [n] UTF-8 of `texts`
    stamps: Stamps  # [n]
    level: Int8  # [n] 0-7
    scope: list[str]  # [n] logger, program or component; empty: none
    message: list[str]  # [n] what the miner reads
    entity: list[str | None]  # [n] of a field; the user's regular expression goes before it


@dataclass(slots=True)
class Shaped:
    """What the rest of the pipeline needs of n lines."""

    text: Sequence[str]  # [n]
    invalid: UInt8  # [n] Flag.INVALID where bytes were replaced
    stamps: Stamps  # [n]
    level: Int8  # [n]
    entity: list[str | None]  # [n]
    keys: list[str]  # [k] the miner's, all different, in the order in which they appear
    key: Int32  # [n] index into `keys`

    def __len__(self) -> int:
        return len(self.text)


class Shaper:
    """The pure part of parsing.

    Args:
        redact: built-in rules or regular expressions, see `logwatch.parse.redact`.

    Raises:
        ConfigError: a rule is wrong.
    """

    def __init__(self, redact: Sequence[str] = ()) -> None:
        self.redact = tuple(redact)
        self._redactor = Redactor(redact)

    def shape(self, lines: list[bytes], groups: Groups) -> Shaped:
        """Columns of lines [n], each by itself."""
        decoded = decode(lines)
        head = head_of(decoded.raw)
        stamps = find(decoded.raw, head)
        for settings, rows in groups:
            if settings.format == "plain":
                stamps.put(np.arange(head.n)[rows], Stamps.none(head.n), np.arange(head.n)[rows])
        lower = "\n".join(decoded.texts).lower()
        self._redact(decoded, lower, head, stamps)
        columns = _plain(decoded, lower, head, stamps)
        self._formats(columns, groups)
        _entities(columns, groups)
        keys, key = distinct(collapse(columns.message, columns.scope))
        return Shaped(columns.texts, decoded.invalid, columns.stamps, columns.level, columns.entity, keys, key)

    def _formats(self, columns: Columns, groups: Groups) -> None:
        """Rows of structured formats fill their columns: this is their place."""

    def _redact(self, decoded: Decoded, lower: str, head: Head, stamps: Stamps) -> None:
        """Redact texts in place, but for the time itself, and bring head and spans into line."""
        rows, rules = self._redactor.rows(decoded.texts, lower)
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


def _plain(decoded: Decoded, lower: str, head: Head, stamps: Stamps) -> Columns:
    """Every line read as plain text: a header, then a message."""
    headers = header.read(decoded.raw, head, stamps)
    levels = level.complete(head, decoded.raw, decoded.texts, lower, stamps, headers)
    message = messages(decoded.raw, decoded.texts, decoded.ascii, head, stamps, headers)
    scope = scopes(decoded.raw, decoded.texts, decoded.ascii, headers)
    return Columns(decoded.texts, decoded.raw, stamps, levels, scope, message, [None] * head.n)


def _entities(columns: Columns, groups: Groups) -> None:
    texts = columns.texts
    for settings, rows in groups:
        if not settings.entity:
            continue
        if isinstance(rows, slice):
            found = entities(texts, settings.entity)
            columns.entity = [mine or given for mine, given in zip(found, columns.entity, strict=True)]
            continue
        mine = rows.tolist()
        for i, entity in zip(mine, entities([texts[i] for i in mine], settings.entity), strict=True):
            columns.entity[i] = entity or columns.entity[i]
