"""Which streams are metrics, and of what format."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse.metrics import MetricReader, MetricSettings, looks_like_metrics
from logwatch.parse.metrics.detect import format_of
from tests.parse.formats.dialects import DIALECTS
from tests.parse.metrics.metric_batches import read
from tests.parse.metrics.metric_texts import FORMATS, WRITERS, samples, writable

ROOT = Path(__file__).parents[3]
LOGS = sorted((ROOT / "tests" / "data").rglob("*.log.gz"))
LOGHUB = sorted(Path(os.environ.get("LOGWATCHD_BENCH_DATA", "data")).glob("loghub2k/*.gz"))
SIZES = (1, 2, 5, 32)


def taken_for_metrics(path: Path) -> list[bytes]:
    """First lines of what is wrongly taken for metrics, wherever a stream may begin."""
    lines = gzip.decompress(path.read_bytes()).split(b"\n")[:2000]
    return [lines[at] for n in SIZES for at in range(0, len(lines), n) if looks_like_metrics(lines[at : at + n])]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_recorded_log_is_taken_for_metrics(path: Path) -> None:
    assert taken_for_metrics(path) == []


@pytest.mark.skipif(not LOGHUB, reason="needs loghub2k below LOGWATCHD_BENCH_DATA")
def test_no_log_of_loghub_is_taken_for_metrics() -> None:
    assert {path.name: found for path in LOGHUB if (found := taken_for_metrics(path))} == {}


@pytest.mark.parametrize("name", DIALECTS)
def test_no_dialect_of_logs_is_taken_for_metrics(name: str) -> None:
    line = DIALECTS[name].line
    assert not looks_like_metrics([line])
    assert not looks_like_metrics([line] * 9)


@pytest.mark.parametrize(
    "lines",
    [
        ["level=info msg=ready user=7"],
        ["stats requests=15,errors=0"],
        ["Accepted user=7 1700000000"],
        ["Done 12"],
        ["time,level,message", "1700000000,info,ready"],
        ["time,user", "1700000000,bob"],
        ["time,code"],
        ['{"time":1700000000,"level":"info","count":3}'],
        ['{"ts":1700000000,"msg":"ready","value":3,"name":"x"}'],
        ['{"time":1700000000,"status":200,"path_info":"/x","bytes":12}'],
        ['{"level":"info","metrics":{"a":1},"message":"stats","time":1}'],
        ['{"time":1700000000,"a":1}', "plain text"],
        ["m x=1 1700000000000", "Traceback (most recent call last):"],
        [""],
        [],
    ],
)
def test_lines_of_logs_are_no_metrics(lines: list[str]) -> None:
    assert not looks_like_metrics([line.encode() for line in lines])


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=30)
@given(st.data())
def test_each_format_tells_itself(name: str, data: st.DataObject) -> None:
    told = writable(name, data.draw(samples("")))
    told = [one._replace(labels=(("host", "web=1 x"), *one.labels)) for one in told if abs(one.value) < 1e300]
    lines = [line.encode() for line in WRITERS[name](told)]
    if told:
        assert looks_like_metrics(lines)
        assert format_of(lines[0]) == FORMATS[name]


@pytest.mark.parametrize(
    ("line", "format"),
    [("# HELP a b", "prometheus"), ('a{b="c"} 1', "prometheus"), ("node_load1 0.5", "prometheus"),
     ("m,t=a x=1i 5", "influx"), ('m s="a b"', "influx"), ("timestamp;a;b", "csv"), (",cpu,mem", "csv"), ("{}", "json"),
     ("Done 12", ""), ("1700000000,1", ""), ("some text", "")],
)  # fmt: skip
def test_a_line_tells_the_format(line: str, format: str) -> None:
    assert format_of(line.encode()) == format


def test_lines_before_the_first_that_tells_the_format_fail() -> None:
    found, failed = read(["banner of the program", "", "timestamp,a", "1700000000,1"])
    assert [one.row for one in found] == [3]
    assert failed == {0: "not_metrics"}


def test_a_header_alone_is_enough_where_it_names_name_and_value() -> None:
    assert looks_like_metrics([b"time,name,labels,value"])
    assert not looks_like_metrics([b"timestamp,user,action"])


def test_settings_are_checked() -> None:
    from logwatch.errors import ConfigError
    from tests.parse.metrics.metric_batches import batch

    for wrong in (MetricSettings(format="xml"), MetricSettings(timezone="Mars/Olympus")):
        with pytest.raises(ConfigError):
            MetricReader(lambda source, wrong=wrong: wrong).read(batch(["x"]))


def test_batches_of_a_producer_are_metrics() -> None:
    record = {"fields": {"x": 1}, "name": "m", "tags": {}, "timestamp": 1_700_000_000}
    assert looks_like_metrics([json.dumps({"metrics": [record, record]}).encode()])
