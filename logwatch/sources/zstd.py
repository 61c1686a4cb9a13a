"""Decompresses Zstandard (RFC 8878) frame by frame, as `lzma` and `bz2` do theirs.

The library gives all that a piece of input decompresses to at once, or, where some of it is damaged, nothing. So a
piece is never more than what is left of one block: blocks bear their sizes, and none is above 128 KiB.
"""

from __future__ import annotations

from typing import Any

MAGIC = b"(\xb5/\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_WINDOW = 1 << 27
"""Bytes of memory that a file may ask for: as much as `zstd -d` grants."""

_FRAME, _BLOCK, _REST = 8, 3, 1
"""Bytes that tell the size of what comes next: a frame's header, a block, the checksum."""


class ZstdFrame:
    """One frame, skippable ones too. `decompress` raises ValueError where it is damaged."""

    def __init__(self) -> None:
        import zstandard  # only where there is something to read

        self._failed: type[Exception] = zstandard.ZstdError
        self._one: Any = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._held = self._ready = b""  # input not used, output not given
        self._left = 0  # input up to the next header
        self._header = _FRAME

    @property
    def eof(self) -> bool:
        """The frame has ended, and all of it was given."""
        return bool(self._one.eof) and not self._ready

    @property
    def unused_data(self) -> bytes:
        """What came after the frame."""
        return bytes(self._one.unused_data) + self._held if self.eof else b""

    @property
    def needs_input(self) -> bool:
        """Nothing can be given without more input."""
        return not self._ready and not self._one.eof and not self._can_go_on()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes of what is held and `data` decompress to."""
        self._held += data
        while not self._ready and not self._one.eof and self._can_go_on():
            if not self._left:
                self._left = self._next()
            piece, self._held = self._held[: self._left], self._held[self._left :]
            self._left -= len(piece)
            try:
                self._ready = self._one.decompress(piece)
            except self._failed as error:
                raise ValueError(str(error).removeprefix("zstd decompress error: ").lower()) from error
        given, self._ready = self._ready[:max_length], self._ready[max_length:]
        return given

    def _can_go_on(self) -> bool:
        return len(self._held) >= (1 if self._left else self._header)

    def _next(self) -> int:
        """Bytes up to the next header."""
        head = self._held
        if self._header == _FRAME:
            if int.from_bytes(head[:4], "little") in _SKIPPABLE:
                return 8 + int.from_bytes(head[4:8], "little")
            self._header = _BLOCK
            single = head[4] >> 5 & 1
            content = (single, 2, 4, 8)[head[4] >> 6]  # bytes of the fields that it says are there
            dictionary = (0, 1, 2, 4)[head[4] & 3]
            return 5 + (not single) + dictionary + content
        if self._header == _REST:
            return 4
        block = int.from_bytes(head[:3], "little")
        if block & 1:
            self._header = _REST
        return 3 + (1 if block >> 1 & 3 == 1 else block >> 3)  # one byte, repeated
