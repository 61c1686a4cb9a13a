"""What a backtest found: values only, for the page, the terminal and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from logwatch.backtest.evaluation import Reached
from logwatch.backtest.labels import Form
from logwatch.types import Alert, Float64, Int64


@dataclass(frozen=True, slots=True)
class Kept:
    """How a source kept its budget, in the time that is evaluated."""

    source: str
    asked: str
    incidents: int
    days: float
    per_day: float | None  # None: too short a time
    ratio: float | None  # achieved over asked


@dataclass(frozen=True, slots=True)
class Alone:
    """What a voice would have alerted at the same budget, labels or not."""

    voice: str
    incidents: int
    per_day: float | None
    shared: int  # of ours, that it would have alerted too


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident."""

    alert: Alert  # the one that opened it
    end: int  # ns
    right: bool | None = None  # of an anomaly; None: there are no labels of stretches of time


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A labelled stretch of time."""

    source: str
    kind: str
    start: int  # ns
    end: int
    delay: float | None  # seconds until it was found; None: it was not
    by: tuple[str, ...]  # detectors that alone would have found it


@dataclass(frozen=True, slots=True)
class Line:
    """Scores of a source over time."""

    source: str
    time: Int64  # [k] ns
    score: Float64  # [k] the largest −log10 p in each part of the time; NaN: none
    warm: int  # ns, until when it only learned


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How rare decisions were against how rare they were said to be, for one kind of them."""

    kind: str
    count: int
    nominal: Float64  # [k] probabilities, descending
    observed: Float64  # [k] share of the decisions that were said to be at least as rare


@dataclass(frozen=True, slots=True)
class Labelled:
    """Against labels."""

    form: Form
    labels: int
    matched: int  # that are of the data
    evaluated: int  # of those, after the warm-up
    positive: int  # of those, anomalies
    reached: tuple[Reached, ...]
    anomalies: tuple[Anomaly, ...] = ()
    incidents: tuple[int, int] = (0, 0)  # of stretches of time: incidents that were right, and all


@dataclass(frozen=True, slots=True)
class Result:
    """Everything."""

    files: tuple[str, ...]
    records: int
    points: int  # of metrics
    seconds: float  # of wall time
    first: int | None  # ns
    last: int | None
    warm: float  # share that only taught
    budget: str
    seed: int
    interrupted: bool
    incidents: int  # after the warm-up
    kept: tuple[Kept, ...]
    alone: tuple[Alone, ...]
    top: tuple[Incident, ...]
    lines: tuple[Line, ...]
    calibration: tuple[Calibrated, ...]
    labelled: Labelled | None = None
    random_split: Labelled | None = None
    opened: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # source → when its incidents opened, ns
