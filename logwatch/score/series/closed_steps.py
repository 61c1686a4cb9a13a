"""Points and what was scored of them, gathered into the closed steps of their sources: what is judged.

A step of a source is closed as soon as it has as many points as the step before it had, or when a point of a later
step of the same length comes, or the source's watermark has passed it; so batches do not matter. Points that come
after that are steps of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.samples import Points
from logwatch.types import Float32, Float64, Int32, Int64

_REST = ("nats", "together", "low", "high")


@dataclass(slots=True)
class Scores:
    """n points with what was scored of them."""

    points: Points
    nats: Float32  # [n, D] per detector; NaN without an opinion
    together: Float32  # [n] what the detectors of a series say together; NaN: nothing yet
    low: Float64  # [n] of the expected band; NaN: not known
    high: Float64  # [n]

    def __len__(self) -> int:
        return len(self.together)

    def take(self, rows: Int64) -> Scores:
        """Some of them."""
        return Scores(self.points.take(rows), *(getattr(self, name)[rows] for name in _REST))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        points = {one.name: getattr(self.points, one.name) for one in fields(Points)}
        return points | {name: getattr(self, name) for name in _REST}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> Scores:
        """Back from `arrays`."""
        points = Points(*(arrays[one.name] for one in fields(Points)))
        return Scores(points, *(arrays[name] for name in _REST))

    @staticmethod
    def joined(parts: Sequence[Scores]) -> Scores:
        """One after the other; at least one."""
        if len(parts) == 1:
            return parts[0]
        points = Points(*(np.concatenate([getattr(one.points, f.name) for one in parts]) for f in fields(Points)))
        return Scores(points, *(np.concatenate([getattr(one, name) for one in parts]) for name in _REST))


@dataclass(slots=True)
class ClosedSteps:
    """m steps in the order in which they closed; step i has the points `begin[i]` to `end[i]` of `scores`."""

    scores: Scores
    begin: Int64  # [m]
    end: Int64  # [m]

    def __len__(self) -> int:
        return len(self.begin)

    def top(self) -> Int64:
        """Row of the point [m] with the most to say in its step; the first of equals."""
        if not len(self):
            return np.zeros(0, np.int64)
        said = np.nan_to_num(self.scores.together, nan=-1.0)
        most = np.maximum.reduceat(said, self.begin)
        rows = np.flatnonzero(said == np.repeat(most, self.end - self.begin))
        first: Int64 = rows[np.searchsorted(rows, self.begin)]
        return first


class _Newest:
    """The newest step of a source and length."""

    __slots__ = ("expect", "held", "is_open", "rows", "size", "time")

    def __init__(self, time: int = 0, size: int = 0, expect: int = 0, held: Scores | None = None) -> None:
        self.time = time  # ns; 0: none so far
        self.size = size  # points so far, with those that came after it was closed
        self.expect = expect  # points of the step before; 0: not known
        self.is_open = held is not None
        self.held = held  # its points, between batches
        self.rows: list[Int64] = []  # of them, while a batch is gathered

    def take(self, time: int, rows: Int64, closed: list[Int64]) -> None:
        """A run of points of one time; steps that they close are added as rows, the closing point's last."""
        if time > self.time:
            if self.is_open:
                closed.append(np.append(np.concatenate(self.rows), rows[0]))
            self.time, self.size, self.expect, self.rows, self.is_open = time, 0, self.size, [], True
        elif time < self.time or not self.is_open:
            self.size += len(rows) if time == self.time else 0
            closed += [np.array([row, row]) for row in rows.tolist()]
            return
        missing = self.expect - self.size if self.expect > self.size else len(rows)
        self.rows.append(rows[:missing])
        self.size += len(self.rows[-1])
        if self.size == self.expect:
            closed.append(np.append(np.concatenate(self.rows), self.rows[-1][-1]))
            self.rows, self.is_open = [], False
            if missing < len(rows):
                self.take(time, rows[missing:], closed)


