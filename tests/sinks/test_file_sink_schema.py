"""The alert's JSON form: lossless, versioned, harmless on a terminal."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.errors import DataError
from logwatch.sinks.schema import dump_line, from_json, parse_rfc3339, rfc3339, to_json
from logwatch.types import NO_TIME, Alert, Expected, Fired, Line

text = st.text(max_size=20)
number = st.floats(allow_nan=False, allow_infinity=False, width=32)
time = st.one_of(st.just(NO_TIME), st.integers(-(10**18), 4 * 10**18))
lines = st.lists(st.builds(Line, text, time, st.integers(0, 2**40), st.integers(-1, 999)), max_size=3).map(tuple)
alerts = st.builds(
    Alert,
    id=text,
    incident=text,
    state=text,
    severity=text,
    source=text,
    instance=text,
    entity=st.none() | text,
    kind=text,
    rule=text,
    first=time,
    last=time,
    count=st.integers(0, 10**9),
    score=number,
    p=number,
    provisional=st.booleans(),
    fired=st.lists(st.builds(Fired, text, number, st.none() | number), max_size=3).map(tuple),
    lines=lines,
    before=lines,
    expected=st.lists(st.builds(Expected, text, number), max_size=3).map(tuple),
    template_id=st.integers(-1, 9999),
    template=text,
    position=st.dictionaries(text, st.integers() | text, max_size=2),
    model=text,
    detail=text,
)


@given(alerts)
def test_an_alert_read_back_from_its_line_is_equal(alert: Alert) -> None:
    line = dump_line(alert)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert from_json(json.loads(line)) == alert


@given(time)
def test_a_time_keeps_every_nanosecond(value: int) -> None:
    assert parse_rfc3339(rfc3339(value)) == value


def test_times_are_utc_and_as_long_as_they_need() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1_700_000_000_120_000_000) == "2023-11-14T22:13:20.12Z"
    assert rfc3339(NO_TIME) is None


@given(alerts, st.sampled_from(["\x1b[2J", "\x9b2J", "\u202e", "\u2028", "\x7f", "\ud800"]))
def test_log_text_cannot_act_on_a_terminal(alert: Alert, harm: str) -> None:
    line = dump_line(replace_text(alert, harm))
    assert harm.encode("utf-8", "surrogatepass") not in line
    assert from_json(json.loads(line)).lines[0].text == harm


def replace_text(alert: Alert, value: str) -> Alert:
    data = to_json(alert)
    data["lines"] = [{"text": value, "time": None, "position": 0, "template_id": 0}]
    return from_json(data)


@given(alerts)
def test_numbers_that_are_not_finite_become_null(alert: Alert) -> None:
    data = to_json(alert)
    data["score"] = None
    assert math.isnan(from_json(data).score)
    assert to_json(from_json(data))["score"] is None


@pytest.mark.parametrize("data", [{}, {"schema": 2}, {"schema": 1}, {"schema": 1, "id": "x"}])
def test_what_is_no_alert_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(DataError, match="schema"):
        from_json(data)
