"""OpenTelemetry's metrics as OTLP/JSON writes them (opentelemetry-proto, metrics.proto)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from logwatch.parse.metrics.names import spelled
from logwatch.parse.metrics.values import number
from logwatch.samples import SampleKind

_DELTA = (1, "AGGREGATION_TEMPORALITY_DELTA")
_SCALARS = ("stringValue", "intValue", "boolValue", "doubleValue")
_OF_THE_PROGRAM = ("process.", "telemetry.", "os.")
"""Attributes of resources that name no series: they change with every start or release, and a command line is long."""
Labels = tuple[tuple[str, str], ...]


class Point(NamedTuple):
    """One value of one series. `value` is None where it is no number."""

    name: str
    labels: Labels
    kind: SampleKind
    time: Any
    value: float | None


def points(record: dict[str, Any]) -> Iterator[Point]:
    """The points of an export, in its order; what is not as the protocol has it is left out."""
    for resource in _objects(record, "resourceMetrics"):
        outer = tuple(one for one in _labels(resource.get("resource")) if not one[0].startswith(_OF_THE_PROGRAM))
        for scope in (*_objects(resource, "scopeMetrics"), *_objects(resource, "instrumentationLibraryMetrics")):
            for metric in _objects(scope, "metrics"):
                name = metric.get("name")
                if type(name) is str and name:
                    yield from _metric(name, metric, outer)


def _metric(name: str, metric: dict[str, Any], outer: Labels) -> Iterator[Point]:
    for form, told in metric.items():
        read = _FORMS.get(form)
        if read is not None and type(told) is dict:
            for point in _objects(told, "dataPoints"):
                yield from read(name, told, point, outer + _labels(point))


def _gauge(name: str, told: dict[str, Any], point: dict[str, Any], labels: Labels) -> Iterator[Point]:
    yield Point(name, labels, SampleKind.GAUGE, _time(point), _value(point))


def _sum(name: str, told: dict[str, Any], point: dict[str, Any], labels: Labels) -> Iterator[Point]:
    kind = _counted(told) if told.get("isMonotonic") is True or _is_delta(told) else SampleKind.GAUGE
    yield Point(name, labels, kind, _time(point), _value(point))


def _histogram(name: str, told: dict[str, Any], point: dict[str, Any], labels: Labels) -> Iterator[Point]:
    """Buckets as Prometheus has them: counted from below, with their upper bounds. Those of a delta are DELTA."""
    time, kind = _time(point), _counted(told)
    counts, bounds = point.get("bucketCounts"), point.get("explicitBounds")
    if type(counts) is list and type(bounds) is list and len(counts) == len(bounds) + 1:
        below = accumulate(_count(one) for one in counts)
        for bound, count in zip((*bounds, math.inf), below, strict=True):
            le = "+Inf" if bound == math.inf else str(bound)
            of = SampleKind.BUCKET if kind == SampleKind.COUNTER else kind
            yield Point(f"{name}_bucket", (*labels, ("le", le)), of, time, count)
    for part in ("sum", "count"):
        if part in point:
            yield Point(f"{name}_{part}", labels, kind, time, number(point[part]))


def _summary(name: str, told: dict[str, Any], point: dict[str, Any], labels: Labels) -> Iterator[Point]:
    time = _time(point)
    for one in _objects(point, "quantileValues"):
        quantile = (*labels, ("quantile", str(one.get("quantile", 0))))
        yield Point(name, quantile, SampleKind.GAUGE, time, number(one.get("value", 0)))
    for part in ("sum", "count"):
        if part in point:
            yield Point(f"{name}_{part}", labels, SampleKind.COUNTER, time, number(point[part]))


_FORMS = {
    "gauge": _gauge, "sum": _sum, "histogram": _histogram, "exponentialHistogram": _histogram, "summary": _summary
}  # fmt: skip


def _time(point: dict[str, Any]) -> Any:
    """Zero is the protocol's way to say that there is none."""
    time = point.get("timeUnixNano")
    return None if time in (0, "0") else time


def _is_delta(told: dict[str, Any]) -> bool:
    return told.get("aggregationTemporality") in _DELTA


def _counted(told: dict[str, Any]) -> SampleKind:
    return SampleKind.DELTA if _is_delta(told) else SampleKind.COUNTER


def _value(point: dict[str, Any]) -> float | None:
    """64 bit integers are text in the JSON of protocol buffers. No value: not recorded."""
    return number(point.get("asDouble", point.get("asInt")))


def _count(value: Any) -> float:
    found = number(value)
    return math.nan if found is None else found


def _objects(record: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = record.get(name)
    return [one for one in found if type(one) is dict] if type(found) is list else []


def _labels(holder: Any) -> Labels:
    """The attributes of a resource or of a point."""
    if type(holder) is not dict:
        return ()
    return tuple((str(one.get("key")), _text(one.get("value"))) for one in _objects(holder, "attributes"))


def _text(value: Any) -> str:
    if type(value) is dict and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in _SCALARS and type(inner) not in (dict, list):
            return inner if type(inner) is str else spelled(inner)
    return spelled(value)
