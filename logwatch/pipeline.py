"""The order of the stages, and the order of a commit. No other file knows either.

Stages, for each sub-batch (which never crosses a chunk's end):

    records → join → parse → keys → detectors → units → judge → incidents → alerts

At a chunk's end, and only there, everything learns: detectors, units, calibration; keys are evicted. The chunk's
length is a function of the events' numbers and times, so that results depend neither on batching nor on wall time.

Commit order:

    1. collect the cells that changed in every stage, beside those of a commit that failed
    2. the cursors of the sources, as of the last record that was processed whole
    3. one transaction: cells, cursors, new alerts, the sinks' progress (`commit`: of all lanes that live in one store;
       `logwatch.checkpoint.topic`: of one partition's lane, its marker last)
    4. only then: the alerts are the sinks'
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from logwatch import telemetry
from logwatch.api import Clock
from logwatch.cells import SERIES, SPILLED
from logwatch.checkpoint.store import Cell
from logwatch.chunks import ChunkClock, Pending, keep_silent, mark_alerted
from logwatch.commit import CLOCK, Changes
from logwatch.decide.gap import gap_alert
from logwatch.decide.judge import Judged
from logwatch.directives import Directive, Directives, Position
from logwatch.errors import StateCorrupt
from logwatch.lessons import Lesson, Lessons
from logwatch.metric_evidence import MetricEvidence
from logwatch.metric_rows import Measured
from logwatch.parse.formats.read import Failed
from logwatch.rows import Scored
from logwatch.score.registry import MAX_SOURCES, OTHER
from logwatch.score.series.closed_steps import ClosedSteps
from logwatch.sides import LINES, METRICS
from logwatch.signals import NO_METRICS, beside, pieces
from logwatch.spent import timed
from logwatch.stages import JOINER, Stages
from logwatch.tally import Sizes, Tally, count_marks
from logwatch.types import Alert, Bool, Cells, EventBatch, Flag, Float32, Int32, Int64, RecordBatch, UnitBatch

log = telemetry.Logger(__name__)

SHARE: Cell = ("pipeline", "share")
"""The cell of a lane that does not have the whole learning budget."""

TINY = 16
"""Bytes up to which a cell is compared with its last value: a quiet lane commits nothing."""


class Saved(Protocol):
    """Where the cells of a pipeline come from."""

    def cell(self, component: str, name: str) -> bytes | None:
        """One cell, or None."""
        ...

    def cells(self, component: str) -> Mapping[str, bytes]:
        """All cells of a component."""
        ...

    def corrupt(self, error: Exception) -> StateCorrupt:
        """What to raise where they cannot be read."""
        ...


class Pipeline:
    """Drives the stages of one lane, and says what a commit must write.

    Args:
        stages: built for this run; `restore` brings back what was saved.
        saved: the lane's state.
        clock: wall time, for idle sources only.
        on_scored: sees every judged sub-batch: the rows of `score`.
    """

    def __init__(
        self, stages: Stages, saved: Saved, clock: Clock, on_scored: Callable[[Scored], None] | None = None
    ) -> None:
        self.stages = stages
        self.raised: list[Alert] = []  # since the last commit
        self.on_failed: Callable[[str, RecordBatch, Sequence[str], Sequence[Failed]], None] = _let_go  # dead letters
        self.annotate: Callable[[Alert], Alert] = _as_it_is  # what hooks say of each alert
        self._warm = False  # the latest event was there before the first start
        self._silent = False  # the latest metric was
        self._ended = False  # nothing that comes about now is saved
        self.opened: Counter[str] = Counter()  # incidents and gaps of this run, by source
        self.seen = 0  # events so far, over all runs
        self.committed = 0  # time of the last commit, ns
        self._from = saved
        self._clock = clock
        self.on_scored = on_scored
        self.on_measured: Callable[[Measured], None] | None = None  # the same of metrics
        self._chunks = ChunkClock()
        self._pending = Pending()
        self._cells: dict[str, Cells] = stages.cells() | {"pending": self._pending}
        self.directives = Directives()
        self._cells["directives"] = self.directives
        stages.obey(self.directives)
        self._unsaved: dict[Cell, bytes | None] = {}
        self._tiny: dict[Cell, bytes] = {}  # as last taken
        stages.miner.stand(0)
        self._foresees = next((d for d in stages.detectors if hasattr(d, "silence")), None)
        self._tally = Tally(stages, self._foresees)
        self._beginning: list[Any] = [d for d in stages.detectors if hasattr(d, "begin")]  # beside the others
        self._columns = sorted(enumerate(stages.detectors), key=lambda one: one[1] in self._beginning)
        self._lessons = Lessons(stages)
        self._merging: list[Any] = [d for d in (*stages.detectors, stages.units, stages.drift) if hasattr(d, "merged")]

    def restore(self) -> bool:
        """Bring back the state of an earlier run; False where there is none. Raises StateCorrupt."""
        saved = self._from.cell(*CLOCK)
        if saved is None:
            return False
        try:
            clock = json.loads(saved)
            self.seen = int(clock["seen"])
            self._chunks.restore(clock["chunk"])
            before = clock.get("detectors", self._names())
            for component, part in self._cells.items():
                part.restore(self._from.cells(component))
            self.stages.learn_anew()
            self._pending.regard(before, self._names(), self.stages.units.detectors)
            if before != self._names():
                self._regard(before)
        except (ArithmeticError, LookupError, RuntimeError, StateCorrupt, TypeError, ValueError) as error:
            raise self._from.corrupt(error) from error
        self._tally.begin()
        return True

    def _names(self) -> list[str]:
        return [detector.name for detector in self.stages.detectors]

    def _regard(self, before: list[str]) -> None:
        """Other detectors than before: their chunk ends, and what is gone is forgotten, should it ever come back."""
        now = self._names()
        gone, new = [name for name in before if name not in now], [name for name in now if name not in before]
        log.warning("the detectors are not those of before: thresholds follow in time", new=new, gone=gone)
        for component in (f"detector/{name}" for name in gone):
            self._unsaved |= {(component, name): None for name in self._from.cells(component)}
        self.stages.units.regard()  # first: visits of keys that leave the table are judged as the chunk ends
        if self._chunks.end(self.seen):
            self._learn(new)

    def cursors(self, source: str) -> Mapping[str, bytes]:
        """Where a source went on from, as saved."""
        return self._from.cells(f"source/{source}")

    def look(self, records: RecordBatch, component: str) -> RecordBatch:
        """The batch, told which of its records are metrics: they go past what is made for lines."""
        if records.metrics is None:
            found = self.stages.signals.metrics(records, component)
            records.metrics = NO_METRICS if found is None else found
        return records

    def join(self, records: RecordBatch, component: str) -> RecordBatch:
        """The whole records that a batch completes. It goes before `process`, and may go ahead of it."""
        metrics = self.look(records, component).metrics
        if metrics is None or not len(metrics):
            joined = self.stages.joiner.join(records, component)
            joined.metrics = NO_METRICS
        else:
            lines, rows = records.take(np.flatnonzero(~metrics)), np.flatnonzero(metrics)
            joined = beside(self.stages.joiner.join(lines, component), records, rows)
        return self._held(joined)

    def release(self, component: str, behind: bool = False) -> RecordBatch | None:
        """Records that have waited long enough for their next line; see `Joiner.release`."""
        released = self.stages.joiner.release(component, behind)
        return None if released is None else self._held(released)

    def finish(self, component: str) -> RecordBatch | None:
        """Records that still wait, where nothing more will come."""
        released = self.stages.joiner.finish(component)
        return None if released is None else self._held(released)

    def _held(self, records: RecordBatch) -> RecordBatch:
        """What the joiner remembers rides on the batch, like its cursor: a commit covers only what was processed."""
        records.held = dict(self.stages.joiner.changes())
        return records

    def process(self, records: RecordBatch, component: str, warm: Bool | None = None) -> int:
        """Take records through every stage; returns how many alerts they raised.

        Args:
            records: n, of any size.
            component: name of the source, under which its cursors are saved.
            warm: [n] records from before the first start: they teach in silence.
        """
        before = len(self.raised)
        metrics = self.look(records, component).metrics
        source, stream = self.stages.registry.number(records, component)
        self.stages.idle.heard(source, self._clock.monotonic())
        self._tally.count(source, records)
        if metrics is None or not len(metrics):
            self._follow(records, component, source, stream, warm)
        else:
            for rows in self.stages.sides.in_turn(metrics, source, warm):
                some, told = records.take(rows), None if warm is None else warm[rows]
                if metrics[rows[0]]:
                    self._silent = told is not None and bool(told[0])
                    self._measure(some, component, source[rows], stream[rows])
                else:
                    self._follow(some, component, source[rows], stream[rows], told)
        for gap in records.gaps:
            telemetry.GAPS.inc(reason=gap.reason)
            self._raise([gap_alert(gap, self._clock.now())])
        self._unsaved |= {(f"source/{component}", name): value for name, value in records.cursor.items()}
        self._unsaved |= {(JOINER, name): value for name, value in records.held.items()}
        return len(self.raised) - before

    def _follow(self, records: RecordBatch, component: str, source: Int32, stream: Int32, warm: Bool | None) -> None:
        """Lines through every stage."""
        self.stages.sides.see(source, LINES)
        events = self.stages.parser.parse(records, source, stream, self.seen)
        if self.stages.parser.failed:
            self.on_failed(component, records, events.text, self.stages.parser.failed)
        if warm is not None:
            events.flags = np.where(warm, events.flags | np.uint8(Flag.WARMUP), events.flags)
        at = 0
        while at < len(events):
            room = self.directives.room(self.seen)
            step, ends = self._chunks.step(self.seen, events.time[at : at + room])
            self._score(events.take(slice(at, at + step)))
            at += step
            self.seen += step
            if ends:
                self._learn()
            self._obey()
        count_marks(events)

    @property
    def position(self) -> Position:
        """How far it has come."""
        return Position(self.seen, self.stages.metrics.judged)

    def direct(self, directive: Directive, at: Position | None = None) -> None:
        """Take a command; it takes effect here, or at a position that the journal knows, if that is still ahead."""
        self.directives.take(directive, at or self.position)
        self._obey()

    def _obey(self) -> None:
        for directive, at in self.directives.due(self.seen):
            telemetry.DIRECTIVES.inc(kind=directive.kind)
            self._lessons.finish()
            self.directives.tell(directive, at, before=True)
            if self._chunks.end(self.seen):
                self._learn()
                self._lessons.finish()
            self.directives.tell(directive, at)

    def _measure(self, records: RecordBatch, component: str, source: Int32, stream: Int32) -> None:
        """Metrics through every stage."""
        metrics = self.stages.metrics
        self.stages.sides.see(source, METRICS)
        for rows in pieces(records):
            part = records if len(rows) == len(records) else records.take(rows)
            for steps in metrics.steps(part, source[rows], stream[rows]):
                self._judge_steps(steps)
            if metrics.failed:
                self.on_failed(component, part, metrics.texts(part), metrics.failed)

    def _judge_steps(self, steps: ClosedSteps) -> None:
        """Judge closed steps; what was there before the first start teaches, and alerts nobody."""
        self._lessons.finish()
        metrics, incidents, context = self.stages.metrics, self.stages.incidents, self.stages.context
        for part in metrics.judging(steps):
            judged = metrics.judge.judge(part.units)
            if self._silent:
                judged.crossing[:] = judged.holding[:] = False
            self.stages.feedback.hush(part.units, judged, metrics.judge.rule)
            self.stages.idle.advance(part)
            evidence = MetricEvidence(part, metrics.series.name, context)
            self._raise(incidents.step(part, part.units, judged, evidence, metrics.judge))
            if self.on_measured:
                self.on_measured(Measured(part, metrics.series.name, metrics.judge.judge, incidents.members))
            metrics.windows.add(part.steps, incidents.members)
            metrics.learn(part, judged.crossing, silent=self._silent)

    def end(self) -> int:
        """Nothing more will come: judge the steps of metrics that are still open; returns how many alerts that raised.

        It is told, but not saved: should the stream go on in another run, that one goes on from the readings.
        """
        before = len(self.raised)
        if not self._ended:
            self._collect()
            self._ended = True
            self._judge_steps(self.stages.metrics.end())
        return len(self.raised) - before

    def _score(self, events: EventBatch) -> None:
        stages = self.stages
        events.slot = stages.keys.assign(events.source, events.stream, events.entity, events.watermark)
        nats = np.empty((len(events), len(stages.detectors)), np.float32)
        stages.marks.look(events)
        for detector in self._beginning:
            timed(detector.name, detector.begin, events)
        self._lessons.finish()
        for column, detector in self._columns:
            nats[:, column] = timed(detector.name, detector.score, events)
        heard, silence = stages.feedback.quiet(events, nats, getattr(self._foresees, "silence", None))
        units = stages.units.build(heard, nats, silence)
        stages.keys.view("last")[events.slot] = events.time  # in order: the last event of a key wins
        stages.keys.touch(events.slot, events.first)
        stages.idle.advance(events)
        stages.context.add(events, nats)
        self._judge(units, events, nats)
        self._pending.add(events, nats)

    def _judge(self, units: UnitBatch, events: EventBatch, nats: Float32) -> None:
        stages = self.stages
        judged = stages.judge.judge(units)
        keep_silent(units, judged, events)
        stages.feedback.hush(units, judged, stages.judge.rule)
        self._warm = bool(events.flags[-1] & Flag.WARMUP)
        self._raise(stages.incidents.step(events, units, judged, stages.context))
        mark_alerted(events, units, judged.voted)
        stages.feedback.bar(events)
        self._tell(events, nats, units, judged)
        self._pending.add_units(units, judged.voted)

    def _tell(self, events: EventBatch, nats: Float32, units: UnitBatch, judged: Judged) -> None:
        if self.on_scored:
            names = tuple(detector.name for detector in self.stages.detectors)
            members = self.stages.incidents.members
            self.on_scored(Scored(events, nats, names, units, judged.p, judged.score, members))

    def _learn(self, new: Sequence[str] = ()) -> None:
        """The end of a chunk, of which the detectors called `new` have seen nothing."""
        stages = self.stages
        telemetry.CHUNKS.inc()
        self._lessons.finish()
        surplus = stages.keys.surplus()
        if len(surplus):
            self._judge_late(stages.units.close(surplus, self.seen - 1), {}, silent=self._warm)
        chunk, nats, units, crossed = self._pending.take()
        chunk, nats, real = stages.feedback.admit(*stages.marks.admit(chunk, nats))
        stages.miner.stand(self.seen)  # what the batch holds beyond the chunk must not show
        merges = stages.miner.merges()
        for detector in self._merging:
            detector.merged(merges)
        lesson = Lesson(chunk, nats, units, crossed, self._warm, real, new)
        self._lessons.begin(lesson, at_once=bool(merges) or bool(len(surplus)))
        stages.keys.evict(surplus)

    def _judge_late(self, units: UnitBatch, watermarks: Mapping[int, int], silent: bool = False) -> None:
        """Units that no event brought: of a tick, or of keys that leave the table."""
        stages = self.stages
        stages.context.ticking()
        judged = stages.judge.judge(units)
        if silent:
            judged.crossing[:] = judged.holding[:] = False
        stages.feedback.hush(units, judged, stages.judge.rule)
        self._raise(stages.incidents.tick(watermarks, self.seen - 1, units, judged, stages.context))
        self._tell(EventBatch.none(self.seen), np.empty((0, len(stages.detectors)), np.float32), units, judged)
        self._pending.add_units(units, judged.voted)

    def tick(self) -> int:
        """Let the watermark of idle sources follow the clock; returns how many alerts that raised."""
        source, watermark = self.stages.idle.due(self._clock)
        if not len(source):
            return 0
        before = len(self.raised)
        self._lessons.finish()
        units = self.stages.units.tick(source, watermark, self.seen - 1)
        self._judge_late(units, dict(zip(source.tolist(), watermark.tolist(), strict=True)))
        self._judge_steps(self.stages.metrics.idle(source, watermark))
        return len(self.raised) - before

    def _raise(self, alerts: list[Alert]) -> None:
        self.tell(alerts)
        self.stages.metrics.windows.want(alerts)

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Alerts are the sinks' with the next commit."""
        self.raised += map(self.annotate, alerts)
        self.opened.update(self._counted(alert.source) for alert in alerts if alert.state == "open")

    def beside(self, component: str, part: Cells) -> None:
        """Something with a state of its own goes on beside the stages, and is saved with them. Before `restore`."""
        self._cells[component] = part

    def _counted(self, source: str) -> str:
        """The name under which alerts of a source are counted. Gaps may tell of any number that never had a record."""
        known = source in self.stages.registry or source in self.opened or len(self.opened) < MAX_SOURCES
        return source if known else OTHER

    def observe(self) -> Sizes:
        """Bring the counters up to date, about once a second; returns what the gauges show the sum of."""
        return self._tally.observe()

    @property
    def counts(self) -> Int64:
        """Records of this run, by source number."""
        return self._tally.counts

    @property
    def model(self) -> str:
        """Version of the model that scores; empty without one."""
        return self.stages.context.model()

    def keep(self, cell: Cell, value: bytes) -> None:
        """Save a cell beside the stages' own, with the next commit."""
        self._unsaved[cell] = value

    def take(self) -> Changes:
        """Steps 1 and 2 of a commit. Once it has succeeded give them to `saved`, and else to `failed`."""
        if not self._ended:
            self._collect()
        now = self._clock.now()
        changes = Changes(self._unsaved | {CLOCK: self._saved_clock(now)}, self.raised, now)
        self._unsaved, self.raised = {}, []
        return changes

    def _collect(self) -> None:
        """The cells that changed."""
        self._lessons.finish()
        stages = self.stages
        changing = [(component, part.changes()) for component, part in self._cells.items()]
        series = ((SERIES + name, value) for name, value in stages.metrics.table.spilled.changes())
        changing += [(SPILLED, stages.keys.spilled.changes()), (SPILLED, series)]
        for component, cells in changing:
            for name, value in cells:
                cell = component, name
                if value is not None and len(value) <= TINY:
                    if self._tiny.get(cell) == value and cell not in self._unsaved:
                        continue
                    self._tiny[cell] = value
                self._unsaved[cell] = value

    def saved(self, changes: Changes) -> None:
        """They are saved: the alerts among them are the sinks'."""
        for alert in changes.alerts:
            telemetry.ALERTS.inc(source=self._counted(alert.source), state=alert.state)
        self.committed = changes.time
        self.stages.keys.expiry.saved()
        self.stages.metrics.table.expiry.saved()

    def failed(self, changes: Changes) -> None:
        """Nothing of them was saved: the next commit saves it."""
        self._unsaved = changes.cells | self._unsaved
        self.raised = changes.alerts + self.raised

    def forgets(self, name: str, head: bytes, *, taken: bool = False) -> bool:
        """Whether the cell of a spilled key or series can be deleted; see `Expiry.forgets`."""
        is_series = name.startswith(SERIES)
        table = self.stages.metrics.table if is_series else self.stages.keys
        return table.expiry.forgets(name.removeprefix(SERIES), head, taken=taken)

    def _saved_clock(self, now: int) -> bytes:
        clock = {"v": 2, "seen": self.seen, "time": now, "chunk": self._chunks.saved()}
        return json.dumps(clock | {"detectors": self._names()}).encode()

    def close(self) -> None:
        """End background threads."""
        self.stages.metrics.close()
        for detector in self.stages.detectors:
            close = getattr(detector, "close", None)
            if close is not None:
                close()


def _let_go(component: str, records: RecordBatch, texts: Sequence[str], failed: Sequence[Failed]) -> None:
    """Nobody keeps dead letters."""


def _as_it_is(alert: Alert) -> Alert:
    """There is no hook."""
    return alert
