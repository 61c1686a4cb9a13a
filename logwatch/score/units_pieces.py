"""Units on their way into one batch: pieces from visits, windows and silences, put into the order of judging."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Float32, Int32, Int64, Kind, UnitBatch


class Rank(IntEnum):
    """Order among units judged at the same event: first its time passes, then it happens."""

    SILENCE = 0
    WINDOW = 1
    VISIT = 2
    EVENT = 3


@dataclass(slots=True)
class Piece:
    """Units [m] of one kind, in any order."""

    kind: Kind
    rank: Rank
    final: Bool | bool
    row: Int64  # [m] of the sub-batch at which the unit is judged; 0 in a tick
    tie: Int64  # [m] orders units of the same row and rank: distinct there
    source: NDArray[Any]
    stream: NDArray[Any]
    slot: NDArray[Any]
    first: Int64
    last: Int64
    start: Int64
    end: Int64
    nats: Float32  # [m, D]

    def __len__(self) -> int:
        return len(self.row)


def assemble(pieces: list[Piece], detectors: tuple[str, ...], at: int, ticked: bool = False) -> UnitBatch:
    """One batch, in the order of judging.

    Args:
        pieces: may be empty, or hold empty ones.
        detectors: names of the columns.
        at: number of the run's event in row 0, or at which the tick came.
        ticked: all is judged at `at`, after the sub-batch.
    """
    pieces = [piece for piece in pieces if len(piece)]
    row = _join([piece.row for piece in pieces], np.int64)
    nats = [piece.nats for piece in pieces] or [np.zeros((0, len(detectors)), dtype=np.float32)]
    units = UnitBatch(
        kind=_join([np.full(len(piece), piece.kind) for piece in pieces], np.uint8),
        final=_join([np.broadcast_to(piece.final, len(piece)) for piece in pieces], np.bool_),
        source=_join([piece.source for piece in pieces], np.int32),
        stream=_join([piece.stream for piece in pieces], np.int32),
        slot=_join([piece.slot for piece in pieces], np.int32),
        at=np.full(len(row), at) if ticked else at + row,
        row=np.full(len(row), -1, dtype=np.int32) if ticked else row.astype(np.int32),
        first=_join([piece.first for piece in pieces], np.int64),
        last=_join([piece.last for piece in pieces], np.int64),
        start=_join([piece.start for piece in pieces], np.int64),
        end=_join([piece.end for piece in pieces], np.int64),
        nats=nats[0] if len(nats) == 1 else np.concatenate(nats),
        detectors=detectors,
    )
    if len(pieces) > 1 or (pieces and pieces[0].rank != Rank.EVENT):
        rank = _join([np.full(len(piece), piece.rank) for piece in pieces], np.int64)
        _sort(units, np.lexsort((_join([piece.tie for piece in pieces], np.int64), rank, row)))
    return units


def _join(parts: list[NDArray[Any]], dtype: type[Any]) -> NDArray[Any]:
    if not parts:
        return np.zeros(0, dtype=dtype)
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).astype(dtype, copy=False)


def _sort(units: UnitBatch, order: Int64) -> None:
    for name in ("kind", "final", "source", "stream", "slot", "at", "row", "first", "last", "start", "end", "nats"):
        setattr(units, name, getattr(units, name)[order])


def silent(slots: int) -> Int32:
    """The slot of units that are their source's own [m]."""
    return np.full(slots, -1, dtype=np.int32)
