"""Prometheus' text format and OpenMetrics."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from logwatch.parse.metrics.names import named
from tests.parse.metrics.metric_batches import batch, ns, read, reader, seen

SCRAPE = "# logwatchd scrape 1700000000000000000\n"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))


def test_a_scrape_is_one_record_with_one_time() -> None:
    text = '# TYPE up gauge\nup{job="a"} 1\nup{job="b"} 0 1700000005000\n'
    found, failed = read([SCRAPE + text])
    assert failed == {}
    assert found == [
        (0, 'up{job="a"}', "GAUGE", ns("2023-11-14T22:13:20"), 1.0),
        (0, 'up{job="b"}', "GAUGE", ns("2023-11-14T22:13:25"), 0.0),
    ]


def test_types_tell_the_kinds() -> None:
    text = """# HELP c some # TYPE
# TYPE c counter
c_total 1
c_created 1.7e9
# TYPE old_total counter
old_total 1
# TYPE h histogram
h_bucket{le="1"} 1
h_sum 1
h_count 1
# TYPE s summary
s{quantile="0.5"} 1
s_sum 1
s_count 1
# TYPE u untyped
u 1
# TYPE u_total untyped
u_total 1
none 1
none_total 1
none_bucket{le="1"} 1
# TYPE gh gaugehistogram
gh_bucket{le="1"} 1
# TYPE g_sum gauge
g_sum 1
# EOF"""
    found, failed = read([SCRAPE + text])
    assert failed == {}
    assert {one.series.partition("{")[0]: one.kind for one in found} == {
        "c_total": "COUNTER", "old_total": "COUNTER", "h_bucket": "BUCKET", "h_sum": "COUNTER", "h_count": "COUNTER",
        "s": "GAUGE", "s_sum": "COUNTER", "s_count": "COUNTER", "u": "UNKNOWN", "u_total": "COUNTER",
        "none": "UNKNOWN", "none_total": "COUNTER", "none_bucket": "BUCKET", "gh_bucket": "GAUGE", "g_sum": "GAUGE",
    }  # fmt: skip


def test_single_lines_have_the_types_that_the_stream_told_before() -> None:
    one = reader("prometheus")
    seen(one, batch(["# TYPE reads counter"]))
    found, failed = seen(one, batch(['reads{d="sda"} 5 1700000000000', "writes 1 1700000000", "# EOF"]))
    assert failed == {}
    assert [(each.series, each.kind, each.time) for each in found] == [
        ('reads{d="sda"}', "COUNTER", ns("2023-11-14T22:13:20")),
        ("writes", "UNKNOWN", ns("2023-11-14T22:13:20")),
    ]


def test_types_of_a_scrape_do_not_outlast_it() -> None:
    lines = [SCRAPE + "# TYPE x counter\nx 1", "x 2", SCRAPE + "x 3"]
    assert [one.kind for one in read(lines, "prometheus")[0]] == ["COUNTER", "UNKNOWN", "UNKNOWN"]


def test_one_bad_line_costs_that_line_and_not_the_scrape() -> None:
    found, failed = read([SCRAPE + 'a 1\nb{x="1} 2\nc 3\n9d 1\n', SCRAPE + "a one\nc 1\n", SCRAPE + "a 1 2 3\n"])
    assert [(one.row, one.series) for one in found] == [(0, "a"), (0, "c"), (1, "c")]
    assert failed == {0: "not_prometheus", 1: "not_a_number", 2: "not_prometheus"}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e308", "0x", "1_0"])
def test_values_are_passed_on_as_they_come(value: str) -> None:
    found, failed = read([SCRAPE + f"a {value}"])
    if value in ("0x", "1_0"):
        assert (found, failed) == ([], {0: "not_a_number"})
    else:
        assert found[0].value == float(value) or math.isnan(found[0].value)


