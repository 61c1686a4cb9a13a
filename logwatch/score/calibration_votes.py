"""Which detectors decide, and how their nats become one number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logwatch.types import Float32, Kind, UInt8

VOTES: tuple[tuple[str, ...], ...] = (("lstm",), ("new", "rare", "set"), ("rate",), ("silence",), ("values",))
"""Sum of complementary nats; inside a group only the largest counts: a new template is also a rare one, and makes its
visit's set a rare one (HDFS: average precision 0.90 so, 0.84 with `set` on its own)."""

BESIDE = 0.5
"""Weight of a visit's rarities beside the network's nats, which hold how rare its templates are already (HDFS: average
precision 0.926 so, 0.917 with all of them, 0.90 without). Of single events `believed` takes care."""

COURSE = "course"
"""Where a long visit is judged by its course, which knows what all others said, that alone counts."""

SHOWN = frozenset({"gap", "markov", "rule", COURSE})
"""Computed and shown, without a vote: shadows of the LSTM, whose sum would count the same surprise twice; and rules,
which alert by themselves."""

UNLEARNED = float(-np.log(0.02))
"""Nats of `rare` from which on a template is too rare to be learned by the network (see `learn_admission`): what the
network says of its events is no probability. Their share of the past is one, and bounds it. Not so for visits, whose
maxima stem from different events (HDFS: average precision 0.91, bounded 0.89)."""

CONTEXT = 7.0
"""Nats that context may add to how rare a template is: what the network has seen a few times it has not seen in every
context, and its claim of e^-14 only says so."""


def believed(lstm: Float32, rare: Float32, new: Float32) -> Float32:
    """The network's nats [n] of single events, bounded by how rare their templates are; NaN stays NaN, and where
    nothing is known of the template nothing bounds."""
    known = np.fmax(rare, new)
    bound = np.where(known > UNLEARNED, known, known + np.float32(CONTEXT))
    bounded: Float32 = np.where(np.isnan(lstm), lstm, np.fmin(lstm, bound))
    return bounded


class Votes:
    """Combines nats [m, D] into [m]. Detectors named neither in `votes` nor in `shown` (plugins) vote on their own."""

    def __init__(
        self,
        detectors: Sequence[str],
        votes: tuple[tuple[str, ...], ...] = VOTES,
        shown: frozenset[str] = SHOWN,
    ) -> None:
        named = {name for group in votes for name in group}
        groups = [*votes, *((name,) for name in detectors if name not in named and name not in shown)]
        columns = [[detectors.index(name) for name in group if name in detectors] for group in groups]
        self.groups = [group for group in columns if group]
        self.voting = sorted(column for group in self.groups for column in group)
        self._bounded = [detectors.index(name) for name in ("lstm", "rare", "new") if name in detectors]
        if not any("lstm" in group for group in votes):
            self._bounded = []
        named_alone = ("lstm",) in votes and "lstm" in detectors
        self._network = detectors.index("lstm") if named_alone else None
        self._course = detectors.index(COURSE) if named_alone and COURSE in detectors else None
        self._rare = detectors.index("rare") if "rare" in detectors else -1

    def combine(self, nats: Float32, kind: UInt8) -> Float32:
        """Sum over groups of the group's largest nats, ≥ 0; NaN where no voting detector has an opinion.

        Args:
            nats: [m, D].
            kind: [m] of Kind.
        """
        if len(self._bounded) == 3:
            lstm, rare, new = self._bounded
            events = np.flatnonzero(kind == Kind.EVENT)
            nats = nats.copy()
            nats[events, lstm] = believed(nats[events, lstm], nats[events, rare], nats[events, new])
        total = np.zeros(len(nats), dtype=np.float32)
        silent = np.ones(len(nats), dtype=np.bool_)
        for group in self.groups:
            largest = nats[:, group[0]]
            for column in group[1:]:
                largest = np.fmax(largest, nats[:, column])
            silent &= np.isnan(largest)
            total += np.fmax(largest, np.float32(0)) * self._weight(group, nats, kind)
        total[silent] = np.nan
        if self._course is not None:
            course = nats[:, self._course]
            total = np.where(np.isnan(course), total, course)
        return total

    def _weight(self, group: Sequence[int], nats: Float32, kind: UInt8) -> Float32 | np.float32:
        """Of a group's nats [m]: `BESIDE` where rarities stand beside the network's in a visit."""
        if self._network is None or self._rare not in group:
            return np.float32(1)
        beside = (kind == Kind.VISIT) & ~np.isnan(nats[:, self._network])
        return np.where(beside, np.float32(BESIDE), np.float32(1))

    def top(self, nats: Float32) -> int:
        """Column of the voting detector with the largest nats in one unit's nats [D]; -1 where none has an opinion."""
        voting = self.voting if self._course is None else [*self.voting, self._course]
        heard = [column for column in voting if not np.isnan(nats[column])]
        return max(heard, key=lambda column: float(nats[column]), default=-1)
