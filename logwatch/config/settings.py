"""The settings of the program, and the raw tables of its components."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from logwatch.config.alert_rules import AlertRules
from logwatch.config.http import Http
from logwatch.config.marks import MarkTable
from logwatch.config.problems import unknown
from logwatch.config.rules import TemplateRule
from logwatch.config.sinks import RouteKeys
from logwatch.config.values import Budget, Duration, Pattern, Rate, Size, check_pattern

REDACTIONS = ("token", "password", "email", "ipv4", "ipv6", "card", "bearer", "jwt", "aws_key")
"""Names that `redact` knows; anything else there is a pattern."""


def _check_redaction(rule: str) -> str:
    if rule in REDACTIONS:
        return rule
    if re.fullmatch(r"\w+", rule):
        raise ValueError(f"{unknown('rule', rule, REDACTIONS)}; a word to be hidden is written ({rule})")
    return check_pattern(rule)


def _check_zone(name: str) -> str:
    from zoneinfo import ZoneInfo  # 5 ms, and most configurations name no zone

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'"{name}" is not a time zone: write a name like Europe/Berlin, or UTC') from None
    return name


def _check_folder(value: Any) -> Any:
    if value == "":
        raise ValueError("must not be empty: it would be the directory that the program was started in")
    return value


VISIT_GAP_S = 3600.0
"""Silence that closes a visit, where its source is not known to need a shorter one."""


def _check_ttl(seconds: float) -> float:
    if seconds < VISIT_GAP_S:
        raise ValueError("must be 1h or more: a visit may be silent for so long, and would be cut in two")
    return seconds


Redaction = Annotated[str, AfterValidator(_check_redaction)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Folder = Annotated[Path, BeforeValidator(_check_folder), AfterValidator(Path.expanduser)]


class Table(BaseModel):
    """A table of a component: the keys that every component has; all others are the component's own."""

    model_config = ConfigDict(extra="allow", frozen=True)

    optional: bool = False
    """Go on without the component where its plugin cannot be loaded."""

    @property
    def options(self) -> dict[str, Any]:
        """The component's own keys, unchecked."""
        return dict(self.model_extra or {})


class MultilineStart(BaseModel):
    """`multiline = { start = REGEX }`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Pattern
    """Matches the first line of each record, and no other."""


Signal = Literal["logs", "metrics", "auto"]
Format = Literal["auto", "plain", "json", "logfmt", "syslog", "cri", "journal", "influx", "prometheus", "csv"]
LOG_FORMATS = ("plain", "logfmt", "syslog", "cri", "journal")
METRIC_FORMATS = ("influx", "prometheus", "csv")
METRIC_KINDS = {"host": "json", "prometheus": "prometheus"}
"""Kinds of sources that bring metrics only, and the format that they write."""


class SourceTable(Table):
    """One `[[source]]`."""

    kind: str
    name: str | None = None  # may hold placeholders; None: the default of the verb
    format: Format = "auto"  # plain: lines bear no time
    signal: Annotated[Signal, Field(validate_default=True)] = "auto"  # "auto" only where neither kind nor format tells
    entity: Pattern | None = None
    timezone: Zone = "UTC"  # of times that name none
    decoder: str | None = None  # a plugin that reads the lines first
    multiline: Literal["auto", "off"] | MultilineStart = "auto"  # how lines that belong together are found
    budget: Budget | None = None  # None: the top-level one
    max_incidents: Rate | None = None
    lstm: bool = True  # the LSTMs score and learn it; without them it costs less

    @field_validator("format")
    @classmethod
    def _check_format(cls, value: Format, info: ValidationInfo) -> Format:
        kind = info.data.get("kind", "")
        if value != "auto" and METRIC_KINDS.get(kind, value) != value:
            raise ValueError(f'contradicts kind = "{kind}", which writes its records itself: leave it out')
        return value

    @field_validator("signal")
    @classmethod
    def _check_signal(cls, value: Signal, info: ValidationInfo) -> Signal:
        kind, form = info.data.get("kind", ""), info.data.get("format", "auto")
        implied: Signal = "auto"
        if kind in METRIC_KINDS or form in METRIC_FORMATS:
            implied = "metrics"
        elif form in LOG_FORMATS:
            implied = "logs"
        if value != "auto" and implied not in ("auto", value):
            cause = f'kind = "{kind}"' if kind in METRIC_KINDS else f'format = "{form}"'
            raise ValueError(f'"{value}" contradicts {cause}, which is of {implied}')
        return implied if value == "auto" else value


class SinkTable(Table, RouteKeys):
    """One `[[sink]]`."""

    kind: str
    name: str | None = None


class DetectorTable(Table):
    """One `[detectors.NAME]` or `[hooks.NAME]`."""

    enabled: bool = True


class RiskTable(Table):
    """One `[risk.NAME]`: an assessor of windows of metrics, and when what it says is worth an alert."""

    enabled: bool = True
    budget: Budget = Budget(count=1, per=604_800.0)  # risk alerts of a source
    floor: Annotated[float, Field(gt=0, lt=1)] = 0.5  # a risk below it alerts nobody, however rare it is


class History(BaseModel):
    """What is kept of closed incidents and delivered alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: Duration = 30 * 86400.0
    max_size: Size = 2**30


class DeadLetters(BaseModel):
    """Where records are kept that are not what their source's configuration says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = ""  # empty: dead-letters.jsonl in the state directory
    raw: bool = False  # the bytes as they came, not the redacted text
    max_size: Size = 64 * 2**20  # with the one before it, twice as much


def _check_every(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be 1s or more: no metric has a shorter step")
    return seconds


class Heatmap(BaseModel):
    """Windows of metrics, as heatmaps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Annotated[Duration, AfterValidator(_check_every)] = 60.0  # of a source's own time
    window: Annotated[int, Field(ge=16, le=1024)] = 120  # steps of a source
    keep: Annotated[int, Field(ge=0, le=10_000)] = 6  # of a source, beside those of alerts


class Settings(BaseModel):
    """All settings. Built by `logwatch.config.load`, which knows where each value comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Folder = Path("/var/lib/logwatchd")
    budget: Budget = Budget(count=2, per=86400.0)
    max_incidents: Rate = Rate(count=20, per=3600.0)
    learning: Literal["online", "frozen"] = "online"
    model: Folder | None = None  # a bundle that a fresh state begins with
    warmup: Size = 64 * 2**20
    redact: tuple[Redaction, ...] = ("token", "password", "email")
    outbox_max: Size = 256 * 2**20
    when_full: Literal["pause", "drop_oldest"] = "pause"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    learn_cap: Annotated[float, Field(gt=0)] = 500.0  # segments per second of event time: a tenth of a core
    idle_after: Duration = 30.0
    lateness: Duration = 5.0
    key_ttl: Annotated[Duration, AfterValidator(_check_ttl)] = 7 * 86400.0  # of a source's own time
    max_series: Annotated[int, Field(ge=1)] = 10_000  # of a source's metrics, kept in memory
    plugins_dir: Folder | None = None
    history: History = History()
    dead_letters: DeadLetters = DeadLetters()
    heatmap: Heatmap = Heatmap()
    http: Http = Http()
    template: tuple[TemplateRule, ...] = ()
    rule: AlertRules = ()
    mark: tuple[MarkTable, ...] = ()
    source: tuple[SourceTable, ...] = ()
    sink: tuple[SinkTable, ...] = ()
    detectors: dict[str, DetectorTable] = {}
    decoders: dict[str, Table] = {}
    hooks: dict[str, DetectorTable] = {}
    risk: dict[str, RiskTable] = {}
