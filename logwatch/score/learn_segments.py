"""What the log LSTM learns from: segments of up to 24 consecutive events of one key."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.score.lstm_gaps import buckets
from logwatch.types import NO_TIME, Bool, EventBatch, Int64

LENGTH = 24
"""Events of a segment, and of the ring that each key keeps."""

STRIDE = 16
"""New events between the segments of a key that spoke more than a segment in one chunk: 8 overlap as context."""

WARM = 4
"""First events of a segment that begins in mid-stream: context only, the state before them is not known."""

BARRED = 128
"""Bit of a gap byte: the event is never a target (it alerted, or scored too high)."""

SEGMENT = np.dtype(
    [
        ("template", "<i4", (LENGTH,)),
        ("gap", "u1", (LENGTH,)),
        ("n", "u1"),
        ("whole", "u1"),  # begins with the key's first event
        ("source", "<i4"),
        ("slot", "<i4"),
        ("born", "<i8"),  # with `slot` and `seen`: has the key spoken since? see `silent_since`
        ("seen", "<i8"),  # events of the key up to the segment's end
        ("last", "<i8"),  # time of the last event, ns
    ]
)
"""One segment, padded at its end."""

Segments = NDArray[Any]
"""[N] of `SEGMENT`."""


class Runs(NamedTuple):
    """A chunk's events by key: `order` sorts them by key, keeping the stream's order inside each."""

    order: Int64  # [n] rows of the chunk
    slots: NDArray[np.int32]  # [K] ascending
    starts: Int64  # [K] where each key's run begins in `order`
    lengths: Int64  # [K]


def runs_of(slots: NDArray[np.int32]) -> Runs:
    """Group events [n] by their key."""
    n = len(slots)
    if n and slots[0] == slots[-1] and (slots == slots[0]).all():
        return Runs(np.arange(n), slots[:1].copy(), np.zeros(1, np.int64), np.array([n]))
    # One sort of unique composite keys is several times faster than a stable argsort, and as stable.
    composite = (slots.astype(np.int64) << 24) | np.arange(len(slots))
    composite.sort()
    order, ordered = composite & ((1 << 24) - 1), (composite >> 24).astype(np.int32)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(slots) else order
    lengths = np.diff(starts, append=len(slots))
    return Runs(order, ordered[starts], starts, lengths)


def candidates(runs: Runs) -> tuple[Int64, Int64]:
    """Every segment that a chunk offers, in stream order of its last event.

    Returns:
        Index of the key in `runs` [N], and how many of its events in the chunk come after the segment's end [N].
    """
    count = 1 + np.maximum(0, runs.lengths - LENGTH + STRIDE - 1) // STRIDE
    key = np.repeat(np.arange(len(count)), count)
    back = (np.arange(len(key)) - np.repeat(np.cumsum(count) - count, count)) * STRIDE
    ends = runs.order[runs.starts[key] + runs.lengths[key] - 1 - back]
    order = np.argsort(ends, kind="stable")
    return key[order], back[order]


def build(chunk: EventBatch, barred: Bool, runs: Runs, key: Int64, back: Int64, table: KeyTable) -> Segments:
    """The segments [N] that end `back` events before each key's last event in the chunk."""
    out = np.zeros(len(key), dtype=SEGMENT)
    slots = runs.slots[key]
    rows = table.rows[slots]
    out["slot"], out["source"], out["born"] = slots, rows["source"], rows["lstm_born"]
    out["seen"] = rows["lstm_seen"] - back
    end = runs.starts[key] + runs.lengths[key] - back  # in `order`, exclusive
    out["last"] = chunk.time[runs.order[end - 1]]
    newest = back == 0
    out[newest] = _from_ring(out[newest], rows[newest])
    out[~newest] = _from_chunk(out[~newest], chunk, barred, runs, key[~newest], end[~newest])
    return out


def ring_positions(seen: Int64) -> tuple[Int64, Int64]:
    """Places of a ring's events, oldest first [K, LENGTH], and how many are held [K]."""
    held = np.minimum(seen, LENGTH)
    return ((seen - held)[:, None] + np.arange(LENGTH)[None, :]) % LENGTH, held


def _from_ring(out: Segments, rows: NDArray[Any]) -> Segments:
    places, held = ring_positions(rows["lstm_seen"])
    past = np.arange(LENGTH)[None, :] >= held[:, None]
    out["template"] = np.where(past, 0, np.take_along_axis(rows["lstm_ring"], places, 1))
    out["gap"] = np.where(past, 0, np.take_along_axis(rows["lstm_gap"], places, 1))
    out["n"] = held
    out["whole"] = rows["lstm_seen"] <= LENGTH
    return out


def _from_chunk(out: Segments, chunk: EventBatch, barred: Bool, runs: Runs, key: Int64, end: Int64) -> Segments:
    start = runs.starts[key]
    first = np.maximum(start, end - LENGTH)
    held = end - first
    at = first[:, None] + np.arange(LENGTH)[None, :]
    past = at >= end[:, None]
    at = np.where(past, first[:, None], at)
    event = runs.order[at]
    before = np.where(at > start[:, None], chunk.time[runs.order[np.maximum(at - 1, 0)]], NO_TIME)
    gap = buckets(chunk.time[event], before) | np.where(barred[event], BARRED, 0).astype(np.uint8)
    out["template"] = np.where(past, 0, chunk.template[event])
    out["gap"] = np.where(past, 0, gap)
    out["n"] = held
    out["whole"] = out["seen"] == held
    return out


def silent_since(segments: Segments, table: KeyTable, watermarks: Int64) -> Int64:
    """How long the keys are known to have kept silent after their segments [N], ns; -1 where they have spoken.

    Args:
        segments: [N].
        table: a key that left it is taken to have spoken: nothing more is known of it.
        watermarks: [S] newest watermark of each source.
    """
    slots = np.minimum(segments["slot"], len(table.rows) - 1)
    same = table.view("slot")[slots] == segments["slot"]
    same &= table.view("lstm_born")[slots] == segments["born"]
    same &= table.view("lstm_seen")[slots] == segments["seen"]
    return np.where(same, np.maximum(0, watermarks[segments["source"]] - segments["last"]), -1)


def targets(segments: Segments) -> Bool:
    """Which events [N, LENGTH] may be targets."""
    at = np.arange(LENGTH)[None, :]
    learn: Bool = (at < segments["n"][:, None]) & (segments["gap"] < BARRED)
    return learn & ((segments["whole"][:, None] > 0) | (at >= WARM))
