"""Compressed bytes in any shape: the same plain ones, whatever is asked for at once, and all before damage."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zlib
from collections.abc import Callable
from functools import partial

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.sources.decompress import Damaged, decompressing

ZSTD = zstandard.ZstdCompressor(write_checksum=True)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": partial(lzma.compress, preset=0),
    ".bz2": partial(bz2.compress, compresslevel=1),
    ".zst": ZSTD.compress,
}
rng = random.Random(3)
TEXT = b"".join(b"line %d %x\n" % (n, rng.getrandbits(40)) for n in range(20_000))
ZEROS = bytes(1_000_000)


def read(suffix: str, packed: bytes, size: int = 256 * 1024) -> tuple[bytes, str]:
    """All that comes out, and how it ended."""
    stream, found = decompressing(f"a{suffix}", io.BufferedReader(io.BytesIO(packed))), []
    try:
        while block := stream.read(size):
            assert len(block) <= size
            found.append(block)
    except (EOFError, Damaged) as error:
        return b"".join(found), type(error).__name__
    return b"".join(found), ""


def by_bytes(suffix: str, packed: bytes) -> bytes:
    """What decodes before the damage, by feeding the smallest pieces there are."""
    one = decompressing(f"a{suffix}", io.BufferedReader(io.BytesIO()))._make()
    found = bytearray()
    try:
        for n in range(len(packed)):
            data = packed[n : n + 1]
            while data or not one.needs_input:
                found += one.decompress(data, 1)
                data = b""
    except (OSError, ValueError, lzma.LZMAError, zlib.error):
        return bytes(found)
    return bytes(found)


@pytest.mark.parametrize("suffix", PACKERS)
@given(st.lists(st.sampled_from([b"", b"a\n", TEXT[:5000], ZEROS]), max_size=4), st.integers(1, 700_000), st.data())
@settings(max_examples=8)
def test_streams_one_after_the_other_are_read_as_one(
    suffix: str, parts: list[bytes], size: int, data: st.DataObject
) -> None:
    packed = [PACKERS[suffix](part) for part in parts]
    if sum(map(len, parts)) // size > 5000:
        size = 5000
    assert read(suffix, b"".join(packed), size) == (b"".join(parts), "")
    if packed:
        cut = data.draw(st.integers(1, len(packed[-1]) - 1))
        found, how = read(suffix, b"".join(packed)[:-cut], size)
        assert how == "EOFError"
        assert b"".join(parts).startswith(found)


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_everything_before_the_damage_comes_out_whatever_is_asked_for_at_once(suffix: str, share: float) -> None:
    packed = bytearray(PACKERS[suffix](TEXT))
    at = round(len(packed) * share)
    packed[at : at + 9] = b"\xff" * 9
    expected = by_bytes(suffix, bytes(packed))
    for size in (1000, 256 * 1024):
        found, how = read(suffix, bytes(packed), size)
        assert how == "Damaged"
        assert expected.startswith(found)
        assert len(expected) - len(found) <= 1  # zlib and lzma look one byte ahead


def test_skippable_frames_and_frames_without_a_size_are_read() -> None:
    stream = zstandard.ZstdCompressor().compressobj()
    unsized = b"".join(
        piece for part in (TEXT[:100], b"", TEXT[100:9000])
        for piece in (stream.compress(part), stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    ) + stream.flush()  # fmt: skip
    skipped = b"\x53\x2a\x4d\x18" + (100_000).to_bytes(4, "little") + bytes(100_000)
    assert read(".zst", skipped + unsized + skipped + ZSTD.compress(ZEROS)) == (TEXT[:9000] + ZEROS, "")


def test_a_bomb_comes_out_in_bounded_pieces() -> None:
    for suffix, pack in PACKERS.items():
        packed = pack(ZEROS * 60)
        assert len(packed) < 70_000
        assert read(suffix, packed) == (ZEROS * 60, "")
