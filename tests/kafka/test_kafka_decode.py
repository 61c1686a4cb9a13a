"""Decoding batches: equal to the client's own decoder, and damage costs no more than what is damaged."""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.kafka import partition_records, unpack
from logwatch.kafka.decode import HEADER_BYTES, Columns, Lost, Section, decode

records = st.lists(
    st.tuples(
        st.none() | st.binary(max_size=40),
        st.none() | st.binary(max_size=300),
        st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3),
        st.integers(0, 2**41),
    ),
    min_size=1,
    max_size=30,
)


def build(wanted: list[Any], codec: int = 0) -> bytes:
    from kafka.record.memory_records import MemoryRecordsBuilder

    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=1 << 30)
    for key, value, headers, time in wanted:
        builder.append(timestamp=time, key=key, value=value, headers=headers)
    builder.close()
    return bytes(builder.buffer())


def taken(raw: bytes, offset: int = 0, **own: Any) -> list[Columns]:
    """As the client's fetcher takes them."""
    from kafka import TopicPartition
    from kafka.record.memory_records import MemoryRecords

    from logwatch.kafka.partition_records import PartitionRecords

    part = PartitionRecords(offset, TopicPartition("t", 0), MemoryRecords(raw), **own)
    out = []
    while part:
        out += part.take(10)
    return out


def moved(raw: bytes, base: int) -> bytes:
    """The batch at another offset; the checksum does not cover it."""
    return struct.pack(">q", base) + raw[8:]


@given(records, st.sampled_from([0, 1, 4]))
@settings(max_examples=60)
def test_it_reads_what_the_client_reads(wanted: list[Any], codec: int) -> None:
    (columns,) = taken(build(wanted, codec))
    n = len(wanted)
    assert columns.offset.tolist() == list(range(n))
    assert columns.time.tolist() == [time for *_, time in wanted]
    assert (columns.key or [None] * n) == [key for key, *_ in wanted]
    assert columns.value == [value for _, value, *_ in wanted]
    assert (columns.headers or [[]] * n) == [headers for *_, headers, _ in wanted]
    assert columns.end == n
    assert not columns.lost


@given(records, st.data())
@settings(max_examples=150)
def test_bytes_that_are_changed_never_raise_and_what_is_lost_is_told(wanted: list[Any], data: st.DataObject) -> None:
    raw = bytearray(build(wanted))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(HEADER_BYTES, len(raw) - 1))] = data.draw(st.integers(0, 255))
    columns = decode([Section(bytes(raw[HEADER_BYTES:]), len(wanted), 0, 0, None, len(wanted))])
    assert len(columns) + sum(lost.end - lost.start for lost in columns.lost) >= len(wanted)
    assert len(columns.offset) == len(columns.value) == len(columns.time)


def test_a_wrong_checksum_loses_its_batch_and_nothing_else() -> None:
    first, second, third = (build([(None, b"%d-%d" % (b, n), [], 0) for n in range(5)]) for b in range(3))
    broken = bytearray(moved(second, 5))
    broken[-1] ^= 1
    columns = taken(first + bytes(broken) + moved(third, 10))
    assert [value for one in columns for value in one.value] == [b"0-%d" % n for n in range(5)] + [
        b"2-%d" % n for n in range(5)
    ]
    assert [(lost.start, lost.end, lost.reason) for one in columns for lost in one.lost] == [(5, 10, "wrong checksum")]
    assert columns[-1].end == 15


def test_a_header_name_that_is_no_text_does_not_cost_the_record() -> None:
    raw = build([(None, b"v", [("ab", b"x")], 0)]).replace(b"\x04ab", b"\x04\xff\xfe")
    (columns,) = taken(raw, check_crcs=False)
    assert columns.value == [b"v"]
    assert columns.headers == [[("\ufffd\ufffd", b"x")]]


