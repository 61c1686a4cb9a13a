"""Decodes record batches of Kafka's message format 2, many records at a time.

The client library takes 8 µs for a record, and what is wrong with one record costs it the rest of the response. Here
the lengths are walked in order, and all other fields are read as columns; a record that is not well formed is a gap
of its own.

Format: kafka.apache.org/documentation/#recordbatch. A record is
`length attributes timestampDelta offsetDelta keyLength key valueLength value headerCount [keyLength key valueLength
value]`, lengths and deltas zigzag varints, attributes one byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from logwatch.types import Bool, Int64, UInt8

Headers = list[tuple[str, bytes | None]]

LONGEST = 10
"""Bytes of a varint, at most."""

HEADER_BYTES = 61
"""Bytes of a batch before its records."""


class Section(NamedTuple):
    """The records of one batch, decompressed."""

    data: bytes
    records: int  # as the batch says
    base: int  # offset that deltas are relative to
    first_time: int  # ms; that deltas are relative to
    log_time: int | None  # ms; when the broker stamped all records, where it did
    end: int  # offset after the batch


class Lost(NamedTuple):
    """Offsets that cannot be read: [start, end)."""

    start: int
    end: int
    reason: str


@dataclass(slots=True)
class Columns:
    """n records in order."""

    offset: Int64  # [n]
    time: Int64  # [n] ms since the epoch, as the producer or the broker says
    key: list[bytes | None] | None  # [n]; None where no record has one
    value: list[bytes | None]  # [n]
    headers: list[Headers] | None  # [n]; None where no record has one
    size: int = 0  # bytes of keys and values
    lost: list[Lost] = field(default_factory=list)
    end: int = 0  # offset to go on from after them

    def __len__(self) -> int:
        return len(self.value)


def decode(sections: Sequence[Section]) -> Columns:
    """The records of some batches of one partition, in order. Never raises: what cannot be read is in `lost`."""
    data = b"".join([section.data for section in sections]) + bytes(2 * LONGEST)
    start, end, counts, lost = _walk(sections, data)
    n = len(start)
    u8 = np.frombuffer(data, np.uint8)
    base = np.repeat(np.array([section.base for section in sections], np.int64), counts)
    first = np.repeat(np.array([section.first_time for section in sections], np.int64), counts)
    time_delta, at = _varints(u8, start + 1, end)
    offset_delta, at = _varints(u8, at, end)
    key_size, key_at = _varints(u8, at, end)
    good = (key_size >= -1) & (key_size <= end - start)
    key_size = np.clip(key_size, -1, end - start)  # nothing that is wrong takes more memory than the record has
    value_size, value_at = _varints(u8, key_at + np.maximum(key_size, 0), end)
    good &= (value_size >= -1) & (value_size <= end - start)
    value_size = np.clip(value_size, -1, end - start)
    headers, at = _varints(u8, value_at + np.maximum(value_size, 0), end)
    good &= (headers >= 0) & (at <= end) & ((headers > 0) | (at == end)) & (offset_delta >= 0)
    columns = Columns(base + offset_delta, first + time_delta, None, [], None, lost=lost)
    _stamp(columns.time, sections, counts)
    with_headers = np.flatnonzero(good & (headers > 0))
    if len(with_headers):
        columns.headers = _headers(data, headers, at, end, with_headers, n, good)
    columns.value = _slices(data, value_at, value_size)
    if (key_size >= 0).any():
        columns.key = _slices(data, key_at, key_size)
    columns.size = int(np.maximum(value_size, 0).sum() + np.maximum(key_size, 0).sum())
    return columns if good.all() else _without_bad(columns, good, sections, counts)


def _walk(sections: Sequence[Section], data: bytes) -> tuple[Int64, Int64, list[int], list[Lost]]:
    """Where each record begins (after its length) and ends, and how many each section has."""
    starts: list[int] = []
    ends: list[int] = []
    counts, lost, limit = [], [], 0
    for section in sections:
        at, limit = limit, limit + len(section.data)
        before = len(starts)
        for _ in range(section.records):
            size = data[at]
            at += 1
            if size >= 0x80:
                size, at = _long_varint(data, at, size)
            if size & 1 or at + (size >> 1) > limit or size < 12:
                break  # negative, beyond the batch, or too short for a record
            starts.append(at)
            at += size >> 1
            ends.append(at)
        counts.append(len(starts) - before)
        if counts[-1] < section.records or at != limit:
            lost.append(Lost(section.base + counts[-1], section.end, "damaged batch"))
    return np.array(starts, np.int64), np.array(ends, np.int64), counts, lost


def _long_varint(data: bytes, at: int, first: int) -> tuple[int, int]:
    """A varint whose first byte was read and says that more follow, not yet unzigzagged."""
    value, shift = first & 0x7F, 7
    while shift < 7 * LONGEST:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, at


def _varints(u8: UInt8, at: Int64, end: Int64) -> tuple[Int64, Int64]:
    """The zigzag varints at these places, and the places after them. Beyond `end` reads as 0 and ends after it."""
    inside = np.minimum(at, end)
    byte = u8[inside].astype(np.int64)
    value, after = byte & 0x7F, at + 1
    more = np.flatnonzero(byte >= 0x80)
    shift = 7
    while len(more) and shift < 7 * LONGEST:
        byte = u8[np.minimum(after[more], end[more])].astype(np.int64)
        value[more] |= (byte & 0x7F) << shift
        after[more] += 1
        more = more[byte >= 0x80]
        shift += 7
    return (value >> 1) ^ -(value & 1), after


def _stamp(time: Int64, sections: Sequence[Section], counts: list[int]) -> None:
    """Where the broker stamped a batch, its stamp is the time of all records of it."""
    if any(section.log_time is not None for section in sections):
        row = 0
        for section, count in zip(sections, counts, strict=True):
            if section.log_time is not None:
                time[row : row + count] = section.log_time
            row += count


def _slices(data: bytes, at: Int64, size: Int64) -> list[bytes | None]:
    begin, end = at.tolist(), (at + size).tolist()
    if (size >= 0).all():
        return [data[a:b] for a, b in zip(begin, end, strict=True)]
    return [data[a:b] if b >= a else None for a, b in zip(begin, end, strict=True)]


def _headers(data: bytes, count: Int64, at: Int64, end: Int64, rows: Int64, n: int, good: Bool) -> list[Headers]:
    """The headers of the records that have some; `good` is cleared where they do not fit their record."""
    out: list[Headers] = [[]] * n
    for row in rows.tolist():
        found = _header_pairs(data, int(count[row]), int(at[row]), int(end[row]))
        if found is None:
            good[row] = False
        else:
            out[row] = found
    return out


def _header_pairs(data: bytes, count: int, at: int, end: int) -> Headers | None:
    pairs: Headers = []
    for _ in range(count):
        size, at = _signed(data, at)
        if size < 0 or at + size > end:
            return None
        # A name that is not UTF-8 is no reason to lose the record.
        name, at = data[at : at + size].decode("utf-8", "replace"), at + size
        size, at = _signed(data, at)
        if size > end - at:
            return None
        pairs.append((name, data[at : at + size] if size >= 0 else None))
        at += max(size, 0)
    return pairs if at == end else None


def _signed(data: bytes, at: int) -> tuple[int, int]:
    value, at = data[at], at + 1
    if value >= 0x80:
        value, at = _long_varint(data, at, value)
    return (value >> 1) ^ -(value & 1), at


def _without_bad(columns: Columns, good: Bool, sections: Sequence[Section], counts: list[int]) -> Columns:
    """The well-formed records; each other one is lost by itself. Its own offset cannot be trusted: its place is."""
    expected = np.concatenate([np.arange(s.base, s.base + c) for s, c in zip(sections, counts, strict=True)])
    lost = [Lost(int(at), int(at) + 1, "damaged record") for at in expected[~good].tolist()]
    keep = np.flatnonzero(good).tolist()
    return Columns(
        columns.offset[good],
        columns.time[good],
        [columns.key[i] for i in keep] if columns.key else None,
        [columns.value[i] for i in keep],
        [columns.headers[i] for i in keep] if columns.headers else None,
        columns.size,
        columns.lost + lost,
    )
