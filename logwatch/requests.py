"""What the command line asks of the program, and what it answers: values only, shared by both sides.

The verbs of `logwatch.cli` parse and check options into a request; `logwatch.app` carries it out, shows what happens
on the way through `Ui`, and returns a report for the verb to print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:  # `--help` needs neither numpy nor pydantic
    from logwatch.api import Risk
    from logwatch.config import Loaded
    from logwatch.plugins import Configured, Resolved
    from logwatch.types import Alert, MetricWindow

Phase = Literal["learning", "watching", "paused"]
Side = Literal["logs", "metrics"]


@dataclass(frozen=True, slots=True)
class TailRequest:
    """`tail`. Settings that flags can change (budget …) are in `config` already."""

    paths: tuple[str, ...]  # files, globs, directories are refused; ("-",) is standard input
    config: Loaded  # environment and flags; no sources or sinks
    from_start: bool = False
    once: bool = False  # end at the end of the files
    source: str | None = None  # name template; None: the default of the verb
    entity: str | None = None  # checked pattern
    state: Path | None = None  # None: nothing is kept


@dataclass(frozen=True, slots=True)
class RunRequest:
    """`run`."""

    config: Configured[Resolved]  # settings, and every source, sink and detector with its own checked config
    check: Callable[[], None] = lambda: None  # raises ConfigError where the configuration, as it is now, is wrong


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """`score`."""

    paths: tuple[str, ...]
    config: Loaded
    state: Path | None = None
    rows: Path | None = None  # None: no rows; Path("-"): JSON lines to standard output
    rows_format: Literal["jsonl", "csv", "parquet"] = "jsonl"
    source: str | None = None
    entity: str | None = None
    forecasts: Path | None = None  # where the report on forecasts of metrics goes


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """`backtest`."""

    paths: tuple[str, ...]
    config: Loaded
    labels: Path | None = None
    warm: float = 0.1  # share of each source that only teaches, [0, 1)
    random_split: bool = False  # beside the chronological one
    source: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class TemplatesRequest:
    """`templates`."""

    paths: tuple[str, ...]
    config: Loaded


@dataclass(frozen=True, slots=True)
class HeatmapRequest:
    """`heatmap`."""

    paths: tuple[str, ...]
    config: Loaded
    source: str | None = None  # None: the only one that has metrics
    at: int | None = None  # ns, at which the window ends; None: as late as can be
    labels: Path | None = None  # deployments
    state: Path | None = None  # of a daemon: what it kept, instead of files


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """`train`."""

    paths: tuple[str, ...]  # metrics
    config: Loaded
    labels: Path | None  # None: the incidents of `state`
    out: Path
    horizon: float = 60.0  # seconds
    seed: int = 0
    source: str | None = None  # name template; None: the default of the verb
    state: Path = Path()


@dataclass(frozen=True, slots=True)
class TrainLogsRequest:
    """`train logs`."""

    paths: tuple[str, ...]
    config: Loaded
    out: Path
    source: str | None = None
    entity: str | None = None
    passes: int = 20  # at most


@dataclass(frozen=True, slots=True)
class TrainLogsReport:
    """What `train logs` did. Losses are in nats an event."""

    bundle: str  # sha256
    records: int
    templates: int
    segments: int
    dropped: int  # segments of the beginning that were too many
    held_out: int  # segments of the end that only judged
    losses: tuple[float, ...]  # on these, after each pass
    best: int  # the pass that was kept, from 1
    online: float | None  # of the same stretch, by one pass that learned as it went
    device: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RiskRequest:
    """`risk`."""

    heatmap: HeatmapRequest  # which window
    weights: Path | None = None
    model: str = "best"
    oldest: float | None = None  # seconds that the window's end may be ago; None: it does not matter


@dataclass(frozen=True, slots=True)
class RiskAsk:
    """`risk`, of a running daemon."""

    url: str = ""  # of its API
    token: str = ""
    state: Path | None = None  # its state directory, where there is no URL
    source: str | None = None  # None: all that have metrics


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """`status`."""

    state: Path


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """`demo`."""

    config: Loaded
    recordings: tuple[str, ...] = ()  # empty: all
    speed: float | None = None  # times faster than recorded; None: as fast as it goes


@dataclass(frozen=True, slots=True)
class Live:
    """What the status line shows while a stream is followed."""

    phase: Phase
    records: int = 0
    rate: float = 0.0  # lines and values per second, recent
    sources: int = 0
    templates: int = 0
    incidents: int = 0  # opened since the start
    values: int = 0  # of metrics
    series: int = 0
    to_go: str = ""  # "about 4 min", "2,300 lines": until learning is watching; or why it is paused


@dataclass(frozen=True, slots=True)
class VerdictReport:
    """Who would have found a source's incidents of its last 30 days, at the same budget."""

    signal: str  # logs, metrics
    incidents: int  # alerted
    lstm: Literal["on", "off", "none"]  # on, `lstm = false`, or there is none
    lstm_adds: int  # of the incidents, those that are not found without the LSTM
    without_lstm: int  # incidents that would have been alerted without it
    found: Mapping[str, int]  # by detector: of the incidents, those that it finds alone
    alone: Mapping[str, int]  # by detector: incidents that it would have alerted alone
    lstm_cpu: float | None  # share of the source's CPU time that the LSTM takes, [0, 1]; None: not known
    sentence: str


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source in a summary or in a status."""

    source: str
    phase: Phase
    to_go: str = ""
    records: int = 0
    templates: int = 0
    keys: int = 0
    incidents: int = 0  # opened
    open: int = 0  # open now
    budget: str = ""
    achieved: str = ""  # "1.4/day" over the recent past; empty before it is known
    last: str | None = None  # time of the last event, RFC 3339
    series: int = 0  # of metrics, in memory
    verdicts: tuple[VerdictReport, ...] = ()  # of its logs, of its metrics
    drift: float = 0.0  # how far its templates of the last hour are from those of the last day, [0, 1]
    moved: bool = False  # so far that it is told


@dataclass(frozen=True, slots=True)
class Summary:
    """What `tail` and `score` did."""

    records: int
    seconds: float  # of wall time
    templates: int
    incidents: int  # opened
    sources: tuple[SourceReport, ...] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)  # reason -> records: dead letters, truncated, invalid …
    trained: float | None = None  # share of the segments that the training budget allowed, [0, 1]
    first: str | None = None  # RFC 3339
    last: str | None = None
    rows: int = 0  # written
    interrupted: bool = False  # ended by a signal
    points: int = 0  # of metrics, judged
    series: int = 0
    unusual: tuple[tuple[str, str, int], ...] = ()  # source, series, steps of incidents that it led; most first


@dataclass(frozen=True, slots=True)
class VariableReport:
    """One variable of a template, as a sample of its lines shows it."""

    type: str  # num, dur, size, time, ip, host, url, path, mail, user, id, bool, one that a rule names; *: any
    distinct: int  # different values
    values: tuple[tuple[str, int], ...]  # raw, with how often each came, most frequent first; bounded
    least: str = ""  # of numbers, durations and sizes, raw
    most: str = ""


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """One template of `templates`."""

    id: int
    template: str  # its variables by their types: `took <dur>`
    count: int
    share: float  # of all lines, [0, 1]
    first: str | None  # RFC 3339
    last: str | None
    example: str
    variables: tuple[VariableReport, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One rule on templates, and lines that it changed."""

    where: str  # of the configuration
    kind: str  # mask, keep, merge, split
    pattern: str
    lines: int
    example: str  # the first of them


