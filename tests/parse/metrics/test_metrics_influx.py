"""InfluxDB's line protocol."""

from __future__ import annotations

import pytest

from tests.parse.metrics.metric_batches import brief, ns, read


@pytest.mark.parametrize("time", ["1700000000", "1700000000000", "1700000000000000", "1700000000000000000"])
def test_the_size_of_a_time_tells_its_unit(time: str) -> None:
    found, failed = read([f"cpu,host=a,region=eu usage=1.5 {time}"])
    assert failed == {}
    assert found == [(0, 'cpu_usage{host="a",region="eu"}', "UNKNOWN", ns("2023-11-14T22:13:20"), 1.5)]


@pytest.mark.parametrize(
    ("spelled", "value"),
    [("1i", 1), ("-7i", -7), ("9u", 9), ("1e3", 1000), ("t", 1), ("FALSE", 0), ("+1.5", 1.5), ("1e308", 1e308),
     ("9223372036854775807i", 2.0**63)],
)  # fmt: skip
def test_values_are_floats_integers_or_flags(spelled: str, value: float) -> None:
    assert brief([f"m x={spelled} 1700000000"]) == [(0, "m_x", value)]


def test_strings_are_skipped() -> None:
    assert brief(['m s="a b, c=1 \\" \\\\",x=1,t="" 1700000000']) == [(0, "m_x", 1.0)]


def test_a_field_that_became_a_string_fails() -> None:
    found, failed = read(["m,h=a x=1,y=1 1700000000", 'm,h=a x="high",y=2 1700000001'])
    assert failed == {1: "not_a_number"}
    assert [(one.row, one.series) for one in found] == [(0, 'm_x{h="a"}'), (0, 'm_y{h="a"}'), (1, 'm_y{h="a"}')]


def test_names_and_tags_have_escapes() -> None:
    line = r"my\ disk\,x,t\=ag=a\ b,p=C:\dir fie\ ld\=1=2 1700000000"
    assert brief([line]) == [(0, r'my disk,x_fie ld=1{p="C:\\dir",t_ag="a b"}', 2.0)]


def test_the_order_of_tags_does_not_matter() -> None:
    assert len({series for _, series, _ in brief(["m,a=1,b=2 value=1", "m,b=2,a=1 value=1"])}) == 1


def test_a_line_without_a_time_has_none() -> None:
    from logwatch.types import NO_TIME

    assert [one.time for one in read(["m,a=1 x=1"])[0]] == [NO_TIME]


def test_comments_are_skipped_and_what_is_not_of_the_protocol_fails() -> None:
    lines = ["# written by x", "", "m x=1", "m", "m x", "m x= 1", ",a=1 x=1", "m x=1 soon", "m x=1 2 3", 'm x="open 1']
    found, failed = read(lines, "influx")
    assert [one.row for one in found] == [2]
    assert failed == dict.fromkeys(range(3, 10), "not_influx")


def test_a_value_that_is_none_fails_alone() -> None:
    found, failed = read(["m x=abc,y=2 1700000000"], "influx")
    assert failed == {0: "not_a_number"}
    assert [one.series for one in found] == ["m_y"]
