"""What people may want to hear of series, beside their values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from logwatch.types import Int32, Int64, UInt8


class NewsKind(IntEnum):
    """What happened."""

    VANISHED = 0  # no sample for MISSING steps
    RETURNED = 1  # samples again, after it had vanished
    NEW = 2  # of a source that has made itself known for an hour
    REFUSED = 3  # the source has too many series, or too many new ones: told once for each; no slot
    TURNED = 4  # of unknown kind, and found to be a counter by its values; or found not to be one after all


@dataclass(slots=True)
class News:
    """n pieces of news, in the order of the stream."""

    kind: UInt8  # [n] of NewsKind
    source: Int32  # [n]
    stream: Int32  # [n]
    slot: Int32  # [n] row of the series table; of REFUSED none, but less the number of its reason
    time: Int64  # [n] ns
    start: Int64  # [n] position of the record with which it was noticed
    end: Int64  # [n] position after it

    def __len__(self) -> int:
        return len(self.kind)

    def rows(self) -> Iterator[tuple[NewsKind, dict[str, Any]]]:
        """One after the other."""
        fields = ("source", "stream", "slot", "time", "start", "end")
        columns = [getattr(self, name).tolist() for name in fields]
        for kind, *values in zip(self.kind.tolist(), *columns, strict=True):
            yield NewsKind(kind), dict(zip(fields, values, strict=True))

    @staticmethod
    def joined(parts: list[News]) -> News:
        """One after the other."""
        return News(*(np.concatenate([_EMPTY[name], *(getattr(one, name) for one in parts)]) for name in _EMPTY))


_EMPTY = {
    "kind": np.zeros(0, np.uint8),
    "source": np.zeros(0, np.int32),
    "stream": np.zeros(0, np.int32),
    "slot": np.zeros(0, np.int32),
    "time": np.zeros(0, np.int64),
    "start": np.zeros(0, np.int64),
    "end": np.zeros(0, np.int64),
}
