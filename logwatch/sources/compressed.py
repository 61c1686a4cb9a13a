"""Compressed files, read as if they were plain: positions are those of the decompressed bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from typing import IO, cast

from logwatch.sources.opening import OpenFile, Refused, Stat
from logwatch.sources.signature import HEAD

SUFFIXES = (".gz", ".xz", ".bz2")
"""What the standard library can read."""

BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError, ValueError)
"""What damaged data raises."""

_BLOCK = 256 * 1024


def can_read(path: str) -> bool:
    """Whether the name says that it is compressed in a way that can be read."""
    return path.endswith(SUFFIXES)


def decompressing(path: str, raw: io.BufferedIOBase) -> IO[bytes]:
    """The decompressed bytes of `raw`, by the suffix of `path`; `raw` itself where there is none."""
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if path.endswith(".xz"):
        return lzma.LZMAFile(cast(IO[bytes], raw))
    if path.endswith(".bz2"):
        return bz2.BZ2File(cast(IO[bytes], raw))
    return cast(IO[bytes], raw)


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
            return b""


def open_compressed(path: str, file: OpenFile) -> CompressedFile:
    """The decompressing form of an open file, which it takes over. Raises Refused where it is damaged at its head."""
    compressed = CompressedFile(path, file.fd)
    if compressed.damage:
        compressed.close()
        raise Refused(f"{path} cannot be decompressed: {compressed.damage}")
    return compressed
