"""Reads Zstandard files (RFC 8878): frames one after the other, skippable ones between them, and says where one is cut.

The library reads a cut file as if it had ended well, so the end is looked at here: blocks bear their sizes, and walking
from one to the next takes no decompression.
"""

from __future__ import annotations

import io
import os
from typing import IO, Any, cast

MAGIC = b"(\xb5/\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_WINDOW = 1 << 27
"""Bytes of memory that a file may ask for: as much as `zstd -d` grants."""


class ZstdReader(io.RawIOBase):
    """The decompressed bytes of a regular file.

    `read` raises ValueError where the data is damaged, EOFError where the file ends within a frame.
    """

    def __init__(self, raw: io.BufferedIOBase) -> None:
        import zstandard  # only where there is something to read

        self._raw = raw
        self._failed: type[Exception] = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._stream: Any = decompressor.stream_reader(cast(IO[bytes], raw), read_across_frames=True, closefd=False)

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            block = bytes(self._stream.read(size))
        except self._failed as error:
            raise ValueError(str(error).removeprefix("zstd decompress error: ").lower()) from error
        if not block and size and not _ends_well(self._raw.fileno()):
            raise EOFError("the compressed file ends too early")
        return block


def _ends_well(fd: int) -> bool:
    """Whether the file ends where a frame does."""
    size, at = os.fstat(fd).st_size, 0
    while at < size:
        head = os.pread(fd, 18, at)
        if len(head) < 8:
            return False
        magic = int.from_bytes(head[:4], "little")
        if magic in _SKIPPABLE:
            at += 8 + int.from_bytes(head[4:8], "little")
        elif head[:4] == MAGIC:
            at = _after_frame(fd, at, head[4])
        else:
            return False
    return at == size


def _after_frame(fd: int, at: int, descriptor: int) -> int:
    """Where the frame at `at` ends; beyond the file's end where it is cut."""
    single = descriptor >> 5 & 1
    content = (single, 2, 4, 8)[descriptor >> 6]  # bytes of the fields that it says are there
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    at += 5 + (not single) + dictionary + content
    last = False
    while not last:
        head = os.pread(fd, 3, at)
        if len(head) < 3:
            return at + 3
        block = int.from_bytes(head, "little")
        last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        at += 3 + (1 if kind == 1 else size)  # one byte, repeated
    return at + 4 * (descriptor >> 2 & 1)
