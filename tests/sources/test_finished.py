"""Finished files: plain or compressed, the same records; what cannot be read says why."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard

from logwatch.sources.finished import finished_stream, read_finished, size_of
from logwatch.sources.opening import Refused
from logwatch.types import Flag

LINES = [b"line %d %s" % (n, b"z" * (n % 50)) for n in range(10_000)]
DATA = b"".join(line + b"\n" for line in LINES)


Packer = Callable[[bytes], bytes]
PACKERS = [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)]


@pytest.fixture(params=[("", bytes), *PACKERS])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    suffix, compress = request.param
    path = tmp_path / f"app.log{suffix}"
    path.write_bytes(compress(DATA))
    return path


def test_all_lines_come_in_chunks_with_positions_in_the_plain_bytes(packed: Path) -> None:
    chunks = list(read_finished(str(packed), 1000))
    assert [len(chunk[0]) for chunk in chunks] == [1000] * 10
    assert [line for chunk in chunks for line in chunk[0]] == LINES
    starts, ends = (np.concatenate([chunk[i] for chunk in chunks]) for i in (1, 2))
    assert all(DATA[s:e] == line + b"\n" for s, e, line in zip(starts, ends, LINES, strict=True))


def test_progress_counts_up_to_the_size_on_the_disk(packed: Path) -> None:
    seen: list[int] = []
    for _ in read_finished(str(packed), progress=seen.append):
        pass
    assert seen == sorted(seen)
    assert seen[-1] == size_of(str(packed)) == packed.stat().st_size


def test_the_stream_is_that_of_the_content_wherever_it_lies(packed: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / packed.name).write_bytes(packed.read_bytes())
    (other / "app.log.3").write_bytes(DATA)
    first = finished_stream(str(packed))
    assert first.source == "app"
    assert finished_stream(str(other / packed.name)) == first
    assert finished_stream(str(other / "app.log.3")) == first
    (other / packed.name).write_bytes(packed.read_bytes()[:-100] + b"#" * 100)
    taken: set[str] = set()
    assert finished_stream(str(packed), taken=taken) != finished_stream(str(other / "app.log.3"), taken=taken)


@pytest.mark.parametrize(("suffix", "compress"), PACKERS)
def test_streams_one_after_the_other_are_one_file(suffix: str, compress: Packer, tmp_path: Path) -> None:
    path = tmp_path / f"app.log{suffix}"
    path.write_bytes(compress(DATA[:50_000]) + compress(b"") + compress(DATA[50_000:]))
    assert [line for chunk in read_finished(str(path)) for line in chunk[0]] == LINES


@pytest.mark.parametrize(("suffix", "compress"), PACKERS)
@pytest.mark.parametrize("cut", [1, 5, 2000])
def test_a_cut_file_is_damaged_wherever_it_is_cut(suffix: str, compress: Packer, cut: int, tmp_path: Path) -> None:
    path = tmp_path / f"app.log{suffix}"
    path.write_bytes((compress(DATA) + compress(DATA))[:-cut])
    lines: list[bytes] = []
    with pytest.raises(Refused, match="damaged"):
        lines.extend(line for chunk in read_finished(str(path), 100) for line in chunk[0])
    assert lines[: len(LINES)] == LINES


@pytest.mark.parametrize(("suffix", "compress"), PACKERS)
def test_a_bomb_takes_time_and_no_memory(suffix: str, compress: Packer, tmp_path: Path) -> None:
    path = tmp_path / f"app.log{suffix}"
    path.write_bytes(compress(b"x" * 20_000_000 + b"\nlast\n"))
    tracemalloc.start()
    lines = [line for chunk in read_finished(str(path)) for line in chunk[0]]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(lines), lines[-1]) == (2, b"last")
    assert peak < 15_000_000


def test_a_file_that_asks_for_too_much_memory_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "app.log.xz"
    data = bytearray(lzma.compress(DATA))
    header = slice(12, 12 + 4 * data[12])  # of the first block: size, flags, filter (id, 1, dictionary), padding, CRC
    data[16] = 36  # a dictionary of 1 GiB
    data[header.stop : header.stop + 4] = zlib.crc32(data[header]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(Refused, match="damaged"):
        list(read_finished(str(path)))


def test_what_came_before_the_damage_is_delivered(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    data = gzip.compress(DATA * 20, 1)
    path.write_bytes(data[: len(data) // 2])
    chunks = read_finished(str(path))
    assert sum(len(next(chunks)[0]) for _ in range(5)) > 10_000
    with pytest.raises(Refused, match="damaged"):
        list(chunks)


def test_a_last_line_without_its_end_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\ntwo")
    ((lines, _, ends, flags),) = read_finished(str(path))
    assert (lines, ends.tolist(), flags.tolist()) == ([b"one", b"two"], [4, 7], [0, Flag.UNFINISHED])


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "app.log").touch()
    assert list(read_finished(str(tmp_path / "app.log"))) == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("missing.log", None, "does not exist"),
        ("binary", bytes(range(256)) * 9, "binary"),
        ("app.log.lz4", b"\x04\x22\x4d\x18", "compressed in a way"),
        ("not.zst", b"plain text\n", "damaged"),
        ("not.xz", b"plain text\n", "damaged"),
        ("no-suffix", gzip.compress(b"text\n", mtime=0), "gzip"),
        ("not.gz", b"plain text\n", "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, data: bytes | None, reason: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused, match=reason):
        list(read_finished(str(tmp_path / name)))