class StepGatherer:
    """Holds the newest step of each source and length of step."""

    def __init__(self) -> None:
        self._newest: dict[tuple[int, int], _Newest] = {}
        self._dirty: set[tuple[int, int]] = set()

    def add(self, scores: Scores) -> ClosedSteps:
        """Steps that n points close, in the order of the points that close them."""
        if not len(scores):
            return ClosedSteps(scores, _NONE, _NONE)
        whole, of = self._with_held(scores)
        closed: list[Int64] = []
        order = np.lexsort((np.arange(len(whole)), whole.points.step, whole.points.source))
        source, step, time = (getattr(whole.points, name)[order] for name in ("source", "step", "time"))
        other = (source[1:] != source[:-1]) | (step[1:] != step[:-1])
        begin = np.flatnonzero(np.append(True, other | (time[1:] != time[:-1])))
        for run, rows in zip(begin.tolist(), np.split(order, begin[1:]), strict=True):
            of[int(source[run]), int(step[run])].take(int(time[run]), rows, closed)
        for key, newest in of.items():
            newest.held = whole.take(np.concatenate(newest.rows)) if newest.is_open else None
            newest.rows = []
            self._dirty.add(key)
        closed.sort(key=lambda rows: int(rows[-1]))
        return _steps(whole, [rows[:-1] for rows in closed])

    def _with_held(self, scores: Scores) -> tuple[Scores, dict[tuple[int, int], _Newest]]:
        """The points of open steps, and n more after them; and what is known of their sources and lengths."""
        pairs = np.unique(np.stack([scores.points.source.astype(np.int64), scores.points.step], axis=1), axis=0)
        of = {(source, step): self._newest.setdefault((source, step), _Newest()) for source, step in pairs.tolist()}
        held = []
        for newest in of.values():
            if newest.held is not None:
                held.append(newest.held)
                newest.size -= len(newest.held)
        return Scores.joined([*held, scores]), of

    def close(self, source: Int32, watermark: Int64) -> ClosedSteps:
        """Steps of sources [s] that end at their watermarks [s], ns, or before."""
        marks = dict(zip(source.tolist(), watermark.tolist(), strict=True))
        parts = []
        for key in sorted(key for key in self._newest if key[0] in marks):
            newest = self._newest[key]
            if newest.held is not None and newest.time <= marks[key[0]]:
                parts.append(newest.held)
                newest.held, newest.is_open = None, False
                self._dirty.add(key)
        if not parts:
            return ClosedSteps(_nothing(), _NONE, _NONE)
        ends = np.cumsum([len(one) for one in parts])
        return ClosedSteps(Scores.joined(parts), np.append(0, ends[:-1]), ends)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell for each source and length."""
        for key in sorted(self._dirty):
            newest = self._newest[key]
            arrays = {} if newest.held is None else newest.held.arrays()
            facts = {"time": newest.time, "size": newest.size, "expect": newest.expect}
            yield f"{key[0]:x}/{key[1]:x}", pack(arrays, **facts)
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        for name, cell in cells.items():
            source, step = (int(part, 16) for part in name.split("/"))
            arrays, facts = unpack(cell)
            held = Scores.of({name: array.copy() for name, array in arrays.items()}) if arrays else None
            self._newest[source, step] = _Newest(facts["time"], facts["size"], facts["expect"], held)


def _nothing() -> Scores:
    none32, none64 = np.zeros(0, np.int32), np.zeros(0)
    points = Points(none32, none32, none32, _NONE, _NONE, none64, _NONE, _NONE)
    return Scores(points, np.zeros((0, 0), np.float32), np.zeros(0, np.float32), none64, none64)


def _steps(scores: Scores, rows: list[Int64]) -> ClosedSteps:
    if not rows:
        return ClosedSteps(scores.take(_NONE), _NONE, _NONE)
    end = np.cumsum([len(one) for one in rows])
    return ClosedSteps(scores.take(np.concatenate(rows)), np.append(0, end[:-1]), end)


_NONE: Int64 = np.zeros(0, np.int64)
