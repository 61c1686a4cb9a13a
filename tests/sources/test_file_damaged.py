"""Compressed files that are damaged, cut, or still written: what decodes comes out once, the rest is a gap."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
import zstandard

from logwatch.sources import descriptors as descriptors_of_files
from tests.sources.disk import append
from tests.sources.reader import Reader

Pack = Callable[[bytes], bytes]

PACKERS = [
    (".gz", gzip.compress),
    (".xz", partial(lzma.compress, preset=0)),
    (".bz2", partial(bz2.compress, compresslevel=1)),
    (".zst", zstandard.ZstdCompressor(write_checksum=True).compress),
]
DAMAGED = "its compressed data is damaged"
CUT = "its compressed data ends too early"


@cache
def lines(begin: int, end: int) -> bytes:
    rng = random.Random(7)
    return b"".join(b"line %07d %032x\n" % (n, rng.getrandbits(128)) for n in range(begin, end))


def numbers(found: list[bytes]) -> list[int]:
    return [int(line.split()[1]) for line in found if line.startswith(b"line ") and len(line) == 45]


def whole(reader: Reader) -> int:
    """How many lines from the first came out, each once and in order."""
    got = [line for _, line in reader.lines]
    sent = lines(0, len(got) + 1).splitlines()
    return next(n for n, line in enumerate(sent) if n == len(got) or got[n] != line)


def decodable(packed: bytes, suffix: str, cut: int) -> int:
    """Bytes that the first `cut` packed bytes decode to."""
    if suffix == ".gz":
        return len(zlib.decompressobj(31).decompress(packed[:cut]))
    if suffix == ".zst":
        return len(zstandard.ZstdDecompressor().decompressobj().decompress(packed[:cut]))
    one = lzma.LZMADecompressor() if suffix == ".xz" else bz2.BZ2Decompressor()
    return len(one.decompress(packed[:cut]))


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_a_large_compressed_file_is_read_to_its_end(
    reading: type, tmp_path: Path, suffix: str, pack: Pack, once: bool
) -> None:
    path = tmp_path / f"app.log{suffix}"
    path.write_bytes(pack(lines(0, 25_000)))
    reader = reading(path, once=once, compressed=True)
    reader.settle(3)
    assert [line for _, line in reader.lines] == lines(0, 25_000).splitlines()
    assert reader.gaps == []
    assert reader.source.exhausted() == once


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_a_followed_file_that_is_damaged_gives_what_decodes_once_and_one_gap(
    reading: type, tmp_path: Path, suffix: str, pack: Pack, once: bool
) -> None:
    path = tmp_path / f"app.log{suffix}"
    packed = pack(lines(0, 25_000))
    at = len(packed) * 2 // 3
    path.write_bytes(packed[:at] + b"\xff" * 2000 + packed[at + 2000 :])
    reader = reading(path, once=once, compressed=True)
    reader.settle(3)
    assert whole(reader) >= decodable(packed, suffix, at) // 46 - 2  # the damage itself may decode to some bytes
    assert [gap.reason for gap in reader.gaps] == [DAMAGED]
    (gap,) = reader.gaps
    assert gap.stream.source == "app"
    assert gap.stream in reader.batches[0].streams
    assert gap.start == gap.end >= max([decodable(packed, suffix, at), *(e for b in reader.batches for e in b.end)])
    assert reader.source.exhausted() == once
    seen = len(reader.lines)
    reader.restart()
    reader.settle(20)
    assert len(reader.lines) == seen
    assert len(reader.gaps) == 1


@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_a_file_that_is_itself_half_written_is_read_on_as_it_grows(
    reading: type, tmp_path: Path, suffix: str, pack: Pack
) -> None:
    path = tmp_path / f"app.log{suffix}"
    packed = pack(lines(0, 25_000))
    path.write_bytes(packed[:10])
    reader = reading(path, compressed=True)
    reader.settle(2)
    for share in range(10, len(packed), 150_000):
        append(path, packed[share : share + 150_000])
        reader.settle(9)
    assert [line for _, line in reader.lines] == lines(0, 25_000).splitlines()
    assert not any(reader.flags)
    assert reader.gaps == []
    reader.settle(1000)
    assert reader.gaps == []


@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_a_half_written_file_is_read_on_after_restarts(reading: type, tmp_path: Path, suffix: str, pack: Pack) -> None:
    path = tmp_path / f"app.log{suffix}"
    packed = pack(lines(0, 25_000))
    path.write_bytes(packed[: len(packed) // 2])
    reader = reading(path, compressed=True)
    reader.settle(3)
    reader.restart()
    reader.settle(3)
    reader.source.close()
    append(path, packed[len(packed) // 2 :])
    reader.start()
    reader.settle(3)
    assert [line for _, line in reader.lines] == lines(0, 25_000).splitlines()
    assert reader.gaps == []


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_a_file_that_stays_half_is_one_gap_after_a_while(
    reading: type, tmp_path: Path, suffix: str, pack: Pack, once: bool
) -> None:
    path = tmp_path / f"app.log{suffix}"
    packed = pack(lines(0, 25_000))
    half = len(packed) // 2
    path.write_bytes(packed[:half])
    reader = reading(path, once=once, compressed=True)
    reader.settle(30)
    assert len(reader.gaps) == once
    assert whole(reader) == decodable(packed, suffix, half) // 46
    reader.settle(400)
    assert [gap.reason for gap in reader.gaps] == [CUT]
    assert reader.gaps[0].start == decodable(packed, suffix, half)
    assert reader.source.exhausted() == once
    seen = len(reader.lines)
    reader.restart()
    reader.settle(400)
    assert len(reader.lines) == seen
    assert len(reader.gaps) == 1


def test_files_appended_one_after_the_other_to_one_archive_are_read_on(reading: type, tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    reader = reading(path, compressed=True)
    for day in range(4):
        append(path, gzip.compress(lines(day * 1000, day * 1000 + 1000)))
        reader.settle(400)
    assert numbers([line for _, line in reader.lines]) == list(range(4000))
    assert reader.gaps == []


@pytest.mark.parametrize(("suffix", "pack"), PACKERS)
def test_a_half_written_file_that_begins_anew_goes_on_where_it_was(
    reading: type, tmp_path: Path, suffix: str, pack: Pack
) -> None:
    path = tmp_path / f"app.log{suffix}"
    packed = pack(lines(0, 25_000))
    path.write_bytes(packed[: len(packed) // 2])
    reader = reading(path, compressed=True)
    reader.settle(3)
    path.write_bytes(packed[: len(packed) // 3])  # copied once more, from its head
    reader.settle(3)
    append(path, packed[len(packed) // 3 :])
    reader.settle(3)
    assert [line for _, line in reader.lines] == lines(0, 25_000).splitlines()
    assert reader.gaps == []


def test_a_tail_whose_packed_form_is_damaged_is_admitted(reading: type, log: Path) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(log)
    reader.poll(100)
    reader.source.close()
    packed = gzip.compress(lines(0, 25_000))
    log.with_name("app.log.1.gz").write_bytes(packed[:300_000] + b"\xff" * 2000 + packed[302_000:])
    log.write_bytes(b"new\n")
    reader.start()
    reader.settle(20)
    got = [line for _, line in reader.lines]
    before = decodable(packed, ".gz", 300_000) // 46
    assert numbers(got)[:before] == list(range(before))
    assert got[-1] == b"new"
    assert [gap.reason for gap in reader.gaps] == [DAMAGED]


def test_compressed_files_that_were_read_are_not_opened_again_for_want_of_descriptors(
    reading: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors_of_files, "MAX_OPEN", 4)
    for n in range(12):
        (tmp_path / f"app{n}.log.gz").write_bytes(gzip.compress(lines(0, 9000)))
    reader = reading(tmp_path / "*.gz", compressed=True)
    reader.settle(12)
    assert len(reader.lines) == 12 * 9000
    opened, calls = os.open, []

    def counted(path: str, *more: int) -> int:
        calls.append(path)
        return opened(path, *more)

    monkeypatch.setattr(os, "open", counted)
    reader.settle(12)
    assert calls == []
    append(tmp_path / "app3.log.gz", gzip.compress(b"more\n"))
    assert reader.settle(2) == [b"more"]
