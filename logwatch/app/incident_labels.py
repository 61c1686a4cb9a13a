"""Labels where nobody labelled anything: incidents that the log side found, as a state keeps them, are the failures.

Incidents of metrics and of risk do not count: training would learn what is said already. Of each source, the time
before an incident teaches how one begins, and pieces of quiet time, as long, how it looks where none does. Windows in
which one was going on teach nothing. What is held out together is a stretch of the time of all sources, from the end of
an incident to the end of the next one; those that are close together are in one.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import accumulate

from logwatch.api import LabelledWindow
from logwatch.app.incidents_found import Incident
from logwatch.errors import DataError
from logwatch.types import MetricWindow

LEAST, STRETCHES = 10, 5
"""Incidents that training needs, and pieces of quiet time; in so many stretches, as a fifth of them is held out."""

MOST = 200
"""Incidents that teach, the newest ones: half an hour of training, and half a gigabyte of windows of 50 metrics."""

QUIET = 2
"""Pieces of quiet time for each incident; which ones is drawn."""

PIECE = 3
"""Horizons of a piece of quiet time, and of the time before an incident that teaches."""

FAULT = "incident"


class IncidentLabels:
    """Takes windows as they come, and labels those that teach.

    Args:
        incidents: by time.
        sources: of metrics. A file's incidents are those of the source of its name, with its ending or without.
        horizon: seconds.
        seed: of what is drawn.
    """

    def __init__(self, incidents: Sequence[Incident], sources: Collection[str], horizon: float, seed: int = 0) -> None:
        self._horizon, self._piece = int(horizon * 1e9), int(PIECE * horizon * 1e9)
        self._seed = seed
        by_source: dict[str, list[Incident]] = {}
        for one in incidents:
            by_source.setdefault(one.source, []).append(one)
        named = {name: by_source.get(name) or by_source.get(without_ending(name)) or [] for name in sources}
        self._of = {name: (mine, [*accumulate((one.over for one in mine), max)]) for name, mine in named.items()}
        every = sorted({one for mine in named.values() for one in mine}, key=lambda one: one.found)
        self.matched = len(every)
        self._since = max((one.over for one in every[:-MOST]), default=0)  # what was before it teaches no more
        self._ends = _stretches(every, self._piece)
        self._before: list[LabelledWindow] = []
        self._quiet: dict[str, list[LabelledWindow]] = {}  # by piece
        self._room = QUIET * min(self.matched, MOST)
        self._bar = ""  # with no more room: the hash from which on a piece is not drawn

    def see(self, window: MetricWindow) -> None:
        """A window of any source."""
        mine, over = self._of.get(window.source, ([], []))
        end, after = window.end, bisect_left(mine, window.end, key=lambda one: one.found)
        stretch = bisect_left(self._ends, end)
        begun = self._ends[stretch - 1] if stretch else self._since
        if not self.matched or window.start < max(begun, self._since) or (after and over[after - 1] > window.start):
            return
        if after < len(mine) and mine[after].found - end <= self._piece:
            lead, name = mine[after].found - end, f"{window.source} before {mine[after].id}"
            failing = lead <= self._horizon
            self._before.append(LabelledWindow(window, failing, name, str(stretch), FAULT, lead / 1e9))
            return
        piece = f"{window.source} in {stretch} at {end // self._piece}"
        if self._drawn(piece):
            self._quiet.setdefault(piece, []).append(LabelledWindow(window, False, piece, str(stretch)))

    def _drawn(self, piece: str) -> bool:
        """Whether it is among those with the least hashes so far."""
        if piece in self._quiet:
            return True
        if self._bar and self._rank(piece) >= self._bar:
            return False
        if len(self._quiet) >= self._room:
            del self._quiet[max(self._quiet, key=self._rank)]
        if len(self._quiet) + 1 >= self._room:
            self._bar = max(map(self._rank, [*self._quiet, piece]))
        return True

    def _rank(self, piece: str) -> str:
        return hashlib.sha256(f"{self._seed} {piece}".encode()).hexdigest()

    def labelled(self) -> list[LabelledWindow]:
        """Those that teach, of the commonest step.

        Raises:
            DataError: they are too few.
        """
        taken = [*self._before, *(one for piece in self._quiet.values() for one in piece)]
        step = Counter(one.window.step for one in taken).most_common(1)[0][0] if taken else 0
        taken = [one for one in taken if one.window.step == step]
        failing = [one for one in taken if one.failing]
        incidents, stretches = ({getattr(one, key) for one in failing} for key in ("deployment", "group"))
        quiet = {one.deployment for one in taken if not one.fault}
        if len(incidents) < LEAST or len(stretches) < STRETCHES or len(quiet) < LEAST:
            raise DataError(
                f"{len(incidents)} incidents of logs, in {len(stretches)} stretches of time, and {len(quiet)} pieces "
                f"of quiet time have metrics: training needs {LEAST}, in {STRETCHES}, and {LEAST}",
                f"a piece is {self._piece / 1e9:g} s long; take more history, or --labels of deployments",
            )
        return taken


def without_ending(name: str) -> str:
    """Of a file's name: `web-1.csv` is of `web-1`."""
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def _stretches(incidents: Sequence[Incident], apart: int) -> list[int]:
    """Ends of the stretches of time: where an incident is over and no other one comes for `apart` ns."""
    ends: list[int] = []
    for one in incidents:
        if ends and one.found <= ends[-1] + apart:
            ends[-1] = max(ends[-1], one.over)
        else:
            ends.append(one.over)
    return ends
