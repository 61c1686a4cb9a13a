"""Types of variables: read off raw values and the word before them, for any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.parse.headless import headless
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.quantities import least_and_most, quantity
from logwatch.parse.template import SHOWN
from logwatch.parse.variable_types import ANYTHING, TYPES, typed, typed_in, value_type, variable_type, variables


@pytest.mark.parametrize(
    ("type", "values"),
    [
        ("num", "12 -7 1,234.5 3e8 42% ٣"),
        ("dur", "12ms 1.5s 1h2m3.5s 5min 7µs"),
        ("size", "5MB 2KiB 17B 3.1MB/s"),
        ("time", "12:00:01 2024-01-02T03:04:05Z 2024-01-02 2024/01/02"),
        ("ip", "10.0.0.1 10.0.0.1:80 /10.0.0.1:50010 ::1 db-7/10.0.0.1:9000 fe80::1%eth0 [::1]:80 10.0.0.0/8"),
        ("url", "http://x/y?z=1 ftp://a"),
        ("path", "/var/log/x ~/x ../x C:\\temp a/b/c"),
        ("mail", "root@host bob@example.org"),
        ("host", "db.local db:5432 a.example.com localhost"),
        ("id", "blk_-17 0x7f3a 3f2504e0-4f89-11d3-9a0c-0305e82c3301 worker-3 main.c:12"),
        ("bool", "true False"),
        ("", "word Müller 日本語 <num> !!! <*>"),
    ],
)
def test_values_tell_their_type(type: str, values: str) -> None:
    assert {value: value_type(value) for value in values.split()} == dict.fromkeys(values.split(), type)


def test_values_of_several_words_tell_their_type() -> None:
    assert value_type("2048 bytes (2.0 KB)") == "size"
    assert value_type("1 h 30 min") == "dur"
    assert value_type("Mon Jan 2 03:04:05 2024") == "time"
    assert value_type("10.0.0.1, 10.0.0.2 -> 10.0.0.3") == "ip"
    assert value_type("10.0.0.1, bob") == ""


def test_the_word_before_tells_what_a_bare_word_is() -> None:
    assert value_type("bob", "password for user ") == "user"
    assert value_type("bob", 'owner="') == "user"
    assert value_type("seven", "node ") == "host"
    assert value_type("17", "pid=") == value_type("17", "requestId: ") == value_type("0", "euid=") == "id"
    assert value_type("17", "valid ") == value_type("17", "users ") == "num"
    assert value_type("/home/bob", "user ") == "path"
    assert value_type("10.0.0.1", "host ") == "ip"


def test_nearly_all_different_values_decide() -> None:
    assert variable_type(["1 ms", "2 ms", "-"], "") == "dur"
    assert variable_type(["0", "2 ms"], "") == "dur"
    assert variable_type(["10.0.0.1", "db.local"], "") == "host"
    assert variable_type(["17", "x17"], "") == "id"
    assert variable_type([str(i) for i in range(30)] + ["word"], "") == "num"
    assert variable_type(["17", "word"] * 50, "") == ANYTHING
    assert variable_type(["", "null"], "") == ANYTHING


def test_raw_values_are_kept_with_how_often_they_came() -> None:
    took, user = variables("took <*> for user <*>", ["took 1 ms for user bob", "took 2 ms for user bob"])
    assert (took.type, dict(took.values)) == ("dur", {"1 ms": 1, "2 ms": 1})
    assert (user.type, dict(user.values)) == ("user", {"bob": 2})


def test_a_literal_type_in_the_lines_is_told_apart() -> None:
    assert typed_in("took <*> of <num>", ["took 1 ms of <num>"]) == r"took <dur> of \<num>"
    line = "17 users of the <num> system"
    miner = TemplateMiner()
    (id,) = miner.mine([line]).tolist()
    assert typed_in(miner.text(id), [line]) == "<num> users of the <*> system"


anything = st.text(max_size=60) | st.text("<num>*\\ :=1a,.", max_size=40) | st.from_regex(r"\A[\w.:/@-]{1,30}\Z")


@given(anything, anything)
def test_any_value_has_a_known_type(value: str, before: str) -> None:
    assert value_type(value, before) in {"", *TYPES}


@given(st.lists(anything, max_size=5), st.lists(anything, max_size=4))
def test_types_change_nothing_but_the_variables(parts: list[str], lines: list[str]) -> None:
    template = SHOWN.join(parts)
    found = variables(template, lines)
    shown = typed(template, [variable.type for variable in found])
    assert len(found) == template.count(SHOWN)
    assert shown == typed_in(template, lines)
    assert re.sub(rf"<(?:{'|'.join(TYPES)})>", "", shown).count("<") <= template.count("<")
    if not any(f"<{type}>" in template for type in TYPES):
        assert re.sub(rf"<(?:{'|'.join(TYPES)})>", SHOWN, shown) == template


@given(st.text(max_size=80), st.lists(st.integers(0, 9**9), min_size=2, max_size=5))
def test_types_are_the_same_in_any_order(word: str, numbers: list[int]) -> None:
    values = [word, *map(str, numbers)]
    assert variable_type(values, "") == variable_type(values[::-1], "")


def test_quantities_compare_across_units() -> None:
    assert quantity("1h 30min") == 5400
    assert quantity("1.5 microseconds") == pytest.approx(1.5e-6)
    assert quantity("2 KB") == quantity("2KiB") == 2048
    assert quantity("word") is None
    assert least_and_most(["1.5 s", "7 ms", "900 ms", "-"]) == ("7 ms", "1.5 s")
    assert least_and_most(["-"]) == ("", "")


@given(st.text(max_size=60))
def test_any_text_may_be_asked_for_its_quantity(text: str) -> None:
    quantity(text)


def test_headless_lines_are_what_the_miner_reads() -> None:
    assert headless(["2026-03-01T12:00:00 INFO took 1 ms", "no header", "", "a\nb"])[:3] == [
        "took 1 ms",
        "no header",
        "",
    ]
    assert headless([]) == []
