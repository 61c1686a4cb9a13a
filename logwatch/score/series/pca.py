"""Gated online principal components of each source's metrics: do they still move together as they used to?

Values are judged before they are learned. The model of a source changes only at every `BLOCK`-th of its steps, its axes
and tail at every `RENEW`-th block: counts of its own stream, whatever came in one call. Steps rarer than the gate do
not change what is normal; what lasts longer than the gate's share of the recent steps becomes normal.

What moves all metrics along the axes, as a day's load does, is no news here: each series' own detectors see it.
Metrics of another length of step are a model of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from logwatch.errors import StateCorrupt
from logwatch.samples import Points
from logwatch.score.series.closed_steps import ClosedSteps
from logwatch.score.series.pca_model import Recipe
from logwatch.score.series.pca_source import PcaScores, PcaSource, no_scores
from logwatch.telemetry import DROPPED
from logwatch.types import Float64, Int32, Int64

MOST_METRICS = 256
ROOM = 1 << 23
"""Numbers in the covariances of all sources together (64 MiB): 2,000 sources of 64 metrics, or 128 of 256."""

STEPS, MODEL = "steps", "model"

_Key = tuple[int, int]  # source and length of step


class SourcePca:
    """Scores closed steps of sources; high means that a source's metrics stopped moving together.

    Args:
        recipe: the choices of the model.
        most_metrics: metrics of one source at most, a multiple of 16; samples of others are counted as dropped.
        room: numbers in all covariances; beyond it, the sources that were silent for longest begin anew.
    """

    def __init__(self, recipe: Recipe | None = None, most_metrics: int = MOST_METRICS, room: int = ROOM) -> None:
        self.recipe = recipe or Recipe()
        self.most_metrics, self.room = most_metrics, room
        self._sources: dict[_Key, PcaSource] = {}
        self._used: dict[_Key, int] = {}  # number of the step at which each was last used
        self._step = 0  # steps of all sources so far
        self._dirty: set[_Key] = set()
        self._saved: set[_Key] = set()
        self._gone: set[_Key] = set()  # whose cells are to be deleted

    def score_closed(self, closed: ClosedSteps) -> PcaScores:
        """Judge m closed steps of any sources, in the order in which they closed, then learn them. Of points that came
        too late for their step there is no opinion: one metric says nothing of how all move together."""
        scores = no_scores(len(closed))
        first = self._step
        among = np.arange(len(closed)) if closed.late is None else np.flatnonzero(~closed.late)
        for key, rows, slots, values in _runs(closed, among):
            part = self.score(*key, slots, values)
            scores.nats[rows], scores.drivers[rows], scores.shares[rows] = part
            self._used[key] = first + int(rows[-1]) + 1
        self._step = first + len(closed)
        return scores

    def score(self, source: int, step: int, slots: Int32, values: Float64) -> PcaScores:
        """Judge k closed steps of a source, in the order of time, then learn them.

        Args:
            source: number of the source.
            step: length of its steps, ns.
            slots: [m] of its metrics, all different.
            values: [k, m] finite; NaN where a metric has no value in a step.
        """
        key = source, step
        if key not in self._sources:
            self._sources[key] = PcaSource(self.recipe, self.most_metrics)
        self._step += len(values)
        self._used[key] = self._step
        self._dirty.add(key)
        return self._sources[key].score(slots, values)

    def bound(self) -> None:
        """Forget sources beyond the room; at a chunk's end, so that batches do not matter."""
        filled = sum(state.size for state in self._sources.values())
        for key in sorted(self._sources, key=lambda key: (self._used[key], key)):
            if filled <= self.room:
                return
            filled -= self._sources.pop(key).size
            del self._used[key]
            self._dirty.discard(key)
            self._gone.add(key)
            DROPPED.inc(reason="pca_sources")

    def release(self, slots: Int32) -> None:
        """Slots [m] belong to other series from now on, or to none; at a chunk's end."""
        for key, state in self._sources.items():
            if state.release(slots):
                self._dirty.add(key)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Two cells a source: its newest steps, and its model, which changes once a block."""
        for key in sorted((self._gone & self._saved) - set(self._sources)):
            yield _cell(key, STEPS), None
            yield _cell(key, MODEL), None
        for key in sorted(self._dirty):
            state = self._sources[key]
            yield _cell(key, STEPS), state.steps_cell(self._used[key])
            if state.unsaved_model:
                yield _cell(key, MODEL), state.model_cell()
        self._saved = (self._saved - self._gone) | self._dirty
        self._gone, self._dirty = set(), set()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Rebuild the whole state from all cells; called once, on a fresh object. Raises StateCorrupt."""
        for name in sorted(cells):
            source, step, part = name.split("/")
            if part == STEPS:
                key = int(source, 16), int(step, 16)
                state = self._sources[key] = PcaSource(self.recipe, self.most_metrics)
                try:
                    self._used[key] = state.restore(cells[name], cells[_cell(key, MODEL)])
                except (KeyError, ValueError) as error:
                    raise StateCorrupt(f"the state cells {name} and its model do not fit together") from error
        self._step = max(self._used.values(), default=0)
        self._saved = set(self._sources)


def _cell(key: _Key, part: str) -> str:
    return f"{key[0]:x}/{key[1]:x}/{part}"


def _runs(closed: ClosedSteps, among: Int64) -> Iterator[tuple[_Key, Int64, Int32, Float64]]:
    """Steps of one source and with the same metrics that follow each other: rows [k], slots [m], values [k, m].

    Args:
        among: rows of the steps that count.
    """
    points: Points = closed.scores.points
    begin = closed.begin[among]
    heads = np.stack([points.source[begin].astype(np.int64), points.step[begin]], axis=1)
    keys, of = np.unique(heads, axis=0, return_inverse=True)
    for which, (source, step) in enumerate(keys.tolist()):
        rows = among[of.reshape(-1) == which]
        spans = [slice(a, b) for a, b in zip(closed.begin[rows].tolist(), closed.end[rows].tolist(), strict=True)]
        cuts = [0]
        for at in range(1, len(rows)):
            if not np.array_equal(points.slot[spans[at]], points.slot[spans[at - 1]]):
                cuts.append(at)
        for a, b in zip(cuts, [*cuts[1:], len(rows)], strict=True):
            values = np.stack([points.value[span] for span in spans[a:b]])
            yield (source, step), rows[a:b], points.slot[spans[a]], values
