"""Which templates a key's open visit has shown already, so that each counts once in a visit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.detectors.merges import Merges
from logwatch.score.detectors.table import mix
from logwatch.score.grouped import Groups, segment_begin
from logwatch.score.keys import KeyTable
from logwatch.types import Bool, Int32, Int64

KEPT = 10
"""Distinct templates remembered of a visit. One that comes back after 10 others counts twice: it looks less rare."""


class VisitTemplates:
    """The last distinct templates of each key's visit, in the key table's columns `rare_*`; advanced per chunk."""

    def __init__(self, keys: KeyTable, visit_gap: int) -> None:
        self._keys = keys
        self._gap = visit_gap

    def learn(self, slot: Int32, heard: Int64, template: Int64) -> tuple[Bool, Bool]:
        """One chunk's events [n] in stream order: which begin a visit, and which show a template first in theirs.

        Args:
            slot: rows of the key table [n].
            heard: when the event came, in event time that never runs far behind the watermark, ns [n].
            template: [n].
        """
        groups = Groups(slot)
        heard_last, count, templates = (
            self._keys.rows[name][groups.keys] for name in ("rare_heard", "rare_count", "rare_templates")
        )
        came = heard[groups.order]
        begins = came - groups.before(heard, heard_last) >= self._gap
        begins[groups.begin] |= count == 0
        segment = segment_begin(groups.head | begins)
        carried = ~begins[segment]  # the visit goes on from an earlier chunk
        shown = template[groups.order]
        first = first_of(segment, shown)
        known = templates[groups.group] == shown[:, None] + 1
        held = first & ~(carried & known.any(axis=1))
        self._store(groups, segment, held, shown, carried, came)
        return groups.ungroup(begins), groups.ungroup(held)

    def _store(
        self, groups: Groups, segment: Int64, held: Bool, shown: Int64, carried: Bool, came: Int64
    ) -> None:  # fmt: skip
        """Keep the last visit of each key: its templates join the list, which a new visit empties first."""
        rows, last = self._keys.rows, groups.end - 1
        fresh = ~carried[last]
        rows["rare_count"][groups.keys[fresh]] = 0
        rows["rare_templates"][groups.keys[fresh]] = 0
        final = held & (segment == segment[last][groups.group])
        total = np.cumsum(final)
        base = total[groups.begin] - final[groups.begin]
        at = np.flatnonzero(final)
        key = groups.keys[groups.group[at]]
        place = rows["rare_count"][key] + total[at] - 1 - base[groups.group[at]]
        rows["rare_templates"][key, place % KEPT] = shown[at] + 1
        rows["rare_count"][groups.keys] += (total[last] - base).astype(np.int32)
        rows["rare_heard"][groups.keys] = came[last]
        self._keys.mark(groups.keys.astype(np.int32))

    def merged(self, merges: Merges) -> None:
        """Templates merged: the lists name the winners."""
        slots = self._keys.in_use()
        stored = self._keys.view("rare_templates")[slots]
        moved = np.where(stored > 0, merges.forward(stored.reshape(-1) - 1).reshape(stored.shape) + 1, 0)
        changed = (moved != stored).any(axis=1)
        self._keys.rows["rare_templates"][slots[changed]] = moved[changed]
        self._keys.mark(slots[changed])


def first_of(groups: NDArray[Any], values: NDArray[Any]) -> Bool:
    """Rows [n] that are the first of their (group, value), both non-negative."""
    spread = mix(groups.astype(np.uint64) ^ (values.astype(np.uint64) << np.uint64(40)))
    order = Groups(spread >> np.uint64(26)).order  # 38 bits: what meets by chance is told apart, or counts twice
    again = (groups[order[1:]] == groups[order[:-1]]) & (values[order[1:]] == values[order[:-1]])
    first = np.ones(len(order), dtype=np.bool_)
    first[order[1:][again]] = False
    return first
