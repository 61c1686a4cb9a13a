"""Crossings → episodes: what would have been one incident."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from logwatch.types import Bool, Int64

QUIET = 120 * 10**9
"""Of time without a crossing that ends an episode, as it ends an incident, ns."""

LONGEST = 3600 * 10**9
"""What goes on for longer counts anew, ns."""


class Episodes(NamedTuple):
    """Episodes [k] by source and time."""

    source: Int64
    begin: Int64  # ns
    end: Int64  # ns, of the last crossing

    def __len__(self) -> int:
        return len(self.begin)

    def take(self, which: Bool) -> Episodes:
        """Some of them."""
        return Episodes(self.source[which], self.begin[which], self.end[which])


def episodes(source: Int64, time: Int64, longest: int = LONGEST) -> Episodes:
    """Group crossings [n], in any order; what goes on for longer than `longest` (ns) counts anew."""
    if not len(source):
        none = np.zeros(0, np.int64)
        return Episodes(none, none, none)
    order = np.lexsort((time, source))
    source, time = source[order], time[order]
    breaks = np.append(True, (source[1:] != source[:-1]) | (np.diff(time) > QUIET))
    begin = time[np.flatnonzero(breaks)][np.cumsum(breaks) - 1]
    lap = (time - begin) // longest
    breaks[1:] |= lap[1:] != lap[:-1]
    first = np.flatnonzero(breaks)
    last = np.append(first[1:], len(time)) - 1
    return Episodes(source[first], time[first], time[last])
