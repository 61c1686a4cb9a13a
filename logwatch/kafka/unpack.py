"""Decompresses batches within bounds: a small one that anybody may send can be of gigabytes once it is unpacked.

The client has no bound of its own. Its record readers are given these functions in place of its own; what they raise
is a gap, as any batch that cannot be read.
"""

from __future__ import annotations

import struct
from gzip import GzipFile
from io import BytesIO

from kafka import codec
from kafka.record import default_records, legacy_records

MOST = 64 * 2**20
"""Bytes of a batch when decompressed; producers fill a batch with 16 KiB by default, and brokers take 1 MiB."""

XERIAL_HEAD = 16
"""Bytes before the first block, where snappy comes in blocks."""


class TooLarge(ValueError):
    """A batch is of more than `MOST` bytes when decompressed."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST // 2**20} MiB when decompressed")


def gzip(payload: bytes) -> bytes:
    """All members. Raises TooLarge, OSError, zlib.error, EOFError."""
    with GzipFile(fileobj=BytesIO(payload)) as members:
        out = members.read(MOST + 1)
    _check(len(out))
    return out


def zstd(payload: bytes) -> bytes:
    """All frames. Raises TooLarge, ZstdError."""
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True) as reader:
        out: bytes = reader.read(MOST + 1)
    _check(len(out))
    return out


def lz4(payload: bytes) -> bytes:
    """One frame. Raises TooLarge, RuntimeError, EOFError."""
    from lz4.frame import LZ4FrameDecompressor

    frame = LZ4FrameDecompressor()
    out: bytes = frame.decompress(payload, max_length=MOST + 1)
    _check(len(out))
    if not frame.eof:
        raise EOFError("it ends too early")
    return out


def snappy(payload: bytes) -> bytes:
    """Plain, or in the blocks of the Java library. Raises TooLarge, snappy's UncompressError, struct.error."""
    from snappy import decompress

    blocks = _blocks(payload) if codec._detect_xerial_stream(payload) else [payload]
    _check(sum(map(_says, blocks)))
    return b"".join([decompress(block) for block in blocks])


def _blocks(payload: bytes) -> list[bytes]:
    out, at = [], XERIAL_HEAD
    while at < len(payload):
        (size,) = struct.unpack_from("!I", payload, at)
        out.append(payload[at + 4 : at + 4 + size])
        at += 4 + size
    return out


def _says(block: bytes) -> int:
    """The length that a block begins with (a varint of at most five bytes); more than that is no snappy."""
    value = 0
    for place, byte in enumerate(block[:5]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return value


def _check(size: int) -> None:
    if size > MOST:
        raise TooLarge


for _module in (codec, default_records, legacy_records):
    for _name, _bounded in {
        "gzip_decode": gzip,
        "zstd_decode": zstd,
        "lz4_decode": lz4,
        "snappy_decode": snappy,
    }.items():
        if hasattr(_module, _name):
            setattr(_module, _name, _bounded)
