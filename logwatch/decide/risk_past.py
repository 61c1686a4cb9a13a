"""The risks that a source has had, and the threshold that follows from them: never from labels.

Risks are measured by their log odds. For every edge of a grid the past says how many risk alerts a threshold there
would have opened in so much aged time of the source; the threshold is the lowest edge at which that is within the
budget. What alerted counts apart, and only beyond a bound: a bad week must not blind the source (as for lines: see
`logwatch.decide.budget`). Until the budget could have been spent twice, the next that is higher than all before may be
so by chance: the threshold keeps a distance from all that was seen, and alerts are provisional.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from logwatch.cells import pack
from logwatch.config.values import Budget
from logwatch.decide.budget import BOUND, LEARN_S, SLACK, SPENT, TOLD
from logwatch.types import Float64, Int64

EDGES: Float64 = np.arange(-8.0, 8.001, 0.25)
"""Log odds: probabilities from 0.0003 to 0.9997."""

APART = 5
"""Windows below an edge after which passing it is another opening."""

MARGIN = 1.0
"""Log odds above all that a source has shown, while it is young."""

HALF_LIFE_S = 28 * 86_400.0

LONGEST_S = 3600.0
"""A longer pause between two windows counts as one of this length: time in which nothing was seen proves nothing."""


class RiskPast:
    """Of one source, as seen by one assessor."""

    __slots__ = ("last", "opens", "reached", "seconds", "told", "windows")

    def __init__(self) -> None:
        self.opens: Float64 = np.zeros(len(EDGES))  # aged openings that alerted nobody, by edge
        self.told: Float64 = np.zeros(len(EDGES))  # those that did
        self.reached: Float64 = np.zeros(len(EDGES))  # aged windows at or above an edge
        self.last: Int64 = np.full(len(EDGES), APART)  # windows since the last of these, at most `APART`
        self.seconds, self.windows = 0.0, 0.0  # aged

    def learn(self, odds: float, seconds: float, alerting: bool) -> None:
        """Take in a window's risk; `seconds`: since the window before, of the source's own time."""
        seconds = min(max(seconds, 0.0), LONGEST_S)
        kept = 0.5 ** (seconds / HALF_LIFE_S)
        for one in (self.opens, self.told, self.reached):
            one *= kept
        self.seconds, self.windows = self.seconds * kept + seconds, self.windows * kept + 1
        over = odds >= EDGES
        opening = over & (self.last >= APART)
        (self.told if alerting else self.opens)[opening] += 1
        self.reached[over] += 1
        self.last = np.where(over, 0, np.minimum(self.last + 1, APART))

    @property
    def young(self) -> bool:
        """Whether it has not seen enough for any threshold."""
        return self.seconds < LEARN_S

    def allowed(self, budget: Budget) -> float:
        """Alerts that the past may have had."""
        if budget.count is not None and budget.per is not None:
            return budget.count / budget.per * self.seconds
        return (budget.percent or 0.0) / 100.0 * self.windows

    def provisional(self, budget: Budget) -> bool:
        """Whether the budget could not have been spent twice yet."""
        return self.allowed(budget) < SPENT

    def threshold(self, budget: Budget, floor: float) -> float:
        """Log odds at or above which a risk alerts; `floor`: likewise, the least."""
        allowed = self.allowed(budget)
        within = self.opens <= SLACK * allowed
        within &= self.opens + self.told <= max(BOUND * allowed, TOLD)
        over = np.flatnonzero(~within)
        least = float(EDGES[0] if not len(over) else EDGES[over[-1]] + EDGES[1] - EDGES[0])
        if allowed < SPENT and self.opens.any():
            least = max(least, float(EDGES[np.flatnonzero(self.opens)[-1]]) + MARGIN)
        return max(least, floor)

    def tail(self, odds: float) -> float:
        """Share of the past at or above log odds, one more than was seen: (0, 1]."""
        at = int(np.searchsorted(EDGES, odds, "right")) - 1
        reached = self.windows if at < 0 else float(self.reached[at])
        return min((reached + 1) / (self.windows + 1), 1.0)

    def pack(self, **facts: Any) -> bytes:
        """As a cell, with more beside it."""
        arrays = {"opens": self.opens, "told": self.told, "reached": self.reached, "last": self.last}
        return pack(arrays, seconds=self.seconds, windows=self.windows, **facts)

    @classmethod
    def unpack(cls, arrays: dict[str, Any], facts: dict[str, Any]) -> RiskPast:
        """What `pack` took."""
        past = cls()
        past.opens, past.told, past.reached, past.last = (
            np.array(arrays[name]) for name in ("opens", "told", "reached", "last")
        )
        past.seconds, past.windows = float(facts["seconds"]), float(facts["windows"])
        return past
