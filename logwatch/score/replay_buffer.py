"""Segments learned before, first in, first out, kept in blocks so that a checkpoint writes only the newest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from logwatch.score.learn_segments import SEGMENT, Segments
from logwatch.types import Int64

CAPACITY = 8000
"""Segments kept: on HDFS some five hours of habits; 1.2 MB."""

BLOCK = 256
"""Segments per cell, 39 kB: what one chunk dirties."""


class ReplayBuffer:
    """The newest `capacity` segments.

    Args:
        capacity: segments kept.
        block: segments per cell.
        dtype: of a segment.
    """

    def __init__(self, capacity: int = CAPACITY, block: int = BLOCK, dtype: np.dtype[Any] = SEGMENT) -> None:
        self.capacity = capacity
        self._block = block
        self._ring: Segments = np.zeros(-(-capacity // block) * block, dtype=dtype)
        self._added = 0  # segments ever added
        self._dirty: set[int] = set()

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def append(self, segments: Segments) -> None:
        """Add segments [N], oldest first."""
        segments = segments[-self.capacity :]
        at = (self._added + np.arange(len(segments))) % len(self._ring)
        self._ring[at] = segments
        self._added += len(segments)
        self._dirty.update(np.unique(at // self._block).tolist())

    def take(self, ages: Int64) -> Segments:
        """Copies [N] by age: 0 is the oldest kept, len - 1 the newest."""
        return self._ring[(self._added - len(self) + ages) % len(self._ring)]

    def all(self) -> Segments:
        """All that are kept, in any order, to be changed in place; tell by `mark` which were."""
        return self._ring[: min(self._added, len(self._ring))]

    def mark(self, rows: Int64) -> None:
        """These rows of `all` were changed."""
        self._dirty.update(np.unique(rows // self._block).tolist())

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """The blocks that were written to, and the count."""
        for block in sorted(self._dirty):
            part = self._ring[block * self._block : (block + 1) * self._block]
            yield f"{block:04d}", part.tobytes()
        if self._dirty:
            head = {"v": 1, "added": self._added, "size": len(self._ring), "dtype": str(self._ring.dtype)}
            yield "count", json.dumps(head).encode()
        self._dirty = set()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "count" not in cells:
            return
        head = json.loads(cells["count"])
        if head["dtype"] != str(self._ring.dtype) or head["size"] != len(self._ring):
            return  # another layout: the buffer fills again
        self._added = int(head["added"])
        for name, cell in cells.items():
            if name != "count":
                at = int(name) * self._block
                self._ring[at : at + self._block] = np.frombuffer(cell, dtype=self._ring.dtype)
