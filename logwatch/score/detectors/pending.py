"""What a chunk has brought so far and is learned only at its end; saved, since a run may stop inside a chunk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack


class Pending:
    """Columns appended by the sub-batch and taken at the chunk's end.

    Args:
        dtypes: of the columns, by name.
    """

    def __init__(self, **dtypes: str) -> None:
        self._dtypes = {name: np.dtype(dtype) for name, dtype in dtypes.items()}
        self._parts: list[dict[str, NDArray[Any]]] = []
        self._dirty = False

    def add(self, **columns: NDArray[Any]) -> None:
        """Append columns [n, …]; copied, so that the caller's arrays may be views."""
        self._parts.append({name: np.array(columns[name], dtype) for name, dtype in self._dtypes.items()})
        self._dirty = True

    def take(self) -> dict[str, NDArray[Any]]:
        """All columns since the last call, and forget them."""
        out = self.peek()
        self._dirty = self._dirty or bool(self._parts)
        self._parts = []
        return out

    def peek(self) -> dict[str, NDArray[Any]]:
        """All columns since the last `take`."""
        if not self._parts:
            return {name: np.zeros(0, dtype) for name, dtype in self._dtypes.items()}
        return {name: np.concatenate([part[name] for part in self._parts]) for name in self._dtypes}

    def changes(self, name: str) -> Iterable[tuple[str, bytes | None]]:
        """One cell, where anything was added or taken since the last call."""
        if self._dirty:
            yield name, pack(self.peek()) if self._parts else None
        self._dirty = False

    def restore(self, name: str, cells: Mapping[str, bytes]) -> None:
        """Go on from the saved cell, if there is one."""
        if name in cells:
            self._parts = [unpack(cells[name])[0]]
