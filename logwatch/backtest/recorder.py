"""Listens to a replay: what each voice said and when it crossed, over time and of each labelled case.

A voice is what decides (`whole`), the same without the LSTM (`without`), or one detector alone; each has thresholds of
its own at the same budget (see `logwatch.score.voices`). Nothing here looks at a label: they only name the cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from logwatch.backtest.cases import Cases, EntityCases, LineCases
from logwatch.backtest.labels import Labels
from logwatch.backtest.news import VisitNews
from logwatch.backtest.timeline import SECOND, Timeline
from logwatch.decide.judge import SCORE_MOST, Judged
from logwatch.decide.verdict import Masks
from logwatch.metric_rows import Measured
from logwatch.rows import Scored
from logwatch.score.calibration_votes import SHOWN, VOTES, Votes
from logwatch.stages import Stages
from logwatch.types import NO_TIME, Bool, EventBatch, Float32, Int64, Kind, UnitBatch

Listener = Callable[[UnitBatch, Int64, Masks, Masks], None]

WHOLE, WITHOUT = 0, 1
"""Voices: what decides, and the same without the LSTM."""

PER_DECADE = 8
"""Bins of probabilities."""


@dataclass(frozen=True, slots=True)
class Crossings:
    """When voices crossed, n times."""

    source: Int64  # [n]
    time: Int64  # [n] ns
    mask: Masks  # [n] bits of the voices

    def of(self, voice: int) -> tuple[Int64, Int64]:
        """Sources and times of one voice's."""
        mine = (self.mask >> np.uint64(voice)) & np.uint64(1) == 1
        return self.source[mine], self.time[mine]


