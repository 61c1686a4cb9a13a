"""How many incidents each threshold would have opened in the past of a source: the openings curve.

Event time is cut into blocks as long as an incident's quiet time. Where the maximum of one block is `a` and that of
the block before it `b` < `a`, every threshold in (b, a] would have seen an incident open. So a fault of six hours
counts once, and a burst of a thousand lines counts once: runs declustering (Leadbetter, 1983), for all thresholds at
once. The histogram holds +1 at the bin of `a` and −1 at the bin of `b`; its mass at or above a bin is the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.tail import BINS, bin_of
from logwatch.types import Bool, Float32, Int64

BLOCK_NS = 2 * 60 * 10**9  # the default quiet time of an incident
NONE = -1.0  # the maximum of a block without units: below every threshold

BLOCK: tuple[tuple[Any, ...], ...] = (
    ("peak", "<f4", (2,)),  # maxima of the current block: of unflagged units, of all units
    ("prior", "<f4", (2,)),  # maxima of the block just before it
    ("block", "<i8"),  # the current block; -1 before the first
)
OPENS: tuple[tuple[Any, ...], ...] = (("opens", "<f4", (3, BINS)),)  # of unflagged units, of all; blocks by their peak
FRESH = {"peak": NONE, "prior": NONE, "block": -1.0}


def block_of(time: Int64) -> Int64:
    """Block [n] of event times; units without a time fall into block 0."""
    return np.maximum(time // BLOCK_NS, 0)


@dataclass(slots=True)
class Segments:
    """Units of one chunk gathered by (row, block): k segments, rows together, blocks ascending."""

    row: Int64  # [k]
    block: Int64  # [k] never below the blocks before it in its row
    peak: Float32  # [k, 2] maxima of unflagged units (NONE where there is none) and of all


def gather(row: Int64, block: Int64, nats: Float32, flagged: Bool) -> Segments:
    """Segments of units [n] in stream order, n ≥ 1; a block that goes back counts as the running maximum.

    `block` must not lie before the current block of its row.
    """
    order = np.argsort(row, kind="stable")
    row, block, nats = row[order], block[order], nats[order]
    unflagged = np.where(flagged[order], np.float32(NONE), nats)
    # One running maximum over all rows: each row is lifted above the one before it.
    starts = np.concatenate([[True], row[1:] != row[:-1]])
    lift = (np.cumsum(starts) - 1) << 28  # blocks of 2 min up to the year 2262 need 27 bits
    block = np.maximum.accumulate(block + lift) - lift
    begin = np.flatnonzero(starts | np.concatenate([[True], block[1:] != block[:-1]]))
    peak = np.stack([np.maximum.reduceat(unflagged, begin), np.maximum.reduceat(nats, begin)], axis=1)
    return Segments(row[begin], block[begin], peak)


def news(data: NDArray[Any], segments: Segments) -> Segments:
    """Those that change something: most lie in a block that is going on, and below its maxima."""
    going = data["block"][segments.row] == segments.block
    found = ~going | (segments.peak > data["peak"][segments.row]).any(axis=1)
    return Segments(segments.row[found], segments.block[found], segments.peak[found])


def advance(data: NDArray[Any], segments: Segments, weight: Float32) -> None:
    """Close the blocks that are over and count their openings.

    Args:
        data: table with the fields of `BLOCK` and `OPENS` (or of coarser bins, so many of them joined); changed.
        segments: the news of the whole chunk, at least one.
        weight: [k] weight of an opening in the segment's row.
    """
    row, block, peak = segments.row, segments.block, segments.peak
    first = np.concatenate([[True], row[1:] != row[:-1]])
    last = np.concatenate([first[1:], [True]])
    joined = first & (block == data["block"][row])
    peak = np.where(joined[:, None], np.maximum(peak, data["peak"][row]), peak)
    before_peak = np.where(first[:, None], data["peak"][row], np.roll(peak, 1, axis=0))
    before_block = np.where(first, data["block"][row], np.roll(block, 1))
    touching = (block - before_block == 1)[:, None]
    prior = np.where(touching, before_peak, np.float32(NONE))
    prior = np.where(joined[:, None], data["prior"][row], prior)
    left = first & ~joined & (data["block"][row] >= 0)
    _count(data, row[left], data["prior"][row[left]], data["peak"][row[left]], weight[left])
    over = ~last
    _count(data, row[over], prior[over], peak[over], weight[over])
    data["block"][row[last]] = block[last]
    data["peak"][row[last]] = peak[last]
    data["prior"][row[last]] = prior[last]


def _count(data: NDArray[Any], row: Int64, before: Float32, peak: Float32, weight: Float32) -> None:
    """Add the openings from block maxima `before` [n, 2] to `peak` [n, 2]."""
    if not len(row):
        return
    bins = data["opens"].shape[-1]
    joined = BINS // bins
    for curve in (0, 1):
        high = np.where(peak[:, curve] >= 0, bin_of(peak[:, curve]) // joined, -1)
        low = np.where(before[:, curve] >= 0, bin_of(before[:, curve]) // joined, -1)
        rises = high > low
        falls = rises & (low >= 0)
        flat, stride, offset = floats(data, "opens")
        at = row * stride + offset + curve * bins
        np.add.at(flat, (at + high)[rises], weight[rises])
        np.subtract.at(flat, (at + low)[falls], weight[falls])
    # What goes on in every block opens nothing anew, and is no incident: blocks are counted for themselves, too.
    busy = bin_of(np.maximum(peak[:, 1], 0)) // joined
    np.add.at(flat, row * stride + offset + 2 * bins + busy, weight)


def floats(data: NDArray[Any], field: str) -> tuple[Float32, int, int]:
    """The table as one flat float32 view, with a row's stride and a field's offset in it: scatter-adds are several
    times faster on a flat array than on a strided field."""
    fields: Any = data.dtype.fields
    return data.view(np.float32), data.dtype.itemsize // 4, fields[field][1] // 4
