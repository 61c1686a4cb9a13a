"""What the miner knows lines by, for whole batches of plain lines at once: no text is made of what most lines repeat.

`collapse(messages(...), scopes(...))` says what the keys are; this gives the same from the joined bytes. Lines whose
message is not just the end of the line are read one by one, as there.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from logwatch.parse.decode import Decoded
from logwatch.parse.head import Head
from logwatch.parse.header import Headers
from logwatch.parse.mask import MAX_CHARS, SCOPE_END, ZERO, collapse, numbered, without_hex
from logwatch.parse.message import BLANK, is_amid, messages, scopes
from logwatch.parse.stamps import Form, Stamps
from logwatch.parse.words import byte_set
from logwatch.types import Bool, Int64, UInt8

_SEPARATOR = ord(SCOPE_END)
_BLANKS = byte_set(BLANK.encode())
_MOST_BLANKS = 8
_FEW = 4
"""Where more than one line in so many is read by itself, all are."""


def keys_of(decoded: Decoded, head: Head, stamps: Stamps, headers: Headers) -> pl.Series:
    """Keys [n] of plain lines."""
    if decoded.ascii and head.n:
        spans = _Spans(decoded.raw, headers)
        alone = spans.odd | is_amid(decoded.raw, head, stamps) | (stamps.form == Form.ACCESS)
        rows = np.flatnonzero(alone)
        if _FEW * len(rows) <= head.n:
            keys = spans.keys(alone)
            return (
                keys if not len(rows) else keys.scatter(rows, pl.Series(_listed(decoded, head, stamps, headers, rows)))
            )
    return pl.Series(_listed(decoded, head, stamps, headers, np.arange(head.n)), dtype=pl.String)


def _listed(decoded: Decoded, head: Head, stamps: Stamps, headers: Headers, rows: Int64) -> list[str]:
    if len(rows) < head.n:
        head, stamps, headers = head.take(rows), stamps.take(rows), headers.take(rows)
        picked = rows.tolist()
        raw, texts = [decoded.raw[i] for i in picked], [decoded.texts[i] for i in picked]
    else:
        raw, texts = decoded.raw, decoded.texts
    message = messages(raw, texts, decoded.ascii, head, stamps, headers)
    return collapse(message, scopes(raw, texts, decoded.ascii, headers))


class _Spans:
    """Where scopes and messages stand in the joined lines, each of which a separator goes before."""

    def __init__(self, raw: list[bytes], headers: Headers) -> None:
        joined = SCOPE_END.encode() + f"\n{SCOPE_END}".encode().join(raw)
        self.data: UInt8 = np.array(np.frombuffer(joined.translate(ZERO), np.uint8))
        length = np.fromiter(map(len, raw), np.int64, len(raw))
        self.begin: Int64 = np.cumsum(length + 2) - length - 1
        self.end: Int64 = self.begin + length
        self.start = self._unblanked(self.begin + headers.message)
        self.scope: Int64 = self.begin + headers.scope_start
        self.scope_end: Int64 = self.begin + headers.scope_end
        self.scoped: Bool = self.scope_end > self.scope
        # The separator takes the place of the byte before the message: there must be one that is not the scope's.
        self.odd: Bool = (self.start >= self.end) | (self.end - self.start > MAX_CHARS)
        self.odd |= self.scoped & (self.scope_end >= self.start)
        self.odd |= _BLANKS[self.data[np.minimum(self.start, len(self.data) - 1)]]

    def _unblanked(self, start: Int64) -> Int64:
        for _ in range(_MOST_BLANKS):
            blank = _BLANKS[self.data[np.minimum(start, len(self.data) - 1)]] & (start < self.end)
            if not blank.any():
                break
            start = start + blank
        return start

    def keys(self, alone: Bool) -> pl.Series:
        """Keys [n]; of those that are read `alone`, anything."""
        data, size = self.data, len(self.data)
        start = np.where(alone, self.begin, self.start) - 1
        scoped = self.scoped & ~alone
        data[start] = _SEPARATOR
        edge = np.zeros(size + 2, dtype=np.int8)
        edge[self.scope[scoped]] += 1
        edge[self.scope_end[scoped]] -= 1
        edge[start] += 1
        edge[self.end + 1] -= 1  # with the line end
        inside = np.cumsum(edge[:size], dtype=np.int8).view(np.bool_)
        return without_hex(numbered(data, inside))
