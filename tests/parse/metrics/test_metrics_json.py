"""JSON lines: long, wide, Telegraf's, OTLP's."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.parse.metrics.metric_batches import brief, ns, read

T = 1_700_000_000


def dumped(*records: dict[str, Any]) -> list[str]:
    return [json.dumps(record) for record in records]


@pytest.mark.parametrize(
    "record",
    [
        {"name": "cpu", "labels": {"host": "a"}, "value": 1.5, "time": "2023-11-14T22:13:20Z"},
        {"metric": "cpu", "tags": {"host": "a"}, "value": "1.5", "timestamp": T},
        {"metric": "cpu", "tags": ["host:a"], "value": 1.5, "timestamp": T * 10**3},
        {"Metric": "cpu", "Tags": "host=a", "Value": 1.5, "@timestamp": T * 10**6},
        {"name": "cpu", "host": "a", "val": 1.5, "ts": T * 10**9},
        {"name": 'cpu{host="a"}', "value": 1.5, "ts": float(T)},
        {"time": T, "metrics": {'cpu{host="a"}': 1.5}},
        {"time": T, "labels": {"host": "a"}, "metrics": {"cpu": 1.5}},
        {"time": T, "labels": {"host": "a"}, "metrics": [{"name": "cpu", "value": 1.5}]},
        {"time": T, "host": "a", "cpu": 1.5, "note": "quiet"},
        {"fields": {"value": 1.5, "state": "up"}, "name": "cpu", "tags": {"host": "a"}, "timestamp": T},
        {"metrics": [{"fields": {"value": 1.5}, "name": "cpu", "tags": {"host": "a"}, "timestamp": T}]},
    ],
)
def test_the_usual_shapes_say_the_same(record: dict[str, Any]) -> None:
    found, failed = read(dumped(record))
    assert failed == {}
    assert found == [(0, 'cpu{host="a"}', "UNKNOWN", ns("2023-11-14T22:13:20"), 1.5)]


def test_telegraf_fields_are_named_by_measurement_and_field() -> None:
    record = {"fields": {"user": 1, "idle": 2.5, "ok": True}, "name": "cpu", "tags": {}, "timestamp": T}
    assert brief(dumped(record)) == [(0, "cpu_user", 1.0), (0, "cpu_idle", 2.5), (0, "cpu_ok", 1.0)]


def test_a_record_may_say_what_kind_it_is() -> None:
    records = [{"name": "x", "value": 1, "time": T, "type": kind} for kind in ("counter", "gauge", "delta", "cpu")]
    assert [one.kind for one in read(dumped(*records))[0]] == ["COUNTER", "GAUGE", "DELTA", "UNKNOWN"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"name": "x", "value": 1, "time": T}, {"name": "x", "value": "high", "time": T}),
        ({"x": 1, "y": 1, "time": T}, {"x": "high", "y": 1, "time": T}),
        ({"metrics": {"x": 1}, "time": T}, {"metrics": {"x": "high"}, "time": T}),
        ({"name": "m", "fields": {"x": 1}, "timestamp": T}, {"name": "m", "fields": {"x": "high"}, "timestamp": T}),
    ],
)
def test_a_metric_that_became_a_string_fails(before: dict[str, Any], after: dict[str, Any]) -> None:
    found, failed = read(dumped(before, after))
    assert failed == {1: "not_a_number"}
    assert [(one.row, one.value) for one in found if one.row == 0 or "y" not in one.series]


@pytest.mark.parametrize("text", ["NaN", "null", '"N/A"', '""'])
def test_what_is_missing_is_not_a_number_and_no_fault(text: str) -> None:
    found, failed = read(['{"time":1700000000,"x":1}', f'{{"time":1700000001,"x":{text}}}'])
    assert failed == {}
    assert math.isnan(found[1].value)


@pytest.mark.parametrize("text", ["Infinity", "-Infinity", "1e308", '"+Inf"', "1" + "0" * 30, "1" + "0" * 500])
def test_infinite_and_huge_values_are_passed_on(text: str) -> None:
    found, failed = read([f'{{"time":1700000000,"metrics":{{"x":{text}}}}}'])
    assert failed == {}
    assert found[0].value == pytest.approx(float(text.strip('"'))) or found[0].value == 1e308


def test_lines_of_a_log_and_of_nothing_fail() -> None:
    lines = [
        '{"level":"info","msg":"hello","ts":1700000000,"count":3}', '{"time":1700000000}', "{", "[]", "",
        '{"name":7,"value":1}', '{"time":"soon","x":1}', '{"time":{},"x":1}',
    ]  # fmt: skip
    found, failed = read(lines, "json")
    assert found == []
    assert failed == {
        0: "not_metrics", 1: "not_metrics", 2: "not_json", 3: "not_json", 5: "not_metrics", 6: "bad_time",
        7: "bad_time",
    }  # fmt: skip


def test_labels_of_other_types_are_written_as_json() -> None:
    record = {"name": "x", "value": 1, "time": T, "labels": {"a": 1, "b": True, "c": None, "d": [1, "z"], "e": ""}}
    assert brief(dumped(record)) == [(0, r'x{a="1",b="true",d="[1,\"z\"]"}', 1.0)]


def test_values_that_compare_equal_are_different_labels() -> None:
    records = [{"name": "x", "value": 1, "time": T, "labels": {"a": value}} for value in (1, True, 1.0, "1")]
    assert [series for _, series, _ in brief(dumped(*records))] == [
        'x{a="1"}', 'x{a="true"}', 'x{a="1.0"}', 'x{a="1"}'
    ]  # fmt: skip


def otlp(*metrics: dict[str, Any]) -> str:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return json.dumps({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": list(metrics)}]}]})


def point(**told: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(T * 10**9), "attributes": [{"key": "k", "value": {"intValue": "7"}}], **told}


def test_otlp_sums_are_counters_deltas_or_gauges() -> None:
    def total(monotonic: bool, temporality: object, **value: Any) -> dict[str, Any]:
        told = {"isMonotonic": monotonic, "aggregationTemporality": temporality, "dataPoints": [point(**value)]}
        return {"name": "x", "sum": told}

    line = otlp(
        {"name": "g", "gauge": {"dataPoints": [point(asInt="5")]}},
        total(True, 2, asDouble=1.5), total(True, 1, asDouble=2.5), total(False, 2, asInt="-3"),
        total(True, "AGGREGATION_TEMPORALITY_DELTA", asInt=4),
    )  # fmt: skip
    found, failed = read([line])
    assert failed == {}
    assert [(one.kind, one.value) for one in found] == [
        ("GAUGE", 5.0), ("COUNTER", 1.5), ("DELTA", 2.5), ("GAUGE", -3.0), ("DELTA", 4.0)
    ]  # fmt: skip
    assert found[0] == (0, 'g{k="7",service.name="shop"}', "GAUGE", T * 10**9, 5.0)


@pytest.mark.parametrize(("temporality", "bucket", "rest"), [(2, "BUCKET", "COUNTER"), (1, "DELTA", "DELTA")])
def test_otlp_histograms_are_counted_from_below(temporality: int, bucket: str, rest: str) -> None:
    told = point(count="6", sum=9.5, bucketCounts=["1", "2", "3"], explicitBounds=[0.5, 10])
    found, _ = read([otlp({"name": "h", "histogram": {"aggregationTemporality": temporality, "dataPoints": [told]}})])
    rest_of = 'k="7",service.name="shop"'
    assert [(one.series, one.kind, one.value) for one in found] == [
        ('h_bucket{k="7",le="0.5",service.name="shop"}', bucket, 1.0),
        ('h_bucket{k="7",le="10",service.name="shop"}', bucket, 3.0),
        ('h_bucket{k="7",le="+Inf",service.name="shop"}', bucket, 6.0),
        (f"h_sum{{{rest_of}}}", rest, 9.5),
        (f"h_count{{{rest_of}}}", rest, 6.0),
    ]


def test_otlp_summaries_are_quantiles() -> None:
    told = point(count="6", sum=9.5, quantileValues=[{"quantile": 0.5, "value": 2}])
    found, _ = read([otlp({"name": "s", "summary": {"dataPoints": [told]}})])
    assert [(one.kind, one.value) for one in found] == [("GAUGE", 2.0), ("COUNTER", 9.5), ("COUNTER", 6.0)]
    assert 'quantile="0.5"' in found[0].series


def test_attributes_of_the_program_that_runs_name_no_series() -> None:
    told = {"service.name": "shop", "process.command_line": "java " * 500, "process.pid": "7", "os.version": "6.1"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in told.items()]
    metrics = [{"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": str(T * 10**9), "asInt": "5"}]}}]
    scopes = [{"metrics": metrics}]
    assert brief(dumped({"resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": scopes}]})) == [
        (0, 'g{service.name="shop"}', 5.0)
    ]
