"""Compressed files, followed as if they were plain: positions are those of the decompressed bytes."""

from __future__ import annotations

import io
import os
from typing import IO

from logwatch import telemetry
from logwatch.sources.decompress import BROKEN, Damaged, decompressing
from logwatch.sources.opening import OpenFile, Refused, Stat
from logwatch.sources.signature import HEAD

log = telemetry.Logger(__name__)

CUT = "its compressed data ends too early"
DAMAGED = "its compressed data is damaged"
FAILING = "its compressed data cannot be read"

_BLOCK = 256 * 1024


class CompressedFile(OpenFile):
    """Reads forward; going back begins again at the head. Its size is known only at its end.

    A file that ends within its compressed data, or is written once more from its head, may be on its way: it goes on
    where it grows.
    """

    __slots__ = ("_ahead", "_at", "_fault", "_given", "_head", "_path", "_raw", "_stream")

    def __init__(self, path: str, fd: int) -> None:
        super().__init__(fd)
        self._path = path
        self._fault = ""
        self._at, self._ahead = 0, b""  # position of the bytes decompressed and not yet given, and these bytes
        self._given = 0  # position after the last byte given
        self._raw: io.BufferedReader | None = None
        self._head = b""
        self._stream = self._begin()
        while len(self._head) < HEAD and self._more(HEAD):
            pass

    def stat(self) -> Stat:
        """Identity of the file; more than what was read, until the end is reached."""
        found = super().stat()
        if self._raw is not None and found.size < self._raw.tell():
            self._stream = self._begin()
        if self._pass(self._given) and not self._ahead:
            self._more(_BLOCK)
        end = self._at + len(self._ahead)
        return Stat(
            found.dev, found.inode, max(end, self._given) if self._fault else end, found.mtime, found.links
        )  # fmt: skip

    def pread(self, size: int, offset: int) -> bytes:
        """Decompressed bytes."""
        if offset + size <= HEAD:  # a look, perhaps, that changes nothing
            block = self._head[offset : offset + size]
            self._given = max(self._given, offset + len(block))
        else:
            block = self._bytes(size, offset)
            self._given = offset + len(block)
        return block

    def close(self) -> None:
        """Release everything. Safe to call twice."""
        self._stream.close()
        if self._raw is not None:
            self._raw.close()
        super().close()

    def fault(self) -> str:
        """CUT, FAILING or DAMAGED, where that was met last; the first two may pass."""
        return self._fault

    def reach(self, offset: int) -> None:
        """Decompress up to `offset`."""
        if self._pass(offset):
            self._given = offset

    def data(self, offset: int) -> int:
        """There are no holes."""
        return offset

    def _bytes(self, size: int, offset: int) -> bytes:
        if not self._pass(offset) or not (self._ahead or self._more(_BLOCK)):
            return b""
        block, self._ahead = self._ahead[:size], self._ahead[size:]
        self._at += len(block)
        return block

    def _pass(self, offset: int) -> bool:
        """Go to `offset`; False where the file ends before it."""
        if offset < self._at:
            self._stream = self._begin()
        while offset > self._at:
            if not (self._ahead or self._more(_BLOCK)):
                return False
            drop = min(offset - self._at, len(self._ahead))
            self._ahead, self._at = self._ahead[drop:], self._at + drop
        return True

    def _begin(self) -> IO[bytes]:
        if self._raw is not None:
            self._raw.close()
        self._raw = io.BufferedReader(io.FileIO(os.dup(self.fd)))
        self._raw.seek(0)
        self._at, self._ahead = 0, b""
        return decompressing(self._path, self._raw)

    def _more(self, size: int) -> bool:
        """Decompress at most `size` bytes behind those ahead; whether any came."""
        place, fault = self._at + len(self._ahead), ""
        try:
            block = self._stream.read(size)
        except EOFError:
            block, fault = b"", CUT
        except OSError:
            block, fault = b"", FAILING
        except Damaged as error:
            block, fault = b"", DAMAGED
            if self._fault != fault:
                log.warning("a compressed file is damaged", path=self._path, reason=str(error))
        self._fault = fault
        if place < HEAD:
            self._know(place, block[: HEAD - place])
        self._ahead += block
        return bool(block)

    def _know(self, place: int, part: bytes) -> None:
        """A part of the head was read: more than before, or other content."""
        known = self._head[place:]
        if not known.startswith(part):
            if not part.startswith(known):
                self._given = 0
            self._head = self._head[:place] + part


def open_compressed(path: str, file: OpenFile) -> CompressedFile:
    """The decompressing form of an open file, which it takes over. Raises Refused where not even its head decodes."""
    try:
        compressed = CompressedFile(path, file.fd)
    except BROKEN as error:
        file.close()
        raise Refused(f"{path} cannot be read: {error}", "the disk or the network may be at fault") from error
    if compressed.fault() and not compressed.pread(HEAD, 0):
        compressed.close()
        raise Refused(f"{path} cannot be read: {compressed.fault()}", "it is read as soon as it is whole")
    return compressed
