"""Own counters, and the set-up of the program's own log: the same for every component.

Every metric is declared in this file and nowhere else: `METRICS` is the one table of them. A label's values are
bounded, since a source's name may come from an untrusted path.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator, MutableMapping
from typing import Any, Literal, TextIO

from logwatch.plain import escape

MAX_SERIES = 20_000
"""Label combinations of one metric; more (a name per request, say) are counted together under `other`."""

METRICS: dict[str, Metric] = {}
"""Every metric by name."""


class Metric:
    """A number that can be read at any time, from any thread.

    Args:
        name: `logwatchd_…`, base units, `_total` for what only grows (prometheus.io, "Metric and label naming").
        help: one sentence.
        labels: names of its labels; every call names them all.
    """

    kind: Literal["counter", "gauge"]

    def __init__(self, name: str, help: str, labels: tuple[str, ...] = ()) -> None:
        if name in METRICS:
            raise ValueError(f"metric {name} is declared twice")
        self.name, self.help, self.labels = name, help, labels
        self._values: dict[tuple[str, ...], float] = {} if labels else {(): 0.0}
        self._lock = threading.Lock()
        METRICS[name] = self

    def _series(self, labels: dict[str, str]) -> tuple[str, ...]:
        series = tuple(labels[label] for label in self.labels)
        if len(labels) != len(series):
            raise KeyError(f"{self.name} has the labels {self.labels}")
        if series not in self._values and len(self._values) >= MAX_SERIES:
            return ("other",) * len(series)
        return series

    def value(self, **labels: str) -> float:
        """The current value; 0 for a series that was never touched."""
        with self._lock:
            return self._values.get(self._series(labels), 0.0)

    def series(self) -> list[tuple[tuple[str, ...], float]]:
        """(label values, value) of every series, sorted."""
        with self._lock:
            return sorted(self._values.items())

    def forget(self, **labels: str) -> None:
        """Drop one series: what it told of is ours no more."""
        with self._lock:
            self._values.pop(self._series(labels), None)

    def reset(self) -> None:
        """Forget everything; for tests."""
        with self._lock:
            self._values = {} if self.labels else {(): 0.0}


class Counter(Metric):
    """Only grows."""

    kind = "counter"

    def inc(self, amount: float = 1, /, **labels: str) -> None:
        """Add `amount` ≥ 0."""
        with self._lock:
            series = self._series(labels)
            self._values[series] = self._values.get(series, 0.0) + amount


class Gauge(Metric):
    """Goes up and down."""

    kind = "gauge"

    def set(self, value: float, /, **labels: str) -> None:
        """Replace the value."""
        with self._lock:
            self._values[self._series(labels)] = value


RECORDS = Counter("logwatchd_records_total", "Records read.", ("source",))
BYTES = Counter("logwatchd_bytes_total", "Bytes read.", ("source",))
MARKED = Counter("logwatchd_marked_records_total", "Records that are truncated, invalid or untrusted_time.", ("mark",))
DROPPED = Counter("logwatchd_dropped_total", "What was given up, and why.", ("reason",))
GAPS = Counter("logwatchd_gaps_total", "Ranges of input that were lost.", ("reason",))
RACES = Counter("logwatchd_truncation_races_total", "Truncations of quiet files: a line just before may be lost.")
ALERTS = Counter("logwatchd_alerts_total", "Alerts by state: open, update, end, digest.", ("source", "state"))
DELIVERED = Counter("logwatchd_delivered_total", "Alerts delivered.", ("sink",))
DELIVERY_FAILURES = Counter(
    "logwatchd_delivery_failures_total", "Deliveries that failed and are tried again.", ("sink",)
)
DELIVERY_RETRIES = Counter(
    "logwatchd_delivery_retries_total", "Deliveries tried again after one that failed.", ("sink",)
)
REFUSED = Counter(
    "logwatchd_refused_alerts_total", "Alerts that a sink will never take, kept as dead letters.", ("sink",)
)
REPEATED = Counter(
    "logwatchd_repeated_alerts_total", "Alerts told again, since their incident is still open.", ("sink",)
)
COMMITS = Counter("logwatchd_commits_total", "Checkpoints written.")
COMMIT_SECONDS = Counter("logwatchd_commit_seconds_total", "Time spent writing checkpoints.")
DIRECTIVES = Counter("logwatchd_directives_total", "Commands obeyed: feedback, mark, model.", ("kind",))
SILENCED = Counter("logwatchd_silenced_total", "Alerts that did not go out: marked as normal.", ("source",))
CHUNKS = Counter("logwatchd_chunks_total", "Chunks learned.")
TRAINED = Counter("logwatchd_trained_events_total", "Events that the model was trained on.")
MODEL_VERSIONS = Counter(
    "logwatchd_model_versions_total",
    "Versions of the log LSTM that ended: kept, rolled back, left, refused.",
    ("state",),
)
DRIFTS = Counter("logwatchd_drifts_total", "Times that the templates of a source moved.", ("source",))
REVISED = Counter(
    "logwatchd_revised_lines_total", "Lines whose template changed after they came, since templates were merged."
)
OVERFLOWED = Counter(
    "logwatchd_overflowed_lines_total", "Lines that were given no template of their own, since too many are new."
)
SHARED = Counter(
    "logwatchd_shared_records_total", "Records of sources or streams too many to be told apart.", ("what",)
)
RETIRED = Counter("logwatchd_retired_templates_total", "Templates given up for new ones, since the table is full.")
PARSERS_LOST = Counter("logwatchd_parsers_lost_total", "Processes that parse ahead of scoring, and died.")
PLUGIN_CALLS = Counter("logwatchd_plugin_calls_total", "Calls of third-party components.", ("component", "method"))
PLUGIN_ERRORS = Counter("logwatchd_plugin_errors_total", "Calls of them that failed.", ("component", "method"))
PLUGIN_SECONDS = Counter("logwatchd_plugin_seconds_total", "Time spent in them.", ("component",))

REBALANCES = Counter("logwatchd_kafka_rebalanced_partitions_total", "Partitions assigned, revoked or lost.", ("kind",))
STUCK = Counter("logwatchd_kafka_stuck_partitions_total", "Partitions of which nothing came any more.", ("action",))
RESTORED = Counter("logwatchd_partitions_restored_total", "Partitions whose state was restored from a state topic.")
RESTORE_SECONDS = Counter("logwatchd_restore_seconds_total", "Time from their assignment until they were restored.")
COMMITS_FAILED = Counter(
    "logwatchd_partition_commits_failed_total", "Commits of partitions that failed: refused, or not answered."
)
SAMPLES = Counter("logwatchd_samples_total", "Samples of metrics read.")
DROPPED_SAMPLES = Counter("logwatchd_dropped_samples_total", "Samples of metrics that were given up.", ("reason",))
MARKED_SAMPLES = Counter(
    "logwatchd_marked_samples_total", "Samples of metrics that were not taken as they came.", ("mark",)
)
SERIES_NEWS = Counter("logwatchd_series_news_total", "What was noticed of series beside their values.", ("news",))
HEATMAPS = Counter("logwatchd_heatmaps_total", "Windows of metrics kept as heatmaps.")
RISK = Gauge("logwatchd_risk", "Latest probability that a source fails within the horizon.", ("source", "model"))
RISKS = Counter(
    "logwatchd_risk_windows_total", "Windows of metrics assessed, by answer: risk, none.", ("model", "answer")
)
RISK_SECONDS = Counter("logwatchd_risk_seconds_total", "Time spent in assessing windows.", ("model",))
DEAD_LETTERS = Counter("logwatchd_dead_letters_total", "Records that could not be used, by reason.", ("reason",))

DETECTOR_SECONDS = Counter(
    "logwatchd_detector_cpu_seconds_total", "CPU time spent in a detector, in whatever thread.", ("detector",)
)

SOURCES = Gauge("logwatchd_sources", "Sources known.")
EXPIRED = Counter("logwatchd_expired_keys_total", "Keys forgotten: silent for longer than key_ttl.")
KEYS = Gauge("logwatchd_keys", "Keys (source, instance, entity) held in memory.")
TEMPLATES = Gauge("logwatchd_templates", "Templates known.")
INCIDENTS = Gauge("logwatchd_open_incidents", "Incidents open now.")
OUTBOX = Gauge("logwatchd_outbox_bytes", "Alerts committed but not delivered yet.", ("sink",))
OUTBOX_ALERTS = Gauge("logwatchd_outbox_alerts", "Alerts committed but not delivered yet.", ("sink",))
OUTBOX_AGE = Gauge(
    "logwatchd_outbox_oldest_seconds", "Age of the oldest alert that is not delivered yet; 0 without one.", ("sink",)
)
CIRCUIT = Gauge(
    "logwatchd_sink_circuit", "0: a sink delivers; 1: it is being tried; 2: it failed too often, and is left alone.",
    ("sink",),
)  # fmt: skip
PAUSED = Gauge("logwatchd_paused", "1 while nothing is read, because an outbox or the disk is full.")
WATERMARK = Gauge(
    "logwatchd_watermark_seconds", "How far a source's own time has come, seconds since the epoch.", ("source",)
)
LAST_COMMIT = Gauge("logwatchd_last_commit_seconds", "Time of the newest checkpoint, seconds since the epoch.")
CONSUMER_LAG = Gauge(
    "logwatchd_kafka_lag_records", "Records of a partition that are not processed yet.", ("topic", "partition")
)
NEWEST_RECORD = Gauge(
    "logwatchd_kafka_newest_record_seconds",
    "Time of the newest record read from a partition, seconds since the epoch.",
    ("topic", "partition"),
)
BUDGET_ASKED = Gauge("logwatchd_budget_asked", "Incidents a day that the budget of a source asks for.", ("source",))
BUDGET_ACHIEVED = Gauge(
    "logwatchd_budget_achieved", "Incidents a day of a source's own time that were opened.", ("source",)
)
VERDICT_FOUND = Gauge(
    "logwatchd_verdict_incidents",
    "Incidents of a source's last 30 days that a detector finds alone; whole: all, without_lstm: by all others.",
    ("source", "signal", "detector"),
)
VERDICT_ALONE = Gauge(
    "logwatchd_verdict_alone",
    "Incidents that a detector alone would have alerted in those 30 days at the same budget.",
    ("source", "signal", "detector"),
)
DRIFT = Gauge(
    "logwatchd_drift", "How far the last hour's templates of a source are from the last day's, 0 to 1.", ("source",)
)
PLUGIN_OFF = Gauge("logwatchd_plugin_off", "1 while a component that kept failing is switched off.", ("component",))


def exposition() -> Iterator[str]:
    """All metrics in the Prometheus text format 0.0.4, line by line."""
    for metric in METRICS.values():
        yield f"# HELP {metric.name} {metric.help}\n"
        yield f"# TYPE {metric.name} {metric.kind}\n"
        for series, value in metric.series():
            pairs = ",".join(f'{label}="{_quoted(text)}"' for label, text in zip(metric.labels, series, strict=True))
            yield f"{metric.name}{{{pairs}}} {value:.17g}\n" if pairs else f"{metric.name} {value:.17g}\n"


def _quoted(text: str) -> str:
    return "\n".join(map(escape, text.split("\n"))).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


_SECRET_KEY = re.compile(r"pass(word|wd|phrase)?$|secret|token|api_?key|authorization|cookie|credential", re.IGNORECASE)
_SECRET_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@", re.IGNORECASE)


def hide_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: values of keys that name a secret, and passwords inside URLs, are replaced by `***`."""
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = "***"
        elif isinstance(value, str) and "://" in value:
            event[key] = _SECRET_URL.sub(r"\1***@", value)
    return event


