"""Points and what was scored of them, gathered into the closed steps of their sources: what is judged.

A step of a source is closed as soon as it has as many points as the step before it had, or when a point of a later
step of the same length comes, or the source's watermark has passed it; so batches do not matter. Points that come
after that are steps of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.samples import Points
from logwatch.types import Bool, Float32, Float64, Int32, Int64

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
    late: Bool | None = None  # [m] its point came when the step of its time was closed; None: none did

    def __len__(self) -> int:
        return len(self.begin)

    @staticmethod
    def joined(first: ClosedSteps, then: ClosedSteps) -> ClosedSteps:
        """One after the other."""
        if not len(first) or not len(then):
            return first if len(first) else then
        shift = len(first.scores)
        begin, end = np.append(first.begin, then.begin + shift), np.append(first.end, then.end + shift)
        late = np.append(*(np.zeros(len(one), np.bool_) if one.late is None else one.late for one in (first, then)))
        return ClosedSteps(Scores.joined([first.scores, then.scores]), begin, end, late)

    def part(self, rows: slice) -> ClosedSteps:
        """Some of the steps."""
        late = None if self.late is None else self.late[rows]
        return ClosedSteps(self.scores, self.begin[rows], self.end[rows], late)

    def top(self) -> Int64:
        """Row of the point [m] with the most to say in its step; the first of equals."""
        if not len(self):
            return np.zeros(0, np.int64)
        said = np.nan_to_num(self.scores.together, nan=-1.0)
        most = np.maximum.reduceat(said, self.begin)
        rows = np.flatnonzero(said == np.repeat(most, self.end - self.begin))
        first: Int64 = rows[np.searchsorted(rows, self.begin)]
        return first


class _Closed(NamedTuple):
    """A step."""

    at: int  # row of the point that closed it
    rows: Int64  # of its points
    late: bool = False


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

    def take(self, time: int, rows: Int64, closed: list[_Closed]) -> None:
        """A run of points of one time; adds the steps that they close."""
        if time > self.time:
            if self.is_open:
                closed.append(_Closed(int(rows[0]), np.concatenate(self.rows)))
            self.time, self.size, self.expect, self.rows, self.is_open = time, 0, self.size, [], True
        elif time < self.time or not self.is_open:
            self.size += len(rows) if time == self.time else 0
            closed += [_Closed(row, np.array([row]), late=True) for row in rows.tolist()]
            return
        missing = self.expect - self.size if self.expect > self.size else len(rows)
        self.rows.append(rows[:missing])
        self.size += len(self.rows[-1])
        if self.size == self.expect:
            closed.append(_Closed(int(self.rows[-1][-1]), np.concatenate(self.rows)))
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
        closed: list[_Closed] = []
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
        closed.sort(key=lambda one: one.at)
        return _steps(whole, closed)

    def _with_held(self, scores: Scores) -> tuple[Scores, dict[tuple[int, int], _Newest]]:
        """The points of open steps, and n more after them; and what is known of their sources and lengths."""
        source, step = scores.points.source, scores.points.step
        fresh = np.append(True, (source[1:] != source[:-1]) | (step[1:] != step[:-1]))
        pairs = sorted(set(zip(source[fresh].tolist(), step[fresh].tolist(), strict=True)))
        of = {pair: self._newest.setdefault(pair, _Newest()) for pair in pairs}
        held = []
        for newest in of.values():
            if newest.held is not None:
                held.append(newest.held)
                newest.size -= len(newest.held)
        return Scores.joined([*held, scores]), of

    def close(self, source: Int32, watermark: Int64) -> ClosedSteps:
        """Steps of sources [s] that end at their watermarks [s], ns, or before."""
        marks = dict(zip(source.tolist(), watermark.tolist(), strict=True))
        return self._close(key for key, one in self._newest.items() if key[0] in marks and one.time <= marks[key[0]])

    def close_of(self, slots: Int32) -> ClosedSteps:
        """Steps with points of series in these slots [m], which are about to be others'."""
        held = ((key, one.held) for key, one in self._newest.items())
        return self._close(key for key, one in held if one is not None and np.isin(one.points.slot, slots).any())

    def _close(self, keys: Iterable[tuple[int, int]]) -> ClosedSteps:
        parts = []
        for key in sorted(keys):
            newest = self._newest[key]
            if newest.held is not None:
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


def _steps(scores: Scores, closed: list[_Closed]) -> ClosedSteps:
    if not closed:
        return ClosedSteps(scores.take(_NONE), _NONE, _NONE)
    end = np.cumsum([len(one.rows) for one in closed])
    late = np.array([one.late for one in closed])
    return ClosedSteps(scores.take(np.concatenate([one.rows for one in closed])), np.append(0, end[:-1]), end, late)


_NONE: Int64 = np.zeros(0, np.int64)
