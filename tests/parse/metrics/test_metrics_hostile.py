"""Whatever the bytes are, reading them ends, in bounds and without an exception."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logwatch.parse.metrics import looks_like_metrics
from logwatch.score.series.names import name_of, text_of
from logwatch.types import Flag
from tests.parse.metrics.metric_batches import batch, read, reader, seen
from tests.parse.metrics.metric_texts import WRITERS, samples

FORMATS = ["auto", "json", "influx", "prometheus", "csv"]
BEGINNINGS = ["", "timestamp,a,b", "time,name,labels,value", "# TYPE a counter", '{"time":1,"a":1}', "m a=1"]
SCRAPE = b"# logwatchd scrape 1700000000000000000\n"


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=80)
@given(st.sampled_from(BEGINNINGS), st.lists(st.binary(max_size=40), max_size=6))
@example("", [b'"', b"\\", b'a{b="', b"{", b"a b=", SCRAPE + b"\xff{"])
@example("timestamp,a,b", [b"1e400,1,2", b"-1,1,2", b"2999-01-01 00:00:00,1,2", b"99999999999999999999999,1,2"])
def test_no_bytes_are_an_exception(format: str, beginning: str, lines: list[bytes]) -> None:
    read([beginning, *lines], format)
    looks_like_metrics([beginning.encode(), *lines])


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40)
@given(st.data())
def test_no_damage_to_good_lines_is_an_exception(name: str, data: st.DataObject) -> None:
    lines = [line.encode() for line in WRITERS[name](data.draw(samples(', ="\\\n;{}#')))]
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.integers(0, len(lines) - 1))
        at = data.draw(st.integers(0, len(lines[row])))
        end = at + data.draw(st.integers(0, 5))
        lines[row] = lines[row][:at] + data.draw(st.binary(max_size=5)) + lines[row][end:]
    for format in FORMATS:
        read(lines, format)
    looks_like_metrics(lines)


MEGABYTE = 1 << 20
HUGE = {
    "name": '{"name":"%s","value":1,"time":1700000000}' % ("x" * MEGABYTE),
    "label": '{"name":"x","labels":{"a":"%s"},"value":1,"time":1700000000}' % ("x" * MEGABYTE),
    "number": '{"name":"x","value":%s,"time":1700000000}' % ("9" * MEGABYTE),
    "nested": '{"time":1700000000,"x":' + "[" * MEGABYTE,
    "nested_metrics": '{"metrics":[' * (MEGABYTE // 12),
    "fields": "m " + ",".join(f"f{i}=1" for i in range(MEGABYTE // 10)) + " 1700000000",
    "escapes": "m\\ " * (MEGABYTE // 3) + " x=1",
    "quotes": 'm x="' + '\\"' * (MEGABYTE // 2),
    "tags": "m" + ",\\" * (MEGABYTE // 2) + " x=1",
    "tabs": "\t" * MEGABYTE,
    "separators": "time" + "," * MEGABYTE,
    "quoted_cells": '"a",' * (MEGABYTE // 4),
    "header": "time," + ",".join(f"m{i}" for i in range(MEGABYTE // 8)),
    "labels": "a{" + 'b="c",' * (MEGABYTE // 6) + "} 1",
    "braces": 'a{b="' + "}" * MEGABYTE,
    "hashes": "a" + " # {" * (MEGABYTE // 4),
    "comment": "# TYPE " + "x " * (MEGABYTE // 2),
    "spaces": "a" + " " * MEGABYTE + "1",
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("beginning", ["", "time,name,labels,value"])
def test_a_line_of_a_megabyte_costs_no_more_than_its_bytes(name: str, beginning: str) -> None:
    """Quadratic work would take minutes: the time-out of the tests says so."""
    records = batch([beginning, HUGE[name]])
    for format in FORMATS:
        samples, _ = reader(format).read(records)
        assert len(samples) <= MEGABYTE // 8
        assert sum(map(len, map(str, samples.names))) <= 2 * MEGABYTE
    looks_like_metrics([HUGE[name].encode()])


@pytest.mark.parametrize("form", ["influx", "csv", "prometheus"])
def test_a_hundred_thousand_new_series_in_a_batch(form: str) -> None:
    write = {
        "influx": lambda i: b"x,user=%d value=%d %d" % (i, i, 1_700_000_000 + i),
        "csv": lambda i: b"%d,x,user=%d,%d" % (1_700_000_000 + i, i, i),
        "prometheus": lambda i: b'x{user="%d"} %d' % (i, i),
    }[form]
    lines = [write(i) for i in range(100_000)]
    first = {"csv": [b"time,name,labels,value"]}.get(form, [])
    samples, failed = reader(form).read(
        batch([SCRAPE + b"\n".join(lines)] if form == "prometheus" else [*first, *lines])
    )
    assert failed == []
    assert len(samples.names) == len(set(samples.names)) == 100_000
    assert samples.value.tolist() == list(range(100_000))


def test_what_is_remembered_of_a_stream_is_bounded() -> None:
    one = reader()
    seen(one, batch([json.dumps({"time": 1_700_000_000, f"x{i}": 1}) for i in range(30_000)]))
    ((_, cell),) = one.changes()
    assert cell is not None
    assert len(cell) < 1 << 20


def test_names_that_are_too_long_fail_with_what_else_is_wrong_unsaid() -> None:
    long = "x" * 3000
    lines = [f"1700000000,{long},,1", f"1700000000,x,a={long},1", "1700000000,x,a;b,1", "1700000000,,,1"]
    found, failed = read(["time,name,labels,value", *lines])
    assert (found, failed) == ([], {1: "long_name", 2: "long_name", 3: "not_labels", 4: "long_name"})


def test_a_record_that_was_cut_is_not_read() -> None:
    flags = np.array([0, Flag.TRUNCATED], dtype=np.uint8)
    found, failed = seen(reader(), batch(["m x=1 1700000000", "m x=123 1700000001"], flags=flags))
    assert [one.row for one in found] == [0]
    assert failed == {1: "truncated"}


def test_control_characters_cannot_leave_a_name() -> None:
    record = {"name": "a\nb\x00", "labels": {'c"=,\n': 'd"\n\\'}, "value": 1, "time": 1_700_000_000}
    found, _ = read([json.dumps(record)])
    assert found[0].series == 'a_b_{c____="d\\"\\n\\\\"}'


def test_control_characters_cannot_leave_a_label() -> None:
    found, _ = read(
        [json.dumps({"name": "a", "labels": {"b": "\x1b[31m\x00\x9b\r\tc\nd"}, "value": 1, "time": 1_700_000_000})]
    )
    assert found[0].series == 'a{b="\ufffd[31m\ufffd\ufffd\ufffd\tc\\nd"}'


@pytest.mark.parametrize("value", ["y" * 600, '"' * 600])
def test_a_name_is_too_long_by_its_text_wherever_it_is_read(value: str) -> None:
    """The table of the series has the same bound: what passes here is refused nowhere else."""
    found, failed = read([json.dumps({"name": "x", "labels": {"b": value}, "value": 1, "time": 1_700_000_000})])
    assert (len(found), failed) == ((1, {}) if value[0] == "y" else (0, {0: "long_name"}))
    assert all(text_of(name_of(one.series)) is not None for one in found)
