"""The bytes of compressed files, in bounded memory; all that decodes before damage or a cut is given."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Protocol, cast

from logwatch.sources.zstd import ZstdFrame

SUFFIXES = (".gz", ".xz", ".bz2", ".zst")
"""What can be read."""

MAX_MEMORY = 256 * 2**20
"""Bytes of memory that an .xz file may ask for; the largest preset (`xz -9`) needs 65 MiB."""

_STEP, _SMALL_STEP = 64 * 1024, 4 * 1024
"""Compressed bytes that are read at once; likewise, where damage is approached."""

_BLOCK = 256 * 1024
_FAILS = (zlib.error, lzma.LZMAError, OSError, ValueError)
"""What decompressors raise where data is damaged."""


class Damaged(Exception):
    """Compressed data that cannot be decompressed."""


BROKEN = (EOFError, Damaged, OSError)
"""What reading damaged, cut or unreadable data raises."""


class Decompressor(Protocol):
    """Decompresses one stream of perhaps several in a file, as those of `lzma` and `bz2` do."""

    @property
    def eof(self) -> bool:
        """The stream has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Nothing can be given without more input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after the stream."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes more."""
        ...


class GzipMember:
    """One member of a gzip file (RFC 1952)."""

    def __init__(self) -> None:
        self._one = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """The member has ended."""
        return self._one.eof

    @property
    def unused_data(self) -> bytes:
        """What came after the member."""
        return self._one.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes more; at least 1."""
        block = self._one.decompress(self._one.unconsumed_tail + data, max_length)
        self.needs_input = not self.eof and not self._one.unconsumed_tail and len(block) < max_length
        return block


_MAKE: dict[str, Callable[[], Decompressor]] = {
    ".gz": GzipMember,
    ".xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY),
    ".bz2": bz2.BZ2Decompressor,
    ".zst": ZstdFrame,
}


def can_read(path: str) -> bool:
    """Whether the name says that it is compressed in a way that can be read."""
    return path.endswith(SUFFIXES)


def decompressing(path: str, raw: io.BufferedIOBase) -> IO[bytes]:
    """The decompressed bytes of `raw`, by the suffix of `path`; `raw` itself where there is none."""
    for suffix, make in _MAKE.items():
        if path.endswith(suffix):
            return cast(IO[bytes], StreamsReader(raw, make))
    return cast(IO[bytes], raw)


class StreamsReader(io.RawIOBase):
    """The decompressed bytes of streams one after the other.

    `read` gives all that decodes before damage or a cut first. Then it raises Damaged, or EOFError; after EOFError it
    goes on where the file has grown.

    Args:
        raw: the compressed bytes, from their head; seekable.
        make: the decompressor of one stream.
        step: compressed bytes that are read at once.
    """

    def __init__(self, raw: io.BufferedIOBase, make: Callable[[], Decompressor], step: int = _STEP) -> None:
        self._raw = raw
        self._make = make
        self._step = step
        self._one = make()
        self._begun = False  # something of the current stream was read
        self._given = 0
        self._damage = ""

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int = _BLOCK) -> bytes:
        """At most `size` bytes, at least 1; none at the end."""
        block = b""
        while not block:
            if self._damage:
                raise Damaged(self._damage)
            data = self._input()
            if not data and self._one.needs_input:
                if self._begun:
                    raise EOFError("the compressed file ends too early")
                return b""
            self._begun = True
            try:
                block = self._one.decompress(data, size)
            except _FAILS as error:
                self._damage = str(error) or type(error).__name__
                block = self._before_damage()
        self._given += len(block)
        return block

    def _input(self) -> bytes:
        """What the decompressor needs, if anything; the next stream's beginning, where one has ended."""
        data = b""
        if self._one.eof:
            data = self._one.unused_data.lstrip(b"\0")  # padding
            self._one, self._begun = self._make(), False
        while not data and self._one.needs_input:
            data = block = self._raw.read(self._step)
            if not block:
                break
            if not self._begun:
                data = block.lstrip(b"\0")
        return data

    def _before_damage(self) -> bytes:
        """What decodes yet, and was lost with the call that failed: read once more, and at its end byte by byte."""
        if self._step == _SMALL_STEP:
            return b""  # this is that reading
        self._raw.seek(0)
        again, found = StreamsReader(self._raw, self._make, _SMALL_STEP), bytearray()
        try:
            while again._given < self._given:
                again.read(min(_BLOCK, self._given - again._given))
            while byte := again.read(1):
                found += byte
        except BROKEN:
            pass
        return bytes(found)
