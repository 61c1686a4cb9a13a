"""What a file is known by: the first bytes of its content, more of them as it grows."""

from __future__ import annotations

from hashlib import blake2b

HEAD = 1024
"""Bytes of the head that are looked at: past the banner that most programs print first, and one cheap read."""


def digest(data: bytes) -> str:
    """128 bits of a hash, in hex."""
    return blake2b(data, digest_size=16).hexdigest()


class Signature:
    """The first `size` bytes of a file, at most HEAD, as they were when they were last looked at.

    Args:
        head: the bytes, where they are known.
    """

    __slots__ = ("_head",)

    def __init__(self, head: bytes = b"") -> None:
        self._head = head[:HEAD]

    @property
    def size(self) -> int:
        """Bytes known, 0 to HEAD."""
        return len(self._head)

    @property
    def head(self) -> bytes:
        """The bytes themselves."""
        return self._head

    def hash(self) -> str:
        """What a cursor keeps instead of the bytes."""
        return digest(self._head)

    def fits(self, head: bytes) -> bool:
        """Whether a file that now begins with `head` (its first HEAD bytes) can be this one. Grows with it."""
        if not head.startswith(self._head):
            return False
        if len(head) > len(self._head):
            self._head = head[:HEAD]
        return True


def matches(head: bytes, size: int, hashed: str) -> bool:
    """Whether a file that begins with `head` began with the `size` bytes whose hash was kept."""
    return len(head) >= size and digest(head[:size]) == hashed
