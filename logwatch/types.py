"""The values that flow through the pipeline: columnar batches of records, events and scores, and alerts.

A stage takes a batch and returns a batch. Arrays of one batch all have the same length `n` and the same order:
the order of the stream. High scores mean anomalous, everywhere. Times are nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

NO_TIME = np.iinfo(np.int64).min
"""The time of a record before any time was seen on its source."""


class Stream(NamedTuple):
    """One ordered stream of a source: a file, a pod, a partition."""

    source: str
    instance: str


def position_of(instance: str, offset: int) -> dict[str, Any]:
    """A place in an instance as people see it: `{"file": signature, "offset": n}`, or topic, partition and offset.

    An instance that is a partition is named `topic:partition`; neither files nor standard input have a colon.
    """
    topic, colon, partition = instance.rpartition(":")
    if colon and partition.isdecimal():
        return {"topic": topic, "partition": int(partition), "offset": offset}
    return {"file": instance, "offset": offset}


class Flag(IntFlag):
    """Marks of a record, or-ed together."""

    NONE = 0
    TRUNCATED = 1  # longer than max_line_bytes: the rest was dropped
    UNFINISHED = 2  # had no line end when it was flushed
    UNTRUSTED_TIME = 4  # its own time was absurd; it took the previous one
    NO_TIME = 8  # it bears no time; it took the previous one
    INVALID = 16  # bytes that are not UTF-8 (or NUL) were replaced
    GAP = 32  # something before this record was lost; see RecordBatch.gaps
    ALERTED = 64  # part of what alerted: stays out of learning
    WARMUP = 128  # older than the first start: learned silently, never alerted


class Gap(NamedTuple):
    """A range of input that was lost: counted, recorded and alerted, never silent."""

    stream: Stream
    start: int
    end: int
    reason: str


@dataclass(slots=True)
class RecordBatch:
    """Raw lines in arrival order, of one or many streams.

    `cursor` is what must be saved, together with the results, once the batch has been processed: a source that is
    opened again with the saved cursors goes on with the record after this batch. It maps a cursor's name (one per
    stream, chosen by the source) to its new value; `None` deletes it.
    """

    lines: list[bytes]  # [n] without the line end
    streams: list[Stream]  # the streams of this batch, in any order
    stream: Int32  # [n] index into `streams`
    start: Int64  # [n] position of the record in its stream (byte offset, Kafka offset)
    end: Int64  # [n] position after the record
    flags: UInt8  # [n] of Flag
    cursor: dict[str, bytes | None] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    held: dict[str, bytes | None] = field(default_factory=dict)  # cells of the joiner, to be saved with the cursor
    lane: str = ""  # whose state the records belong to: "" this machine's, else one partition's; see `logwatch.lanes`
    shaped: Any = None  # what `logwatch.parse.shape` made of the lines, where that was done ahead
    metrics: Bool | None = None  # [n] which are metrics, empty where none is; None: nobody has looked yet

    def take(self, rows: Int64) -> RecordBatch:
        """Some of the records, without what rides on the batch."""
        lines = [self.lines[row] for row in rows.tolist()]
        return RecordBatch(
            lines, self.streams, self.stream[rows], self.start[rows], self.end[rows], self.flags[rows], lane=self.lane
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(slots=True)
class FieldColumn:
    """Values of one field in some rows of a batch: numbers, or words by dictionary."""

    name: str
    rows: Int32  # [k] rows that have the field, ascending
    numbers: Float64 | None  # [k] finite; None: words
    code: Int32 | None  # [k] index into `words`
    words: list[str] | None  # [c] at most 64 characters, all different


class Values:
    """Fields of the rows of a batch, by column. A slice shares the columns: it costs nothing until it is read.

    Args:
        fields: of the whole batch.
        begin: first row of the slice.
        end: row after it.
    """

    __slots__ = ("begin", "end", "fields")

    def __init__(self, fields: Sequence[FieldColumn], begin: int, end: int) -> None:
        self.fields, self.begin, self.end = fields, begin, end

    def take(self, begin: int, end: int) -> Values:
        """Rows from begin to end of this slice."""
        return Values(self.fields, self.begin + begin, self.begin + end)

    def columns(self) -> list[FieldColumn]:
        """Fields that some row of the slice has; rows count from its beginning."""
        found = []
        for one in self.fields:
            a, b = np.searchsorted(one.rows, (self.begin, self.end)).tolist()
            if a < b:
                numbers = None if one.numbers is None else one.numbers[a:b]
                code = None if one.code is None else one.code[a:b]
                found.append(FieldColumn(one.name, one.rows[a:b] - np.int32(self.begin), numbers, code, one.words))
        return found

    def row(self, row: int) -> dict[str, float | str]:
        """Fields of one row of the slice."""
        found: dict[str, float | str] = {}
        for one in self.take(row, row + 1).columns():
            if one.numbers is not None:
                found[one.name] = float(one.numbers[0])
            elif one.code is not None and one.words is not None:
                found[one.name] = one.words[int(one.code[0])]
        return found


@dataclass(slots=True)
class EventBatch:
    """Parsed records in stream order. Indices refer to the registries of `logwatch.score.registry`."""

    first: int  # number of the first event in the whole run: the clock of learning
    source: Int32  # [n] index of the source: owns budget, calibration, seen-sets, incidents
    stream: Int32  # [n] index of the stream (source, instance)
    slot: Int32  # [n] row of the key table: (source, instance, entity)
    time: Int64  # [n] ns; never NO_TIME once a time was seen on the source
    watermark: Int64  # [n] the source's watermark after this event, ns, never falling
    level: Int8  # [n] 0 unknown, 1 trace, 2 debug, 3 info, 4 notice, 5 warning, 6 error, 7 critical
    template: Int32  # [n] the miner's id at arrival
    start: Int64  # [n] position
    end: Int64  # [n] position after the record
    flags: UInt8  # [n] of Flag
    entity: list[str | None]  # [n]
    text: Sequence[str]  # [n] the redacted line, as people may see it
    values: Values | None = None  # of their fields; None where no line has any

    def __len__(self) -> int:
        return len(self.text)

    def numbers(self, rows: Int64) -> Int64:
        """Numbers [k] of some rows [k] in the whole run."""
        return self.first + rows

    @staticmethod
    def none(first: int) -> EventBatch:
        """No events, before the one numbered `first`."""
        no32, no64, no8 = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.uint8)
        return EventBatch(
            first, no32, no32, no32, no64, no64, np.zeros(0, np.int8), no32, no64, no64, no8, [], []
        )  # fmt: skip

    def take(self, rows: slice) -> EventBatch:
        """The events of a contiguous slice, as views."""
        begin, end, _ = rows.indices(len(self))
        values = None if self.values is None else self.values.take(begin, end)
        return EventBatch(
            self.first + begin, self.source[rows], self.stream[rows], self.slot[rows], self.time[rows],
            self.watermark[rows], self.level[rows], self.template[rows], self.start[rows], self.end[rows],
            self.flags[rows], self.entity[rows], self.text[rows], values,
        )  # fmt: skip


class Passing(Protocol):
    """What moves the clocks of sources: events, or steps of metrics, numbered from `first` on."""

    @property
    def first(self) -> int: ...
    @property
    def source(self) -> Int32:
        """[n]"""
        ...

    @property
    def watermark(self) -> Int64:
        """[n] of the source after it, ns, never falling; NO_TIME before any time was seen."""
        ...

    def __len__(self) -> int: ...


class Kind(IntEnum):
    """What a unit is."""

    EVENT = 0
    VISIT = 1
    WINDOW = 2
    SILENCE = 3
    METRIC = 4


@dataclass(slots=True)
class UnitBatch:
    """What is judged: m units in the order in which they are judged.

    A source without entities is judged by EVENT units (one per event) and WINDOW units (one per closed window); a
    source with entities by VISIT units: one per event with the visit's running values (`final` False: may alert, is
    never learned) and one when the visit closes (`final` True: judged once more, and learned by calibration).
    SILENCE units say that a source (slot -1) kept silent for longer than it should. A source of metrics is judged by
    METRIC units, one per closed step: `slot` is the series (a row of the series table) that had the most to say.
    """

    kind: UInt8  # [m] of Kind
    final: Bool  # [m] the unit is complete: calibration learns it
    source: Int32  # [m]
    stream: Int32  # [m]
    slot: Int32  # [m] row of the key table; -1 where the unit is the source's
    at: Int64  # [m] number of the run's event at which the unit is judged; ascending
    row: Int32  # [m] row of that event in the sub-batch; -1: judged by a tick, after the sub-batch
    first: Int64  # [m] time of the unit's first event, ns
    last: Int64  # [m] time of its last event (or the end of the window), ns
    start: Int64  # [m] position of the unit's first record
    end: Int64  # [m] position of its last record
    nats: Float32  # [m, D] per detector, NaN where it has no opinion; D as in `detectors`
    detectors: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kind)


class Expected(NamedTuple):
    """What a model thought would come instead."""

    template: str
    probability: float


class Fired(NamedTuple):
    """One detector's part in a decision."""

    detector: str
    nats: float
    p: float | None  # tail probability among the source's recent past; None before calibration


