"""Lines of a batch that few will ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload


class Texts(Sequence[str]):
    """Lines that few will ask for: joined UTF-8, split when the first is asked for.

    Args:
        joined: n lines with a line end between any two, none inside.
        n: how many.
    """

    __slots__ = ("_joined", "_lines", "_n")

    def __init__(self, joined: bytes | memoryview, n: int) -> None:
        self._joined = joined
        self._n = n
        self._lines: list[str] | None = None

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return _Part(self, range(self._n)[at])
        return self.lines()[at]

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines())

    def lines(self) -> list[str]:
        """All of them."""
        if self._lines is None:
            self._lines = str(self._joined, "utf-8", "surrogatepass").split("\n") if self._n else []
            self._joined = b""
        return self._lines

    def joined(self) -> bytes:
        """All of them, a line end between any two."""
        if self._lines is None:
            return bytes(self._joined)
        return "\n".join(self._lines).encode("utf-8", "surrogatepass")


class _Part(Sequence[str]):
    """Some of the lines, not split yet."""

    __slots__ = ("_of", "_rows")

    def __init__(self, of: Texts, rows: range) -> None:
        self._of = of
        self._rows = rows

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return _Part(self._of, self._rows[at])
        return self._of.lines()[self._rows[at]]

    def __len__(self) -> int:
        return len(self._rows)
