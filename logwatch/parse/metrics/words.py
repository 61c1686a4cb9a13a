"""Names that fields and columns of metrics usually have, in lower case."""

from __future__ import annotations

TIME = frozenset((
    "time", "timestamp", "ts", "@timestamp", "datetime", "date_time", "date", "_time", "t", "epoch", "unixtime",
    "unix_time", "timestamp_ms", "timestamp_ns", "time_ms", "time_ns", "timeunixnano",
))  # fmt: skip
DATE = "date"
"""Beside another word for time, it is the day that the other is the time of."""
NAME = frozenset(("name", "metric", "metric_name", "metricname", "__name__", "measurement", "series"))
VALUE = frozenset(("value", "val", "v", "_value"))
LABELS = frozenset(("labels", "tags", "dimensions", "attributes"))
KIND = frozenset(("type", "kind", "metric_type"))

LABEL = frozenset((
    "host", "hostname", "instance", "job", "service", "app", "application", "program", "env", "environment",
    "namespace", "pod", "container", "node", "cluster", "region", "zone", "datacenter", "dc", "rack", "device",
    "interface", "disk", "mount", "mountpoint", "path", "method", "queue", "topic", "database", "db", "table",
    "unit", "kpi id", "kpi_id", "machine", "server",
))  # fmt: skip
"""Fields and columns whose text is a label, though they do not stand among the labels."""

COUNTED = frozenset(("queue", "disk", "table", "node", "container", "pod", "unit", "db", "database", "job", "topic"))
"""Those of them that also head a column of numbers: in a wide file such a column is measured where it has numbers."""

TRUTH = frozenset(("label", "is_anomaly", "anomaly"))
"""What people marked in data sets: not measured."""

LOG = frozenset((
    "message", "msg", "level", "severity", "lvl", "log", "loglevel", "log.level", "event", "text", "logger", "caller",
    "stack", "stacktrace", "exception", "error", "short_message", "body", "@message",
))  # fmt: skip
"""A record that has one of these is a line of a log."""