@dataclass(frozen=True, slots=True)
class RuledTemplate:
    """A template of lines that rules changed."""

    id: int
    template: str
    count: int
    rules: tuple[int, ...]  # by their place among the rules, from 0
    example: str


@dataclass(frozen=True, slots=True)
class RulesReport:
    """`check-config --lines`: what the rules on templates make of the lines of a file."""

    lines: int
    rules: tuple[RuleReport, ...]
    templates: tuple[RuledTemplate, ...]  # most frequent first; none that no rule touched


@dataclass(frozen=True, slots=True)
class StatementLines:
    """Lines of one statement that have one template."""

    statement: str  # its label
    lines: int
    example: str


@dataclass(frozen=True, slots=True)
class ConfusedTemplate:
    """A template that is not exactly one statement."""

    id: int
    template: str
    statements: tuple[StatementLines, ...]


@dataclass(frozen=True, slots=True)
class ConfusionReport:
    """Templates and statements that share lines, where they are not simply one and the same."""

    lines: int
    statements: int
    templates: tuple[ConfusedTemplate, ...]


@dataclass(frozen=True, slots=True)
class TemplateAgreement:
    """`templates --labels`: templates against the statements that truly wrote the lines; shares in [0, 1]."""

    labels: int
    matched: float  # share of the labels that are of a record's first line
    ga: float  # share of lines whose template is exactly their statement
    fga: float  # F1 of templates that are exactly a statement
    templates: int
    statements: int
    worst: tuple[ConfusionReport, ...]  # most lines first


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `status` says of a daemon, or of a state directory that no daemon holds."""

    running: bool
    state: str
    version: str = ""
    uptime: float | None = None  # seconds
    records: int = 0
    events_learned: int = 0
    model: str = ""
    paused: str = ""  # why nothing is read; empty while reading
    last_commit: str | None = None  # RFC 3339
    state_bytes: int = 0
    sources: tuple[SourceReport, ...] = ()
    sinks: tuple[Mapping[str, object], ...] = ()  # sink, delivered, waiting, error
    lanes: tuple[Mapping[str, object], ...] = ()  # partitions: lane, restored [0, 1], next (offset), events
    ready: bool = False  # whether every source reads: a Kafka source has its share, and all of it is restored
    waiting: str = ""  # what the others wait for
    marks: tuple[Mapping[str, object], ...] = ()  # deployments, newest last: name, source, since, until (RFC 3339)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was really injected into a recording, and what became of it."""

    name: str
    start: str  # RFC 3339
    end: str
    description: str = ""
    alert: Alert | None = None  # the first one that found it
    delay: float | None = None  # seconds from its start to that alert's last line or value
    by: tuple[Side, ...] = ()  # who had a part in that alert's incident
    also: tuple[Alert, ...] = ()  # the first alert of the other side


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """One recording of the demo."""

    name: str
    records: int
    faults: tuple[Fault, ...]
    false: tuple[Alert, ...] = ()  # incidents that match no fault
    clean_hours: float = 0.0
    values: int = 0  # of metrics
    seen: tuple[Fault, ...] = ()  # of other recordings, in whose time it alerted: the host's, which has no faults


@dataclass(frozen=True, slots=True)
class DemoRisk:
    """The window of a recording in which the risk of a failure was highest while a fault was there."""

    window: MetricWindow
    risk: Risk
    fault: Fault


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What `demo` found."""

    recordings: tuple[RecordingReport, ...]
    seconds: float
    interrupted: bool = False
    risk: DemoRisk | None = None  # None: no window of metrics ended in the time of a fault


class Ui(Protocol):
    """The terminal, or the pipe. Also a sink: `deliver` shows alerts. Safe from any thread."""

    def deliver(self, alerts: list[Alert]) -> None:
        """Show alerts, in order: for people on a terminal, else as JSON lines."""
        ...

    def live(self, live: Live) -> None:
        """Renew the status line; cheap, call it as often as you like. Nothing where there is no terminal."""
        ...

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Renew the progress bar: bytes done of all."""
        ...

    def note(self, message: str) -> None:
        """One line for people, on standard error."""
        ...

    def warn(self, message: str) -> None:
        """One line that people should not miss (a file that cannot be read), on standard error."""
        ...

    def gone(self) -> bool:
        """True once the reader of standard output has gone away: time to end, quietly."""
        ...

    def close(self) -> None:
        """Take the status line away. Safe to call twice."""
        ...