@dataclass(slots=True, frozen=True)
class Line:
    """One line as shown in an alert."""

    text: str
    time: int  # ns or NO_TIME
    position: int
    template_id: int = -1


@dataclass(slots=True, frozen=True)
class Alert:
    """What leaves the program. `to_json` is the documented, versioned schema (docs in README, "Alerts")."""

    id: str  # sha256 of source, instance, entity, rule and first position
    incident: str  # id of the incident: the id of the alert that opened it
    state: str  # "open", "update", "end", "digest"
    severity: str  # "info", "warning", "critical"
    source: str
    instance: str
    entity: str | None
    kind: str  # event visit window silence metric gap
    rule: str  # the detector that contributed most
    first: int  # ns
    last: int  # ns
    count: int  # members of the incident so far
    score: float  # -log10 p, at most 30
    p: float
    provisional: bool
    fired: tuple[Fired, ...]
    lines: tuple[Line, ...]
    before: tuple[Line, ...]
    expected: tuple[Expected, ...]
    template_id: int
    template: str
    position: Mapping[str, Any]
    model: str
    detail: str = ""  # one sentence for people, where the lines do not say it (rate, silence, gap)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something that happened at a moment, to be seen beside metrics."""

    time: int  # ns
    kind: str  # "incident", "deployment"
    name: str = ""  # id of the incident, name of the deployment; untrusted


@dataclass(frozen=True, slots=True)
class MetricWindow:
    """Metrics of one source over a stretch of time: m metrics, t steps of equal length."""

    source: str
    metrics: tuple[str, ...]  # [m] names with their labels, all different, sorted
    start: int  # ns, of the first step
    step: int  # ns
    values: Float32  # [m, t]; NaN where nothing was measured
    past: Float32 | None = None  # [m, 17] quantiles 0, 1/16 … 1 of each metric before the window; NaN: not known
    marks: tuple[Mark, ...] = ()  # what happened in the window, by time

    @property
    def end(self) -> int:
        """End of the last step, ns."""
        return self.start + int(self.values.shape[1]) * self.step


class Cells(Protocol):
    """State that lives in the checkpoint, in cells that are written only when they changed.

    The pair is the whole persistence contract: an object restored from all its cells, given the rest of the stream,
    must return bit-equal results to the object that was never interrupted.
    """

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells changed since the last call, each once; `None` deletes. Marks them clean."""
        ...

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Rebuild the whole state from all cells; called once, on a fresh object."""
        ...