def test_exemplars_are_left_out_wherever_a_hash_stands() -> None:
    text = 'a_bucket{le="1",x="} # {"} 17 1700000001.5 # {trace_id="} 9"} 0.5 1700000000.1\nb 1 # {x="y"} 2'
    found, failed = read([SCRAPE + text])
    assert failed == {}
    assert [(one.series, one.value, one.time) for one in found] == [
        ('a_bucket{le="1",x="} # {"}', 17.0, ns("2023-11-14T22:13:21.5")), ("b", 1.0, ns("2023-11-14T22:13:20"))
    ]  # fmt: skip


def test_names_may_be_quoted() -> None:
    found, failed = read([SCRAPE + '# TYPE "my.reads" counter\n{"my.reads", "a.b"="c"} 1'])
    assert failed == {}
    assert [(one.series, one.kind) for one in found] == [('my.reads{a.b="c"}', "COUNTER")]


@settings(max_examples=40)
@given(st.lists(st.tuples(TEXT, st.floats(allow_nan=False)), max_size=4, unique_by=lambda one: one[0]), st.booleans())
def test_the_official_parser_finds_the_same(told: list[tuple[str, float]], as_openmetrics: bool) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", 'help "\\ \n x', ["path"], registry=registry)
    counter = Counter("c", "help", ["path"], registry=registry)
    histogram = Histogram("h", "help", ["path"], registry=registry)
    summary = Summary("s", "help", ["path"], registry=registry)
    for path, value in told:
        gauge.labels(path).set(value)
        counter.labels(path).inc(abs(value), {"trace": "ab} # 1"} if as_openmetrics else None)
        histogram.labels(path).observe(abs(value))
        summary.labels(path).observe(abs(value))
    text = (openmetrics.generate_latest if as_openmetrics else generate_latest)(registry).decode()
    families = list((read_openmetrics if as_openmetrics else read_text)(text))
    wanted = [
        (str(named(s.name, s.labels.items())), float(s.value))
        for family in families
        for s in family.samples
        if not s.name.endswith("_created")
    ]
    found, failed = read([SCRAPE + text])
    assert failed == {}
    assert sorted((one.series, one.value) for one in found) == sorted(wanted)


def histogram(scrapes: int, stamped: bool) -> list[str]:
    lines = ["# TYPE lat histogram"]
    for scrape in range(1, scrapes + 1):
        time = f" {(1_700_000_000 + 15 * scrape) * 1000}" if stamped else ""
        for path in "ab":
            lines += [
                f'lat_bucket{{path="{path}",le="{le}"}} {scrape * n}{time}' for n, le in ((3, "0.1"), (5, "+Inf"))
            ]
            lines += [f'lat_sum{{path="{path}"}} {scrape}{time}', f'lat_count{{path="{path}"}} {scrape * 5}{time}']
    return [*lines, "up 1"]


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_single_lines_of_a_histogram_are_one_record(stamped: bool, size: int) -> None:
    lines, one, found = histogram(3, stamped), reader(), []
    for at in range(0, len(lines), size):
        part, failed = seen(one, batch(lines[at : at + size]), at)
        found += part
        assert failed == {}
        again, cells = reader(), one.changes()
        again.restore({name: cell for name, cell in cells if cell is not None})
        one = again if size == 3 else one
    rows: dict[int, list[str]] = {}
    for sample in found:
        rows.setdefault(sample.row, []).append(sample.series)
    whole = [
        [f'lat_bucket{{le="{le}",path="{p}"}}' for le in ("0.1", "+Inf")]
        + [f'lat_{s}{{path="{p}"}}' for s in ("sum", "count")]
        for p in "ab"
    ]
    assert [sorted(one) for one in rows.values()] == [sorted(one) for one in [*whole * 2, whole[0], [*whole[1], "up"]]]


def test_a_bad_line_among_buckets_fails_by_itself() -> None:
    lines = ['a_bucket{le="1"} 1', 'a_bucket{le="2"} x', 'a_bucket{le="+Inf"} 2', "up 1"]
    found, failed = read(lines)
    assert failed == {1: "not_a_number"}
    assert len(found) == 3
