"""Durations, sizes, budgets and patterns are read as people write them, and refused with what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from logwatch.config import (
    Budget,
    Duration,
    Pattern,
    Rate,
    Size,
    check_pattern,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5min", 300),
        ("2h", 7200),
        ("7d", 604800),
        ("250ms", 0.25),
        ("1h 30min", 5400),
        ("1.5h", 5400),
        (3, 3),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "5m", "-3s", "3 fortnights", "s", "30s!", "1e3s", True, None, float("nan"), -1]
)
def test_not_a_duration(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("64KiB", 65536), ("10MiB", 10485760), ("1.5GiB", 1610612736), ("3kB", 3000), (7, 7)]
)
def test_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "64", "10M", "-1KiB", "MiB", 1.5, True, -1])
def test_not_a_size(text: object) -> None:
    with pytest.raises(ValueError, match=r"size|unit"):
        parse_size(text)


@given(st.integers(0, 10**9))
def test_durations_and_sizes_are_written_as_they_can_be_read(number: int) -> None:
    assert parse_duration(format_duration(number)) == number
    assert parse_duration(format_duration(number / 1000)) == pytest.approx(number / 1000, rel=1e-5)
    assert parse_size(format_size(number)) == number


@pytest.mark.parametrize(
    ("text", "count", "per"),
    [("2/day", 2, 86400), ("20/hour", 20, 3600), ("1/week", 1, 604800), ("0.5 / min", 0.5, 60)],
)
def test_budget_of_a_rate(text: str, count: float, per: float) -> None:
    budget = Budget.parse(text)
    assert (budget.count, budget.per, budget.percent) == (count, per, None)
    assert Budget.parse(str(budget)) == budget


def test_budget_of_a_share() -> None:
    budget = Budget.parse("0.1%")
    assert (budget.count, budget.per, budget.percent) == (None, None, 0.1)
    assert str(budget) == "0.1%"


@pytest.mark.parametrize("text", ["2", "2/fortnight", "0/day", "0%", "101%", "-1/day", "two/day", "", 2, None])
def test_not_a_budget(text: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        Budget.parse(text)


def test_rate_is_no_share() -> None:
    assert str(Rate.parse("20/hour")) == "20/hour"
    with pytest.raises(ValueError, match="not a rate"):
        Rate.parse("2%")


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_duration, parse_size, Budget.parse, Rate.parse, check_pattern):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017  # raising is allowed, not demanded


@pytest.mark.parametrize("pattern", [r"(?=x)", r"(?<!a)b", r"(a)\1", r"(", r"(?>a)", r"a{1000}{1000}{1000}"])
def test_patterns_that_cannot_run_in_linear_time_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="linear time"):
        check_pattern(pattern)


def test_the_engine_of_the_check_agrees_with_the_one_that_runs() -> None:
    import polars as pl

    for pattern in (r"id=(\S+)", r"(?P<id>\d+)", r"(?i)abc", r"(?-u:\b)x", r"\p{Greek}", r"[[:alpha:]]+", r"x{2,3}?"):
        check_pattern(pattern)
        pl.Series(["x"]).str.contains(pattern)


class Model(BaseModel):
    wait: Duration = 5.0
    room: Size = 1024
    pattern: Pattern = "x"
    budget: Budget | None = None


def test_values_are_dumped_as_they_are_written() -> None:
    model = Model.model_validate({"wait": "90s", "budget": "3/day"})
    assert model.model_dump(mode="json") == {"wait": "90s", "room": "1KiB", "pattern": "x", "budget": "3/day"}
    assert Model.model_validate(model.model_dump(mode="json")) == model


def test_a_wrong_value_is_named_in_a_model() -> None:
    with pytest.raises(ValidationError, match="3parsecs"):
        Model.model_validate({"wait": "3parsecs"})
