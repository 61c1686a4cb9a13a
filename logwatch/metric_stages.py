"""The stages between the records of metrics and what is judged: samples → points → scores → closed steps → units.

One unit a closed step: a source is judged by the series that has the most to say, and by how its metrics move
together. What single detectors say of that series is shown; its own, combined voice and the source's vote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from logwatch.api import Clock
from logwatch.cells import pack, unpack
from logwatch.decide.judge import Judge
from logwatch.metric_news import tell, turned
from logwatch.parse.formats.read import Failed
from logwatch.parse.metrics.reader import MetricReader
from logwatch.parse.redact import Redactor
from logwatch.parse.sample_clock import SampleClock
from logwatch.samples import Points, Samples
from logwatch.score.calibration_votes import Votes
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import BASE, KeyTable
from logwatch.score.series.closed_steps import ClosedSteps, Scores, StepGatherer
from logwatch.score.series.detectors.bank import NAMES, SeriesDetectors
from logwatch.score.series.expected_band import ExpectedBand
from logwatch.score.series.forecaster import Forecaster
from logwatch.score.series.passage import Where
from logwatch.score.series.pca import SourcePca
from logwatch.score.series.series import COLUMNS, Series
from logwatch.score.series.windows import Windows
from logwatch.spent import timed
from logwatch.types import NO_TIME, Bool, Cells, Float32, Float64, Int32, Int64, Kind, RecordBatch, UnitBatch

LSTM, SERIES, PCA = range(len(NAMES), len(NAMES) + 3)
DETECTORS = (*NAMES, "lstm", "series", "pca")
"""Columns of the nats of METRIC units."""

ODD = 7.0
"""Nats from which on a further series of a step is named as unusual."""

CHUNKS = ((65_536, 1024), (4096, 256), (0, 64))
"""Units judged, and after how many more of them calibration learns from there on."""

CHUNK = 16_384
"""Samples after which series are let go; what is read at once never crosses it, so that batches do not matter."""


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
    """The series' own voice and the source's decide; a decision bears the name of the detector that says most.

    Their sum: each is the logarithm of a probability, once the series' voice is held to their number (`of_many`). Over
    the five servers of `smd` VUS-PR is 0.60 (source alone 0.61, series alone 0.14), without `of_many` 0.38. The larger
    of both reaches 0.61, but loses half of what metrics find in our recordings; a running mean of the series' voice
    0.62, but leaves a tenth of a surprise of one step; the mean of the loudest five only 0.50, and the voice measured
    by its own past 0.41.
    """

    def __init__(self) -> None:
        super().__init__(DETECTORS, (("series",), ("pca",)), frozenset((*NAMES, "lstm")))

    def top(self, nats: Float32) -> int:
        """See `Votes.top`."""
        said = np.nan_to_num(nats, nan=-1.0)
        own = int(said[: len(NAMES)].argmax())
        if max(said[own], said[PCA]) <= 0:
            return super().top(nats)
        return own if said[own] >= said[PCA] else PCA


def of_many(nats: Float32, series: Int64) -> Float32:
    """Nats [n] ≥ 0 of the most surprising of so many series [n] ≥ 1: the largest of many is large by chance, and is as
    rare as its own surprise times their number (Bonferroni); they need not be independent."""
    least: Float32 = np.maximum(nats - np.log(series), 0).astype(np.float32)
    return least


class MetricStages:
    """Everything for the metrics of one lane, but incidents.

    Args:
        reader: records → samples.
        table: rows of the series, with the columns of `Series`, `SeriesDetectors`, `ExpectedBand` and `MetricLstm`.
        series: samples → points.
        judge: over `DETECTORS`.
        finished: the input are finished files: see `logwatch.parse.clock`.
        clock: wall time, for times ahead of it.
        windows: of closed steps, for heatmaps.
        redact: rules, for what is kept of records that failed.
        name_of: a source's, by its number.
        lstm: settings of the forecaster; None: there is none, and its columns may be missing.
        wanted: which sources [n] want it; None: all do.
    """

    def __init__(
        self, reader: MetricReader, table: KeyTable, series: Series, judge: Judge, finished: bool, clock: Clock,
        windows: Windows, redact: Sequence[str] = (), name_of: Callable[[int], str] = str,
        lstm: LstmConfig | None = None, wanted: Callable[[Int32], Bool] | None = None,
    ) -> None:  # fmt: skip
        self._redactor, self._name_of = Redactor(redact), name_of
        self.table, self.series, self.judge, self.windows = table, series, judge, windows
        self.failed: list[Failed] = []  # of the latest batch
        self._reader, self._clock, self._finished = reader, clock, finished
        self._clocks = SampleClock(finished)
        standing = {name for name, *_ in (*BASE, *COLUMNS)}
        self._learned = [name for name in table.dtype.names or () if name not in standing]
        self._detectors, self._steps, self._pca = SeriesDetectors(table), StepGatherer(), SourcePca()
        self.forecaster, self._band = Forecaster(table, lstm, wanted), ExpectedBand(table)
        self._latest: Int64 = np.zeros(0, np.int64)  # by source: its latest judged step, ns
        self._judged = 0  # units so far, over all runs
        self._seen = 0  # samples, likewise
        self._turning: list[tuple[int, int]] = []  # slots of series that are something else from some time on, ns
        self._turned: list[int] = []  # slots of those that began anew in this chunk
        self._pending: list[tuple[UnitBatch, Bool]] = []
        self._changed = False

    def close(self) -> None:
        """End what runs in the background."""
        self.forecaster.close()

    @property
    def judged(self) -> int:
        """Units so far, over all runs."""
        return self._judged

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
            "metrics/forecaster": self.forecaster,
            "metrics/windows": self.windows,
            "metrics/judge": self.judge,
            "metrics/units": self,
        }

    def steps(self, records: RecordBatch, source: Int32, stream: Int32) -> Iterator[ClosedSteps]:
        """Steps that n records close, chunk by chunk: judge each part before the next is asked for. `failed` then says
        which records are no metrics."""
        read = self._reader.read(records)
        self.failed = read.failed
        samples, high = self._timed(read.samples, source)
        where = Where(source, stream, records.start, records.end)
        for rows, ends in self._chunks(samples):
            points = self.series.points(samples.take(rows), high[rows], where)
            yield self._steps.add(self._heard(points))
            if ends:
                leaving = self.series.leaving()
                yield self._steps.close_of(leaving)
                self._let_go(leaving)

    def _chunks(self, samples: Samples) -> Iterator[tuple[slice, bool]]:
        """Samples in parts, and whether a chunk ends after each: with the record that makes it full."""
        last = np.append(np.flatnonzero(samples.row[1:] != samples.row[:-1]), len(samples) - 1) + 1
        full = np.diff((self._seen + last) // CHUNK, prepend=self._seen // CHUNK) > 0
        self._seen, self._changed = self._seen + len(samples), True
        at = 0
        for end in last[full].tolist():
            yield slice(at, end), True
            at = end
        if at < len(samples):
            yield slice(at, len(samples)), False

    def _let_go(self, gone: Int32) -> None:
        """At a chunk's end: series are silent for too long, or too many."""
        self.series.evict(gone)
        anew = np.union1d(gone, np.array(self._turned, np.int32)).astype(np.int32)
        self._pca.release(anew)
        self.windows.release(anew)
        self._pca.bound()
        self.windows.bound()
        self._turning = [one for one in self._turning if one[0] not in gone]
        self._turned = []

    def texts(self, records: RecordBatch) -> list[str]:
        """Redacted texts of the failed records, empty ones for the others [n]."""
        texts = [""] * len(records)
        for row in {failed.row for failed in self.failed}:
            texts[row] = records.lines[row].decode("utf-8", "replace")
        one_line = [text.replace("\n", " ") for text in texts]  # a scrape has many
        touched, rules = self._redactor.rows(texts, "\n".join(one_line).lower())
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
        source, watermark = source[known], watermark[known]
        made = self._steps.add(self._heard(self.series.close(source, watermark)))
        return ClosedSteps.joined(made, self._steps.close(source, watermark))

    def end(self) -> ClosedSteps:
        """Steps that are still open where nothing more comes. Nothing may follow: the state stands for no stream."""
        made = self._steps.add(self._heard(self.series.rest()))
        source = np.arange(len(self._latest), dtype=np.int32)
        return ClosedSteps.joined(made, self._steps.close(source, np.full(len(source), np.iinfo(np.int64).max)))

    def _heard(self, points: Points) -> Scores:
        """Points with what was scored of them. A series that turned out to be something else begins anew, with the
        first step that is all of the new kind."""
        news = self.series.news()
        tell(news, self.series, self._name_of)
        self._turning += turned(news)
        cuts, at, parts = [], 0, []
        for slot, since in self._turning:
            rows = np.flatnonzero((points.slot == slot) & (points.time - points.step >= since))
            cuts += [(int(rows[0]), (slot, since))] if len(rows) else []
        for cut, one in sorted(cuts):
            parts.append(self._scored(points.take(slice(at, cut))))
            self._begin_anew(one[0])
            self._turning.remove(one)
            at = cut
        return Scores.joined([*parts, self._scored(points.take(slice(at, None)) if at else points)])

    def _begin_anew(self, slot: int) -> None:
        """What was learned of a series is of no use: all but where its readings stand."""
        for name in self._learned:
            self.table.view(name)[slot] = 0
        self.table.mark(np.array([slot], np.int32))
        self._turned.append(slot)
        self._changed = True

    def _scored(self, points: Points) -> Scores:
        n = len(points)
        nats = np.full((n, SERIES), np.nan, np.float32)
        nats[:, LSTM], quantiles = timed("lstm", self.forecaster.score, points)
        said = self._detectors.score(points)
        nats[:, :LSTM] = said.nats
        low, high = self._band.of(points.slot, points.value, said, quantiles)
        return Scores(points, nats, said.news, low, high)

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
            part = steps.part(rows)
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

    def learn(self, judging: Judging, crossed: Bool, *, silent: bool = False) -> None:
        """What was judged, and which of it [m] crossed; `silent`: it was there before the first start."""
        self._pending.append((judging.units, crossed))
        if judging.ends:
            self.judge.learn(*_joined(self._pending), silent=silent)
            self._pending = []

    @staticmethod
    def _nats(steps: ClosedSteps, together: Float64) -> Float32:
        """Of the most surprising series of each step, and of the step as a whole [m, DETECTORS]. One series moves with
        no others: what PCA makes of it is its deviation, which its own detectors know better (NAB: 72, with it 57)."""
        nats = np.full((len(steps), len(DETECTORS)), np.nan, np.float32)
        if len(steps):
            top, series = steps.top(), steps.end - steps.begin
            nats[:, :SERIES] = steps.scores.nats[top]
            nats[:, SERIES] = of_many(steps.scores.together[top], series)
            nats[:, PCA] = np.where(series > 1, together, np.nan)
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
            facts = {"judged": self._judged, "seen": self._seen, "turned": self._turned, "turning": self._turning}
            yield "units", _packed(self._latest, self._pending, facts)

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "units" in cells:
            arrays, facts = unpack(cells["units"])
            self._judged, self._latest = facts["judged"], arrays["latest"].copy()
            self._seen, self._turned = facts["seen"], facts["turned"]
            self._turning = [(slot, since) for slot, since in facts["turning"]]
            if "crossed" in arrays:
                fields = {name: arrays[name].copy() for name in _UNIT}
                self._pending = [(UnitBatch(**fields, detectors=DETECTORS), arrays["crossed"].copy())]


_UNIT = ("kind", "final", "source", "stream", "slot", "at", "row", "first", "last", "start", "end", "nats")


def _joined(parts: list[tuple[UnitBatch, Bool]]) -> tuple[UnitBatch, Bool]:
    """One after the other: what is learned must not depend on the batches."""
    fields = {name: np.concatenate([getattr(units, name) for units, _ in parts]) for name in _UNIT}
    return UnitBatch(**fields, detectors=DETECTORS), np.concatenate([crossed for _, crossed in parts])


def _packed(latest: Int64, pending: list[tuple[UnitBatch, Bool]], facts: dict[str, Any]) -> bytes:
    arrays = {"latest": latest}
    if pending:
        units, crossed = _joined(pending)
        arrays |= {name: getattr(units, name) for name in _UNIT} | {"crossed": crossed}
    return pack(arrays, **facts)
