"""The stages between the records of metrics and what is judged: samples → points → scores → closed steps → units.

One unit a closed step: a source is judged by the series that has the most to say, and by how its metrics move
together. What single detectors say of that series is shown; its own, combined voice and the source's vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from logwatch.api import Clock
from logwatch.cells import pack, unpack
from logwatch.decide.judge import Judge
from logwatch.parse.formats.read import Failed
from logwatch.parse.metrics.reader import MetricReader
from logwatch.parse.redact import Redactor
from logwatch.parse.sample_clock import SampleClock
from logwatch.samples import Points, Samples
from logwatch.score.calibration_votes import Votes
from logwatch.score.keys import KeyTable
from logwatch.score.series.closed_steps import ClosedSteps, Scores, StepGatherer
from logwatch.score.series.detectors.bank import NAMES, SeriesDetectors
from logwatch.score.series.passage import Where
from logwatch.score.series.pca import SourcePca
from logwatch.score.series.rounds import rounds
from logwatch.score.series.series import Series
from logwatch.types import NO_TIME, Bool, Cells, Float32, Float64, Int32, Int64, Kind, RecordBatch, UnitBatch

SERIES, PCA = len(NAMES), len(NAMES) + 1
DETECTORS = (*NAMES, "series", "pca")
"""Columns of the nats of METRIC units."""

ODD = 7.0
"""Nats from which on a further series of a step is named as unusual."""

CHUNKS = ((65_536, 1024), (4096, 256), (0, 64))
"""Units judged, and after how many more of them calibration learns from there on."""


@dataclass(slots=True)
class Judging:
    """m units to be judged, in order, and what they are of. It stands for events too: each unit passes its source's
    watermark, as a line does."""

    first: int  # number of the first unit in the whole run
    units: UnitBatch
    source: Int32  # [m]
    watermark: Int64  # [m] the latest step of the source so far, ns
    steps: ClosedSteps
    top: Int64  # [m] row of the steps' scores: the series that a unit is about
    others: Int64  # [m] further series that are unusual
    movers: Int32  # [m, k] series that stopped moving with the others, the first one most; -1: none
    ends: bool  # calibration learns after them

    def __len__(self) -> int:
        return len(self.units)


class MetricVotes(Votes):
    """The series' own voice and the source's decide; a decision bears the name of the detector that says most."""

    def __init__(self) -> None:
        super().__init__(DETECTORS, (("series",), ("pca",)), frozenset(NAMES))

    def top(self, nats: Float32) -> int:
        """See `Votes.top`."""
        said = np.nan_to_num(nats, nan=-1.0)
        own = int(said[: len(NAMES)].argmax())
        if max(said[own], said[PCA]) <= 0:
            return super().top(nats)
        return own if said[own] >= said[PCA] else PCA


class MetricStages:
    """Everything for the metrics of one lane, but incidents.

    Args:
        reader: records → samples.
        table: rows of the series, with the columns of `Series` and `SeriesDetectors`.
        series: samples → points.
        judge: over `DETECTORS`.
        finished: the input are finished files: see `logwatch.parse.clock`.
        clock: wall time, for times ahead of it.
        redact: rules, for what is kept of records that failed.
    """

    def __init__(
        self, reader: MetricReader, table: KeyTable, series: Series, judge: Judge, finished: bool, clock: Clock,
        redact: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._redactor = Redactor(redact)
        self.table, self.series, self.judge = table, series, judge
        self.failed: list[Failed] = []  # of the latest batch
        self._reader, self._clock, self._finished = reader, clock, finished
        self._clocks = SampleClock(finished)
        self._detectors, self._steps, self._pca = SeriesDetectors(table), StepGatherer(), SourcePca()
        self._latest: Int64 = np.zeros(0, np.int64)  # by source: its latest judged step, ns
        self._judged = 0  # units so far, over all runs
        self._pending: list[tuple[UnitBatch, Bool]] = []
        self._changed = False

    def counts(self) -> dict[int, int]:
        """Series in memory, by source."""
        sources = self.table.rows["source"][self.table.in_use()]
        numbers, counts = np.unique(sources, return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    def cells(self) -> dict[str, Cells]:
        """What is saved, by component."""
        return {
            "metrics/reader": self._reader,
            "metrics/clocks": self._clocks,
            "metrics/keys": self.table,
            "metrics/series": self.series,
            "metrics/steps": self._steps,
            "metrics/pca": self._pca,
            "metrics/judge": self.judge,
            "metrics/units": self,
        }

    def steps(self, records: RecordBatch, source: Int32, stream: Int32) -> ClosedSteps:
        """Steps that n records close; `failed` then says which records are no metrics."""
        read = self._reader.read(records)
        self.failed = read.failed
        samples, high = self._timed(read.samples, source)
        where = Where(source, stream, records.start, records.end)
        return self._steps.add(self._scored(self.series.points(samples, high, where)))

    def texts(self, records: RecordBatch) -> list[str]:
        """Redacted texts of the failed records, empty ones for the others [n]."""
        texts = [""] * len(records)
        for row in {failed.row for failed in self.failed}:
            texts[row] = records.lines[row].decode("utf-8", "replace")
        touched, rules = self._redactor.rows(texts, "\n".join(texts).lower())
        redacted = self._redactor.apply([texts[row] for row in touched.tolist()], rules)
        for row, text in zip(touched.tolist(), redacted, strict=True):
            texts[row] = text
        return texts

    def _timed(self, samples: Samples, source: Int32) -> tuple[Samples, Int64]:
        """Samples with their times, and the running maxima [k] of their sources' [rows]. What a live stream brings
        without any time is of now."""
        now = self._clock.now()
        samples, high = self._clocks.trusted(samples, source, now)
        if self._finished or not (high == NO_TIME).any():
            return samples, high
        time = np.where(samples.time == NO_TIME, now, samples.time)
        return replace(samples, time=time), np.where(high == NO_TIME, now, high)

    def idle(self, source: Int32, watermark: Int64) -> ClosedSteps:
        """Steps that close because the watermarks of sources [s] rise without a record, ns."""
        known = np.array([self.series.watermark(one) != NO_TIME for one in source.tolist()], np.bool_)
        if not known.any():
            return self._steps.close(source[:0], watermark[:0])
        made = self._steps.add(self._scored(self.series.close(source[known], watermark[known])))
        late = self._steps.close(source[known], watermark[known])
        if not len(made) or not len(late):
            return made if len(made) else late
        shift = len(made.scores)
        return ClosedSteps(
            Scores.joined([made.scores, late.scores]),
            np.append(made.begin, late.begin + shift), np.append(made.end, late.end + shift),
        )  # fmt: skip

    def _scored(self, points: Points) -> Scores:
        n = len(points)
        nats = np.full((n, len(NAMES)), np.nan, np.float32)
        together = np.full(n, np.nan, np.float32)
        low, high = np.full(n, np.nan), np.full(n, np.nan)
        for rows in rounds(points):
            said = self._detectors.score(points.take(rows))
            nats[rows], together[rows], low[rows], high[rows] = said.nats, said.news, said.low, said.high
        return Scores(points, nats, together, low, high)

    def judging(self, steps: ClosedSteps) -> Iterator[Judging]:
        """The units of steps, in pieces after which calibration may learn. Call `learn` with each before the next."""
        together = self._pca.score_closed(steps)
        nats, top, others = self._nats(steps, together.nats), steps.top(), self._others(steps)
        points = steps.scores.points
        source, time = points.source[top], points.time[top]
        watermark = self._passing(source, time)
        at = 0
        while at < len(steps):
            size = next(size for judged, size in CHUNKS if self._judged >= judged)
            end = min(len(steps), at + size - self._judged % size)
            rows = slice(at, end)
            of = top[rows]
            number = self._judged + np.arange(end - at)
            units = UnitBatch(
                np.full(end - at, Kind.METRIC, np.uint8), np.ones(end - at, np.bool_), source[rows], points.stream[of],
                points.slot[of], number, np.arange(end - at, dtype=np.int32), time[rows] - points.step[of], time[rows],
                points.start[of], points.end[of], nats[rows], DETECTORS,
            )  # fmt: skip
            self._judged += end - at
            part = ClosedSteps(steps.scores, steps.begin[rows], steps.end[rows])
            ends = self._judged % size == 0
            yield Judging(
                int(number[0]),
                units,
                source[rows],
                watermark[rows],
                part,
                of,
                others[rows],
                together.drivers[rows],
                ends,
            )
            at = end
        self._changed |= len(steps) > 0

    def learn(self, judging: Judging, crossed: Bool) -> None:
        """What was judged, and which of it [m] crossed."""
        self._pending.append((judging.units, crossed))
        if judging.ends:
            self.judge.learn(*_joined(self._pending))
            self._pending = []
            self._pca.release(self.series.evict())
            self._pca.bound()

    @staticmethod
    def _nats(steps: ClosedSteps, together: Float64) -> Float32:
        """Of the most surprising series of each step, and of the step as a whole [m, DETECTORS]."""
        nats = np.full((len(steps), len(DETECTORS)), np.nan, np.float32)
        if len(steps):
            top = steps.top()
            nats[:, : len(NAMES)] = steps.scores.nats[top]
            nats[:, SERIES] = steps.scores.together[top]
            nats[:, PCA] = together
        return nats

    @staticmethod
    def _others(steps: ClosedSteps) -> Int64:
        """Series [m] beside the first that are unusual in the same step."""
        if not len(steps):
            return np.zeros(0, np.int64)
        odd = np.add.reduceat((np.nan_to_num(steps.scores.together) >= ODD).astype(np.int64), steps.begin)
        others: Int64 = np.maximum(odd - 1, 0)
        return others

    def _passing(self, source: Int32, time: Int64) -> Int64:
        """The latest step so far of each unit's source [m]."""
        more = int(source.max(initial=-1)) + 1 - len(self._latest)
        if more > 0:
            self._latest = np.append(self._latest, np.full(more, NO_TIME))
        out = np.empty(len(time), np.int64)
        for number in np.unique(source).tolist():
            mine = np.flatnonzero(source == number)
            out[mine] = np.maximum(np.maximum.accumulate(time[mine]), self._latest[number])
            self._latest[number] = out[mine[-1]]
        return out

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """The clock of units, and those that calibration has yet to learn."""
        if self._changed:
            self._changed = False
            yield "units", _packed(self._latest, self._pending, self._judged)

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "units" in cells:
            arrays, facts = unpack(cells["units"])
            self._judged, self._latest = facts["judged"], arrays["latest"].copy()
            if "crossed" in arrays:
                fields = {name: arrays[name].copy() for name in _UNIT}
                self._pending = [(UnitBatch(**fields, detectors=DETECTORS), arrays["crossed"].copy())]


_UNIT = ("kind", "final", "source", "stream", "slot", "at", "row", "first", "last", "start", "end", "nats")


def _joined(parts: list[tuple[UnitBatch, Bool]]) -> tuple[UnitBatch, Bool]:
    """One after the other: what is learned must not depend on the batches."""
    fields = {name: np.concatenate([getattr(units, name) for units, _ in parts]) for name in _UNIT}
    return UnitBatch(**fields, detectors=DETECTORS), np.concatenate([crossed for _, crossed in parts])


def _packed(latest: Int64, pending: list[tuple[UnitBatch, Bool]], judged: int) -> bytes:
    arrays = {"latest": latest}
    if pending:
        units, crossed = _joined(pending)
        arrays |= {name: getattr(units, name) for name in _UNIT} | {"crossed": crossed}
    return pack(arrays, judged=judged)
