"""CSV: headers, missing cells, and what is no number."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest

from logwatch.parse.metrics import looks_like_metrics
from tests.parse.metrics.metric_batches import batch, brief, ns, read, reader, seen

RECORDINGS = Path(__file__).parents[2] / "data" / "recordings"


def test_a_long_line_is_one_sample() -> None:
    found, failed = read(["time,name,labels,value", "2026-11-22T12:59:10Z,cpu,program=redis;mode=user,2.5"])
    assert failed == {}
    assert found == [(1, 'cpu{mode="user",program="redis"}', "UNKNOWN", ns("2026-11-22T12:59:10"), 2.5)]


@pytest.mark.parametrize(
    "labels",
    ["a=1;b=x y", "a=1,b=x y", '{"a":1,"b":"x y"}', '{a="1",b="x y"}', 'a="1",b="x y"', " b=x y ; a=1 "],
)
def test_labels_may_be_spelled_in_the_usual_ways(labels: str) -> None:
    quoted = labels.replace('"', '""')
    assert brief(["ts,metric,tags,val", f'1700000000,up,"{quoted}",1']) == [(1, 'up{a="1",b="x y"}', 1.0)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_wide_line_is_a_sample_for_each_column(separator: str) -> None:
    lines = [separator.join(cells) for cells in (["timestamp", "cpu", "mem"], ["1700000000", "1", "2"])]
    assert brief(lines) == [(1, "cpu", 1.0), (1, "mem", 2.0)]


def test_columns_that_name_a_place_are_labels_and_marks_of_people_are_not_read() -> None:
    lines = ["timestamp,host,cpu,label", "1700000000,a,1,0", "1700000000,b,2,1"]
    assert brief(lines) == [(1, 'cpu{host="a"}', 1.0), (2, 'cpu{host="b"}', 2.0)]


def test_a_column_that_may_name_a_place_is_measured_where_it_has_numbers() -> None:
    lines = ["timestamp,cpu,queue,disk", "1700000000,1,17.5,sda", "1700000060,2,18.25,sdb"]
    assert brief(lines) == [
        (1, 'cpu{disk="sda"}', 1.0), (1, 'queue{disk="sda"}', 17.5),
        (2, 'cpu{disk="sdb"}', 2.0), (2, 'queue{disk="sdb"}', 18.25),
    ]  # fmt: skip


@pytest.mark.parametrize("gap", ["N/A", "NAN", "None", "", "null", "-", " nan "])
def test_a_missing_cell_is_not_a_number_and_no_fault(gap: str) -> None:
    found, failed = read(["timestamp,cpu,mem", "1700000000,1,5", f"1700000060,{gap},6"])
    assert failed == {}
    assert [(one.row, one.series, math.isnan(one.value)) for one in found] == [
        (1, "cpu", False), (1, "mem", False), (2, "cpu", True), (2, "mem", False)
    ]  # fmt: skip


def test_text_where_a_number_was_fails_and_the_rest_of_the_line_is_read() -> None:
    found, failed = read(["timestamp,cpu,mem", "1700000000,1,5", "1700000060,ERROR,6"])
    assert failed == {2: "not_a_number"}
    assert [(one.row, one.series) for one in found] == [(1, "cpu"), (1, "mem"), (2, "mem")]


def test_a_column_that_never_was_a_number_is_silent_until_it_is_one() -> None:
    lines = ["timestamp,note,cpu", "1700000000,hello,1", "1700000060,7,2", "1700000120,again,3"]
    found, failed = read(lines)
    assert [(one.row, one.series) for one in found] == [(1, "cpu"), (2, "note"), (2, "cpu"), (3, "cpu")]
    assert failed == {3: "not_a_number"}


@pytest.mark.parametrize("value", ["inf", "-inf", "+Inf", "1e308", "-1e308", "0", "1e999"])
def test_infinite_and_huge_values_are_passed_on(value: str) -> None:
    assert brief(["time,name,value", f"1700000000,x,{value}"]) == [(1, "x", float(value))]


def test_a_header_in_the_middle_of_a_file_changes_the_columns() -> None:
    lines = ["timestamp,a,b", "1700000000,1,2", "timestamp,a,b", "1700000060,3,4", "timestamp;c", "1700000120;5"]
    found, failed = read(lines)
    assert failed == {}
    assert [(one.row, one.series, one.value) for one in found] == [
        (1, "a", 1.0), (1, "b", 2.0), (3, "a", 3.0), (3, "b", 4.0), (5, "c", 5.0)
    ]  # fmt: skip


def test_a_header_is_known_where_the_time_is_not_the_first_column() -> None:
    assert brief(["name,value,time", "cpu,1,1700000000", "name,value,time", "cpu,2,1700000001"]) == [
        (1, "cpu", 1.0), (3, "cpu", 2.0)
    ]  # fmt: skip


def test_the_header_is_remembered_by_each_stream() -> None:
    from logwatch.types import Stream

    streams = [Stream("s", "1"), Stream("s", "2")]
    one = reader("csv")
    assert seen(one, batch(["time,a", "ts;b"], streams, [0, 1])) == ([], {})
    found, failed = seen(one, batch(["1700000000,1", "1700000000;2", "1700000001,3"], streams, [0, 1, 0]))
    assert failed == {}
    assert [(each.row, each.series, each.value) for each in found] == [(0, "a", 1.0), (1, "b", 2.0), (2, "a", 3.0)]


def test_lines_that_do_not_fit_the_header_fail_by_themselves() -> None:
    lines = ["1700000000,1", "timestamp,a,b", "1700000000,1", '1700000000,"1,2', "", "when,1,2", "1700000000,1,2"]
    found, failed = read(lines, "csv")
    assert failed == {0: "no_header", 2: "not_csv", 3: "not_csv", 5: "bad_time"}
    assert [one.row for one in found] == [6, 6]


def test_times_without_a_zone_are_of_the_zone_that_is_set() -> None:
    lines = ["timestamp,a", "2026-07-01 12:00:00,1", "2026-07-01T12:00:00Z,1", "2026-12-01 12:00,1", "2026-12-01,1"]
    found, _ = read(lines, timezone="Europe/Berlin")
    wanted = ["2026-07-01T10:00:00", "2026-07-01T12:00:00", "2026-12-01T11:00:00", "2026-11-30T23:00:00"]
    assert [one.time for one in found] == [ns(one) for one in wanted]


def test_the_order_of_day_and_month_is_found_out_from_the_stream() -> None:
    found, _ = read(["timestamp,a", "13/01/2026 00:00:00,1", "02/03/2026 00:00:00,1", "3/4/2026 0:00,1"])
    assert [one.time for one in found] == [ns(f"2026-{day}") for day in ("01-13", "03-02", "04-03")]


@pytest.mark.parametrize(
    ("columns", "cells"),
    [("date,time", "2026-07-01,12:00:05"), ("unixtime", "1782907205"), ("time_ms", "1782907205000"),
     ("ts", "1.782907205e9"), ("timestamp_ns", "1782907205000000000"), ("datetime", "2026-07-01T14:00:05+02:00")],
)  # fmt: skip
def test_times_may_be_spelled_in_the_usual_ways(columns: str, cells: str) -> None:
    found, failed = read([f"{columns},a", f"{cells},1"])
    assert failed == {}
    assert [(one.series, one.time) for one in found] == [("a", ns("2026-07-01T12:00:05"))]


@pytest.mark.parametrize("time", ["1e16", "99999999999999", "99999999999.5", "2999-01-01 00:00:00", "1e300", "7", "-1"])
def test_a_time_out_of_reach_fails(time: str) -> None:
    assert read(["time,name,value", f"{time},x,1"]) == ([], {1: "bad_time"})


def test_a_line_without_a_time_has_none() -> None:
    from logwatch.types import NO_TIME

    assert [one.time for one in read(["time,name,value", ",x,1"])[0]] == [NO_TIME]


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*/metrics.csv.gz")), ids=lambda path: path.parent.name)
def test_every_line_of_the_recordings_is_read(path: Path) -> None:
    lines = gzip.decompress(path.read_bytes()).splitlines()[:8192]
    found, failed = read(list(lines))
    assert failed == {}
    assert len(found) == len(lines) - 1
    assert all(one.time > 0 for one in found)


@pytest.mark.parametrize(
    ("separator", "cell", "value"),
    [
        (",", '"1,234"', 1234.0), (",", '"-1,234,567.5"', -1234567.5), (",", '"50,25"', 50.25),
        ("\t", "12,345", 12345.0),
        (";", "50,25", 50.25), (";", "1.234,5", 1234.5), (";", "1,234", 1.234), (";", "1,234,567", 1234567.0),
        (";", "-0,5", -0.5), (";", "1.5", 1.5),
    ],
)  # fmt: skip
def test_thousands_and_decimal_commas_are_read_as_files_with_this_separator_have_them(
    separator: str, cell: str, value: float
) -> None:
    lines = [separator.join(cells) for cells in (("time", "a", "b"), ("1700000000", cell, "2"))]
    assert brief(lines) == [(1, "a", value), (1, "b", 2.0)]
    assert looks_like_metrics([line.encode() for line in lines])


@pytest.mark.parametrize("cell", ["1,2,3", "12,34,567", "1,23,", ",5", "1.2.3,4", "9," * 500])
def test_other_commas_make_no_number(cell: str) -> None:
    _, failed = read(["time;a", "1700000000;1", f"1700000001;{cell}"])
    assert failed == {2: "not_a_number"}


def test_five_thousand_columns_and_ragged_rows() -> None:
    header = "time," + ",".join(f"m{i}" for i in range(5000))
    row = "1700000000," + ",".join(map(str, range(5000)))
    found, failed = read([header, row, row + ",1", row[: row.rindex(",")], row])
    assert failed == {2: "not_csv", 3: "not_csv"}
    assert len(found) == 10_000
    assert (found[4999].series, found[4999].value) == ("m4999", 4999.0)


@pytest.mark.parametrize("power", [0, 3, 6, 9])
def test_epochs_in_any_usual_unit(power: int) -> None:
    found, _ = read(["timestamp,a", f"{1_700_000_000 * 10**power},1"])
    assert found[0].time == ns("2023-11-14T22:13:20")
