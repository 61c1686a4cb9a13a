"""Entities by a regular expression of linear time."""

from __future__ import annotations

import pytest

from logwatch.errors import ConfigError
from logwatch.parse.entity import LIMIT, check_regex, entities


def test_the_first_group_is_the_entity_else_the_whole_match() -> None:
    texts = ["user=ann id=7", "nothing", "id= user=bob"]
    assert entities(texts, r"user=(\w+)") == ["ann", None, "bob"]
    assert entities(texts, r"user=\w+") == ["user=ann", None, "user=bob"]


def test_an_empty_capture_is_no_entity_and_a_long_one_is_cut() -> None:
    assert entities(["id=;", "id=" + "x" * 999], r"id=(\w*)") == [None, "x" * LIMIT]


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (r"(?=x)y", "look-ahead"),
        (r"(?!x)y", "look-ahead"),
        (r"(?<=x)y", "look-behind"),
        (r"(?<!x)y", "look-behind"),
        (r"(a)\1", "backreference"),
        (r"(unclosed", "unclosed"),
        (r"[z-a]", "range"),
        (r"*", "repetition"),
        (r"((((a{1000}){1000}){1000}){1000})", "size limit"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_with_a_reason(pattern: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as refused:
        check_regex(pattern)
    assert "entity" in str(refused.value)
    assert refused.value.hint


def test_an_escaped_bracket_is_not_look_around() -> None:
    assert check_regex(r"\(?=(\d+)") == 1


def test_a_pattern_that_explodes_elsewhere_is_linear_here() -> None:
    assert entities(["a" * 50_000 + "!"], r"(?:a+)+b") == [None]
