"""Time between events of a key, in buckets on a log scale, and the rungs at which silence is judged."""

from __future__ import annotations

import numpy as np

from logwatch.types import NO_TIME, Int64, UInt8

SECOND = 1_000_000_000

FIRST = 0
"""Bucket of a key's first event, which has no gap."""

EDGES: Int64 = np.array(
    [1, 10**5, 10**6, 10**7, 32 * 10**6, 10**8, 320 * 10**6]
    + [s * SECOND for s in (1, 2, 5, 10, 30, 60, 180, 600, 1800, 3600, 10800, 86400)],
    dtype=np.int64,
)
"""Lower bounds of buckets 2, 3, …, ns; bucket 1 is a gap of zero (or less: time may go back)."""

BUCKETS = 24
"""Width of the tables that are indexed by bucket: room above `len(EDGES) + 2`."""

RUNGS = (10 * SECOND, 60 * SECOND, 600 * SECOND, 3600 * SECOND)
"""Silences at which an unfinished visit may be judged, ns. Each is also one of `EDGES`."""

SPOKE_AT = np.array([0] + [int(np.searchsorted(RUNGS, e, side="right")) for e in (0, *EDGES.tolist())] + [0] * 3)
"""Interval between rungs (0: before the first, 4: after the last) in which a gap of that bucket ends, [BUCKETS]."""


def buckets(times: Int64, previous: Int64) -> UInt8:
    """Gap bucket [n] of events that came at `times` [n], ns, after `previous` [n]; NO_TIME: the key's first."""
    known = previous != NO_TIME
    gaps = times - np.where(known, previous, times)
    found = np.searchsorted(EDGES, gaps, side="right") + 1
    return np.where(known, found, FIRST).astype(np.uint8)