def show_controls(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: what could act on a terminal is shown as an escape; a traceback keeps its lines."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = "\n".join(map(escape, value.split("\n"))) if key == "exception" else escape(value)
    return event


class Logger:
    """A structlog logger that is made at its first message: `--help` and `check-config` never pay for structlog.

    Args:
        name: of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        import structlog  # 0.1 s

        return getattr(structlog.get_logger(self._name), method)


def configure_log(
    style: Literal["auto", "console", "json", "logfmt"] = "auto",
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Set the program's own log up, once, at start; it goes to standard error.

    Args:
        style: `auto` is `console` on a terminal and `logfmt` elsewhere.
        level: the lowest that is shown: debug, info, warning, error.
        stream: where to write; None: standard error.
    """
    import structlog

    out = stream or sys.stderr
    if style == "auto":
        style = "console" if out.isatty() else "logfmt"
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    renderers: dict[str, Any] = {
        "console": structlog.dev.ConsoleRenderer(colors=out.isatty(), timestamp_key="time"),
        "json": structlog.processors.JSONRenderer(),
        "logfmt": structlog.processors.LogfmtRenderer(key_order=["time", "level", "event"], bool_as_flag=False),
    }
    if style != "json":  # which is ASCII alone
        processors.append(show_controls)
    structlog.configure(
        processors=[*processors, renderers[style]],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