class Recorder:
    """Listens to the pipeline of a replay, from its first record on.

    Args:
        stages: of that pipeline.
        labels: None: there are none.
        starts: position of each physical line of a source's one file, where labels are of lines.
    """

    def __init__(self, stages: Stages, labels: Labels | None = None, starts: Mapping[str, Int64] | None = None) -> None:
        lines, metrics = stages.judge.verdict, stages.metrics.judge.verdict
        of_lines, of_metrics = (() if one is None else one.names for one in (lines, metrics))
        self.voices = tuple(dict.fromkeys((*of_lines, *of_metrics)))
        self.timeline = Timeline(len(self.voices) + 1)  # the last column: −log10 of what was judged
        self.calibration = np.zeros((len(Kind), int(SCORE_MOST) * PER_DECADE + 1), np.int64)
        """[kinds, bins] of complete units by the decades of their p, since there was one."""
        self._stages = stages
        self._news = VisitNews(len(self.voices))
        self._without = Votes(of_lines[2:], tuple(group for group in VOTES if group != ("lstm",)), SHOWN | {"lstm"})
        self._crossings: list[Crossings] = []
        self._entities = EntityCases(labels.entities, len(self.voices)) if labels and labels.entities else None
        self._lines = LineCases(labels.lines, starts or {}, len(self.voices)) if labels and labels.lines else None
        self._line_of: dict[int, list[tuple[int, int]]] = {}  # number of an event → its key and cases, in this chunk
        for verdict, places in ((lines, self._places(of_lines)), (metrics, self._places(of_metrics))):
            if verdict is not None:
                verdict.on_crossed = _mapped(places, self._cross)

    def _places(self, names: Sequence[str]) -> Int64:
        return np.array([self.voices.index(name) for name in names], np.int64)

    @property
    def cases(self) -> Cases | None:
        """Labelled entities or lines."""
        found = self._entities or self._lines
        return found.cases if found else None

    @property
    def crossings(self) -> Crossings:
        """All of them, so far."""
        none = Crossings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64))
        parts = [none, *self._crossings]
        return Crossings(*(np.concatenate([getattr(part, name) for part in parts]) for name in Crossings.__slots__))

    def scored(self, scored: Scored) -> None:
        """A judged sub-batch of lines."""
        units = scored.units
        if not len(units):
            return
        judged = self._stages.judge.judge(units)
        said = np.full((len(units), len(self.voices)), np.nan, np.float32)
        said[:, WHOLE], said[:, WITHOUT] = judged.nats, self._without.combine(units.nats, units.kind)
        said[:, self._places(units.detectors)] = units.nats
        lines = (units.kind == Kind.EVENT) | (~units.final & (units.kind == Kind.VISIT))
        self._count(units, judged)
        self._see(scored.events, units, said)
        visits = np.flatnonzero(units.kind == Kind.VISIT)
        news = said.copy()
        if len(visits):
            news[visits] = self._news.of(units.slot[visits], units.start[visits], said[visits])
        self._spoken(units, news, judged, lines)

    def measured(self, measured: Measured) -> None:
        """Judged steps of metrics."""
        units = measured.judging.units
        judged = measured.judge(units)
        said = np.full((len(units), len(self.voices)), np.nan, np.float32)
        said[:, WHOLE] = said[:, WITHOUT] = judged.nats
        said[:, self._places(units.detectors)] = units.nats
        self._count(units, judged)
        self._spoken(units, said, judged, units.kind == Kind.METRIC)

    def _count(self, units: UnitBatch, judged: Judged) -> None:
        told = np.flatnonzero(units.final & ~np.isnan(judged.score))
        bins = np.minimum((judged.score[told] * PER_DECADE).astype(np.int64), self.calibration.shape[1] - 1)
        np.add.at(self.calibration, (units.kind[told], bins), 1)

    def _spoken(self, units: UnitBatch, said: Float32, judged: Judged, lines: Bool) -> None:
        decided = units.final & np.isin(units.kind, (Kind.EVENT, Kind.VISIT, Kind.METRIC)) & ~np.isnan(judged.p)
        counts = np.stack([lines, decided, decided & judged.crossing], axis=1).astype(np.int64)
        score = judged.score[:, None].astype(np.float32)
        self.timeline.add(units.source.astype(np.int64), _times(units), np.hstack([said, score]), counts)

    def _see(self, events: EventBatch, units: UnitBatch, said: Float32) -> None:
        """What was said of labelled cases."""
        if self._lines is not None:
            self._see_lines(self._lines, events, units, said)
        if self._entities is None:
            return
        rows = np.flatnonzero(units.kind == Kind.VISIT)
        case = self._case_of(self._entities, units, rows)
        rows, case = rows[case >= 0], case[case >= 0]
        self._entities.cases.see(case, units.source[rows].astype(np.int64), _times(units)[rows])
        self._entities.cases.say(case, said[rows])

    def _case_of(self, entities: EntityCases, units: UnitBatch, rows: Int64) -> Int64:
        slots, back = np.unique(units.slot[rows], return_inverse=True)
        registry, keys = self._stages.registry, self._stages.keys
        found = [keys.key(slot) for slot in slots.tolist()]
        return entities.of([(registry.streams[stream].source, entity) for stream, entity in found])[back]

    def _see_lines(self, lines: LineCases, events: EventBatch, units: UnitBatch, said: Float32) -> None:
        of_event: dict[int, list[int]] = {}
        for source in np.unique(events.source).tolist():
            mine = np.flatnonzero(events.source == source)
            rows, case = lines.of(self._stages.registry.sources[source], events.start[mine], events.end[mine])
            lines.cases.see(case, np.full(len(case), source), _event_times(events)[mine[rows]])
            for row, number in zip(mine[rows].tolist(), case.tolist(), strict=True):
                of_event.setdefault(row, []).append(number)
        self._line_of |= {
            events.first + row: [(int(events.slot[row]), number) for number in numbers]
            for row, numbers in of_event.items()
        }
        own = np.flatnonzero((units.row >= 0) & (units.kind <= Kind.VISIT) & np.isin(units.row, list(of_event)))
        for unit in own.tolist():
            row = int(units.row[unit])
            if units.slot[unit] == events.slot[row]:
                numbers = np.array(of_event[row])
                lines.cases.say(numbers, np.repeat(said[unit : unit + 1], len(numbers), axis=0))

    def _cross(self, units: UnitBatch, rows: Int64, heard: Masks, told: Masks) -> None:
        """Voices crossed in rows [k] of a chunk's units, `told`: those who had not before in the same visit."""
        time, news = _times(units)[rows], told != 0
        self._crossings.append(_sparse(units.source[rows[news]].astype(np.int64), time[news], told[news]))
        if self._entities is not None:
            visits = units.kind[rows] == Kind.VISIT
            case = self._case_of(self._entities, units, rows[visits])
            known = case >= 0
            self._entities.cases.cross(case[known], time[visits][known], heard[visits][known])
        if self._lines is not None:
            self._cross_lines(self._lines, units, rows, time, heard)
            self._line_of.clear()

    def _cross_lines(self, lines: LineCases, units: UnitBatch, rows: Int64, time: Int64, heard: Masks) -> None:
        for at, row in enumerate(rows.tolist()):
            if units.kind[row] > Kind.VISIT:
                continue
            case = [case for slot, case in self._line_of.get(int(units.at[row]), ()) if slot == units.slot[row]]
            count = len(case)
            lines.cases.cross(np.array(case, np.int64), np.repeat(time[at], count), np.repeat(heard[at], count))


def _mapped(places: Int64, listener: Listener) -> Listener:
    """A listener whose bits are those of all voices, for a side whose voices have these places."""

    def moved(masks: Masks) -> Masks:
        out = np.zeros_like(masks)
        for bit, place in enumerate(places.tolist()):
            out |= ((masks >> np.uint64(bit)) & np.uint64(1)) << np.uint64(place)
        return out

    return lambda units, rows, heard, told: listener(units, rows, moved(heard), moved(told))


def _times(units: UnitBatch) -> Int64:
    """[m] ns; where there is none, events pass one a second."""
    return np.where(units.last == NO_TIME, units.at * SECOND, units.last)


def _event_times(events: EventBatch) -> Int64:
    numbers = events.first + np.arange(len(events), dtype=np.int64)
    return np.where(events.time == NO_TIME, numbers * SECOND, events.time)


def _sparse(source: Int64, time: Int64, mask: Masks) -> Crossings:
    """Without those that say in the same second what was said in it before."""
    key = np.stack([source, time // SECOND, mask.astype(np.int64)])
    _, first = np.unique(key, axis=1, return_index=True)
    return Crossings(source[first], time[first], mask[first])