def test_a_batch_that_does_not_decompress_is_told_and_passed() -> None:
    good = build([(None, b"good", [], 0)])
    bad = bytearray(moved(build([(None, b"x" * 100, [], 0)] * 3, codec=1), 1))
    bad[HEADER_BYTES + 5 :] = bytes(len(bad) - HEADER_BYTES - 5)
    columns = taken(good + bytes(bad) + moved(good, 4), check_crcs=False)
    assert [value for one in columns for value in one.value] == [b"good", b"good"]
    ((lost,),) = ([one.lost for one in columns if one.lost],)
    assert (lost[0].start, lost[0].end) == (1, 4)


CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_batch_of_gigabytes_is_told_and_never_unpacked(codec: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST", 2**20)
    good = build([(None, b"good", [], 0)], codec)
    bomb = moved(build([(None, bytes(2**22), [], 0)] * 3, codec), 1)
    tracemalloc.start()
    columns = taken(good + bomb + moved(good, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [value for one in columns for value in one.value] == [b"good", b"good"]
    assert [lost for one in columns for lost in one.lost] == [Lost(1, 4, "more than 1 MiB when decompressed")]
    assert peak < 2**22


@pytest.mark.parametrize("magic", [0, 1])
def test_a_batch_of_an_old_format_is_bounded_too(magic: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from kafka.record.memory_records import MemoryRecordsBuilder

    monkeypatch.setattr(unpack, "MOST", 2**20)
    builder = MemoryRecordsBuilder(magic=magic, compression_type=1, batch_size=1 << 30)
    builder.append(timestamp=0, key=None, value=bytes(2**22))
    builder.close()
    ((lost,),) = (one.lost for one in taken(bytes(builder.buffer())))
    assert lost.reason == "more than 1 MiB when decompressed"


@given(st.binary(min_size=1, max_size=2000), st.integers(1, 5), st.sampled_from(["gzip", "snappy", "lz4", "zstd"]))
@settings(max_examples=80)
def test_what_is_within_bounds_is_unpacked_as_the_client_does(piece: bytes, times: int, name: str) -> None:
    from kafka import codec

    packed = getattr(codec, f"{name}_encode")(piece * times)
    assert getattr(unpack, name)(packed) == piece * times


def test_snappy_in_many_blocks_is_bounded_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from kafka import codec

    packed = codec.snappy_encode(bytes(2**20), xerial_blocksize=2**15)
    assert unpack.snappy(packed) == bytes(2**20)
    monkeypatch.setattr(unpack, "MOST", 2**20 - 1)
    with pytest.raises(unpack.TooLarge):
        unpack.snappy(packed)


def test_a_batch_of_too_many_records_is_told_and_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_records, "MOST_RECORDS", 2)
    (columns,) = taken(build([(None, b"x", [], 0)] * 2) + moved(build([(None, b"y", [], 0)] * 3), 2))
    assert columns.value == [b"x", b"x"]
    assert columns.lost == [Lost(2, 5, "more than 2 records in a batch")]
    assert columns.end == 5


def test_reading_from_the_middle_of_a_batch_begins_there() -> None:
    raw = build([(b"k", b"%d" % n, [], 0) for n in range(10)], codec=1)
    (columns,) = taken(raw, offset=7)
    assert columns.value == [b"7", b"8", b"9"]
    assert columns.offset.tolist() == [7, 8, 9]


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1])
def test_old_formats_are_read(magic: int, codec: int) -> None:
    from kafka.record.memory_records import MemoryRecordsBuilder

    builder = MemoryRecordsBuilder(magic=magic, compression_type=codec, batch_size=1 << 20)
    for n in range(5):
        builder.append(timestamp=1000 + n, key=None if n % 2 else b"k", value=b"v%d" % n)
    builder.close()
    columns = taken(bytes(builder.buffer()))
    assert [value for one in columns for value in one.value] == [b"v%d" % n for n in range(5)]
    assert [offset for one in columns for offset in one.offset.tolist()] == list(range(5))
    assert columns[-1].end == 5
