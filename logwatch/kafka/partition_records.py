"""Takes the place of the client's own record iterator, which stops for ever at the first record that it cannot read.

The client's fetcher builds one object for each partition of a response and calls `take` on it; what `take` returns is
passed on by `KafkaConsumer.poll` as it is. Ours returns `Columns`: one for as many batches as make a good meal.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from kafka import IsolationLevel
from kafka.errors import UnsupportedCodecError

from logwatch.kafka.decode import HEADER_BYTES, Columns, Lost, Section, decode
from logwatch.kafka.unpack import TooLarge
from logwatch.types import Bool

T = TypeVar("T")

RECORDS, BYTES = 4096, 1024 * 1024
"""Batches are gathered until they hold so much: decoding is cheap for many records, and costly for single ones."""

MOST_RECORDS = 2**20
"""Records of one batch; each takes memory beside its bytes."""

NEWEST_MAGIC = 2


class PartitionRecords:
    """One partition's part of a response; constructor and methods as the client's fetcher wants them.

    Args:
        fetch_offset: what was asked for; a compressed batch may begin before it.
        tp: topic and partition.
        records: the client's reader of batches.
    """

    def __init__(
        self,
        fetch_offset: int,
        tp: Any,
        records: Any,
        key_deserializer: Any = None,
        value_deserializer: Any = None,
        check_crcs: bool = True,
        isolation_level: Any = IsolationLevel.READ_UNCOMMITTED,
        aborted_transactions: Any = None,
        metric_aggregator: Any = None,
        on_drain: Callable[[Any], None] = lambda own: None,
    ) -> None:
        self.topic_partition = tp
        self.fetch_offset = self.next_fetch_offset = fetch_offset
        self.leader_epoch = -1
        self.bytes_read = self.records_read = 0
        self._check_crcs = check_crcs
        self._committed_only = isolation_level == IsolationLevel.READ_COMMITTED
        self._aborts = collections.deque(sorted(aborted_transactions or [], key=lambda one: one.first_offset))
        self._aborted: set[int] = set()  # producers in an aborted transaction
        self._metrics = metric_aggregator
        self._on_drain = on_drain
        self._lost: list[Lost] = []
        self._batches: Iterator[Section] | None = self._read(records)

    def __bool__(self) -> bool:
        return self._batches is not None

    def drain(self) -> None:
        """There is no more of it, or nobody wants it."""
        if self._batches is not None:
            self._batches = None
            if self._metrics:
                self._metrics.record(self.topic_partition, self.bytes_read, self.records_read)
            self._on_drain(self)

    def take(self, n: int | None = None) -> list[Columns]:
        """The next batches as one Columns; none at the end."""
        sections: list[Section] = []
        count = size = 0
        for section in self._batches or ():
            sections.append(section)
            count, size = count + section.records, size + len(section.data)
            if count >= RECORDS or size >= BYTES:
                break
        else:
            self.drain()
        columns = decode(sections)
        columns.lost, self._lost = self._lost + columns.lost, []
        self.records_read += len(columns)
        self.bytes_read += size
        columns = _from(columns, self.fetch_offset)
        columns.end = self.next_fetch_offset
        return [columns] if len(columns) or columns.lost else []

    def _read(self, records: Any) -> Iterator[Section]:
        """The batches that are data, whole and committed."""
        while (batch := _next(records)) is not None:
            if isinstance(batch, Exception):
                # Where this batch ends is not known: the next response begins with what follows, or it is asked again.
                self._lose(self.next_fetch_offset, self.next_fetch_offset + 1, f"damaged batch: {batch}")
                return
            sections = self._sections(batch)
            self.next_fetch_offset = max(self.next_fetch_offset, _end(batch), *(section.end for section in sections))
            yield from sections

    def _sections(self, batch: Any) -> Sequence[Section]:
        if self._check_crcs and not batch.validate_crc():
            self._lose(batch.base_offset, _end(batch), "wrong checksum")
            return ()
        try:
            return _old_sections(batch) if batch.magic < NEWEST_MAGIC else self._new_section(batch)
        except UnsupportedCodecError:
            raise  # not the record's fault: what can read it must be installed
        except TooLarge as error:
            self._lose(batch.base_offset, _end(batch), str(error))
            return ()
        except Exception as error:  # noqa: BLE001  # whatever a decompressor says of bytes that anybody may have sent
            self._lose(batch.base_offset, _end(batch), f"cannot be decompressed: {type(error).__name__}")
            return ()

    def _new_section(self, batch: Any) -> Sequence[Section]:
        self.leader_epoch = batch.leader_epoch
        if self._committed_only and batch.has_producer_id() and self._is_aborted(batch):
            return ()
        if batch.is_control_batch:
            return ()
        if batch.records_count > MOST_RECORDS:
            self._lose(batch.base_offset, _end(batch), f"more than {MOST_RECORDS:,} records in a batch")
            return ()
        batch._maybe_uncompress()
        data = bytes(batch._buffer if batch.compression_type else memoryview(batch._buffer)[HEADER_BYTES:])
        stamp = batch.max_timestamp if batch.timestamp_type else None
        return (Section(data, batch.records_count, batch.base_offset, batch.first_timestamp, stamp, _end(batch)),)

    def _is_aborted(self, batch: Any) -> bool:
        """Whether the batch is of an aborted transaction; the broker sent the list."""
        while self._aborts and self._aborts[0].first_offset <= batch.last_offset:
            self._aborted.add(self._aborts.popleft().producer_id)
        if batch.is_control_batch:
            marker = next(iter(batch), None)
            if marker is not None and marker.abort:
                self._aborted.discard(batch.producer_id)
            return True
        return bool(batch.is_transactional and batch.producer_id in self._aborted)

    def _lose(self, start: int, end: int, reason: str) -> None:
        start = max(start, self.fetch_offset)
        self._lost.append(Lost(start, max(end, start + 1), reason))
        self.next_fetch_offset = max(self.next_fetch_offset, end, start + 1)


def _next(records: Any) -> Any:
    """The next batch, None at the end, or the error of one that is no batch."""
    try:
        return records.next_batch()
    except Exception as error:  # noqa: BLE001  # bytes that anybody may have sent
        return error


def _end(batch: Any) -> int:
    """The offset after a batch. Format 0 and 1 name the last offset in the head."""
    return int(batch.next_offset) if batch.magic >= NEWEST_MAGIC else int(batch.base_offset) + 1


def _old_sections(batch: Any) -> Sequence[Section]:
    """A batch of format 0 or 1, as brokers before 0.11 wrote them."""
    return [
        Section(_encoded(record.key, record.value), 1, record.offset, record.timestamp or 0, None, record.offset + 1)
        for record in batch
    ]


def _encoded(key: bytes | None, value: bytes | None) -> bytes:
    """One record without deltas and headers, in format 2."""
    fields = [b"\0\0\0"]
    for part in (key, value):
        fields += [_varint(-1)] if part is None else [_varint(len(part)), part]
    body = b"".join([*fields, b"\0"])
    return _varint(len(body)) + body


def _varint(number: int) -> bytes:
    value = (number << 1) ^ (number >> 63)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _from(columns: Columns, offset: int) -> Columns:
    """The records from an offset on: a compressed batch that was asked for from its middle comes whole."""
    if not len(columns) or columns.offset[0] >= offset:
        return columns
    keep = columns.offset >= offset
    return Columns(
        columns.offset[keep],
        columns.time[keep],
        _kept(columns.key, keep),
        _kept(columns.value, keep) or [],
        _kept(columns.headers, keep),
        columns.size,
        columns.lost,
    )


def _kept(values: list[T] | None, keep: Bool) -> list[T] | None:
    return list(itertools.compress(values, keep.tolist())) if values is not None else None
