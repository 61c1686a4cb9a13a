"""Compressed files, read as if they were plain: positions are those of the decompressed bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable
from typing import IO, cast

from logwatch import telemetry
from logwatch.sources.opening import OpenFile, Refused, Stat
from logwatch.sources.signature import HEAD
from logwatch.sources.zstd import ZstdReader

log = telemetry.Logger(__name__)

SUFFIXES = (".gz", ".xz", ".bz2", ".zst")
"""What can be read."""

MAX_MEMORY = 256 * 2**20
"""Bytes of memory that an .xz file may ask for; the largest preset (`xz -9`) needs 65 MiB."""

BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError, ValueError)
"""What damaged data raises."""

_BLOCK = 256 * 1024
_COMPRESSED = 64 * 1024


Decompressor = lzma.LZMADecompressor | bz2.BZ2Decompressor


def can_read(path: str) -> bool:
    """Whether the name says that it is compressed in a way that can be read."""
    return path.endswith(SUFFIXES)


def decompressing(path: str, raw: io.BufferedIOBase) -> IO[bytes]:
    """The decompressed bytes of `raw`, by the suffix of `path`; `raw` itself where there is none."""
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if path.endswith(".xz"):
        return cast(IO[bytes], StreamsReader(raw, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY)))
    if path.endswith(".zst"):
        return cast(IO[bytes], ZstdReader(raw))
    if path.endswith(".bz2"):
        return cast(IO[bytes], StreamsReader(raw, bz2.BZ2Decompressor))
    return cast(IO[bytes], raw)


class StreamsReader(io.RawIOBase):
    """The decompressed bytes of streams one after the other, in bounded memory.

    `read` gives what came before damage or a cut first; then it raises what the decompressor does, or EOFError.

    Args:
        raw: the compressed bytes.
        make: the decompressor of one stream.
    """

    def __init__(self, raw: io.BufferedIOBase, make: Callable[[], Decompressor]) -> None:
        self._raw = raw
        self._make = make
        self._one = make()
        self._begun = False  # something of the current stream was read

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        while True:
            data = self._input()
            if not data and self._one.needs_input:
                if self._begun:
                    raise EOFError("the compressed file ends too early")
                return b""
            self._begun = True
            block = self._one.decompress(data, size)
            if block or not size:
                return block

    def _input(self) -> bytes:
        """What the decompressor needs, if anything; the next stream's beginning, where one has ended."""
        data = b""
        if self._one.eof:
            data = self._one.unused_data.lstrip(b"\0")  # padding
            self._one, self._begun = self._make(), False
        while not data and self._one.needs_input:
            data = block = self._raw.read(_COMPRESSED)
            if not block:
                break
            if not self._begun:
                data = block.lstrip(b"\0")
        return data


class CompressedFile(OpenFile):
    """Reads forward; going back begins again at the head. Its size is known only at its end."""

    __slots__ = ("_ahead", "_at", "_given", "_head", "_path", "_raw", "_stream", "damage")

    def __init__(self, path: str, fd: int) -> None:
        super().__init__(fd)
        self._path = path
        self.damage = ""
        self._at, self._ahead = 0, b""  # position of the bytes decompressed and not yet given, and these bytes
        self._given = 0  # position after the last byte ever given
        self._raw: io.BufferedReader | None = None
        self._stream = self._begin()
        self._head = self._ahead = self._next(HEAD)

    def stat(self) -> Stat:
        """Identity of the file; one byte more than what was read, until the end is reached."""
        found = super().stat()
        if self._at + len(self._ahead) <= self._given:
            self._ahead += self._next(_BLOCK)
        return Stat(found.dev, found.inode, self._at + len(self._ahead), found.mtime, found.links)

    def pread(self, size: int, offset: int) -> bytes:
        """Decompressed bytes."""
        block = self._bytes(size, offset)
        self._given = max(self._given, offset + len(block))
        return block

    def close(self) -> None:
        """Release everything. Safe to call twice."""
        self._stream.close()
        if self._raw is not None:
            self._raw.close()
        super().close()

    def _bytes(self, size: int, offset: int) -> bytes:
        if offset + size <= len(self._head) or (offset == 0 and size == HEAD):
            return self._head[offset : offset + size]
        if offset < self._at:
            self._stream = self._begin()
        while offset > self._at:
            if not (self._ahead or self._fill()):
                return b""
            drop = min(offset - self._at, len(self._ahead))
            self._ahead, self._at = self._ahead[drop:], self._at + drop
        if not self._ahead:
            self._fill()
        block, self._ahead = self._ahead[:size], self._ahead[size:]
        self._at += len(block)
        return block

    def reach(self, offset: int) -> None:
        """Decompress up to `offset`."""
        self.pread(0, offset)
        self._given = max(self._given, offset)

    def data(self, offset: int) -> int:
        """There are no holes."""
        return offset

    def _begin(self) -> IO[bytes]:
        if self._raw is not None:
            self._raw.close()
        self._raw = io.BufferedReader(io.FileIO(os.dup(self.fd)))
        self._raw.seek(0)
        self._at, self._ahead = 0, b""
        return decompressing(self._path, self._raw)

    def _fill(self) -> bool:
        self._ahead = self._next(_BLOCK)
        return bool(self._ahead)

    def _next(self, size: int) -> bytes:
        if self.damage:
            return b""
        try:
            return self._stream.read(size)
        except BROKEN as error:
            self.damage = str(error) or type(error).__name__
            telemetry.DROPPED.inc(reason="damaged_file")
            log.warning("a compressed file is damaged; what came before was read", path=self._path, reason=self.damage)
            return b""


def open_compressed(path: str, file: OpenFile) -> CompressedFile:
    """The decompressing form of an open file, which it takes over. Raises Refused where it is damaged at its head."""
    compressed = CompressedFile(path, file.fd)
    if compressed.damage:
        compressed.close()
        raise Refused(f"{path} cannot be decompressed: {compressed.damage}")
    return compressed
