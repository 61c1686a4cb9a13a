"""Patterns: words and separators, values at variables, and which patterns are one statement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.parse.mask import ANY, VARIABLE, collapse, mask
from logwatch.parse.template import MAX_WORDS, Pattern, parameters, split
from logwatch.parse.template_rows import Rows, Words


def pattern(text: str, scope: str = "") -> Pattern:
    return split(scope, mask(collapse([text])[0]))


def rows_of(*texts: str) -> Rows:
    rows = Rows(len(pattern(texts[0]).words), Words())
    for id, text in enumerate(texts, 1):
        rows.add(id, pattern(text))
    return rows


@given(st.text(max_size=200))
def test_a_pattern_holds_one_separator_more_than_words(text: str) -> None:
    found = pattern(text)
    assert len(found.separators) == len(found.words) + 1
    assert len(found.words) <= MAX_WORDS


def test_text_shows_variables_and_brackets() -> None:
    assert pattern("task[7] took 3 tries").text() == "task(<*>) took <*> tries"


def test_a_list_counts_as_one_element_of_it() -> None:
    short, long = pattern("nodes n1 ok n2 ok"), pattern("nodes n1 ok n2 ok n3 ok n4 ok")
    assert short.words == long.words


@pytest.mark.parametrize("text", ["from 7 (8) on", "size=7", "took (7) [8]"])
def test_values_in_different_brackets_are_no_list(text: str) -> None:
    assert pattern(text).text().count("<*>") == sum(c.isdigit() for c in text)


def test_punctuation_alone_is_no_word() -> None:
    assert pattern("a - b *** c").words == ("a", "b", "c")


@pytest.mark.parametrize(
    ("form", "text", "values"),
    [
        ("Receiving block <*> src: <*>", "Receiving block blk_1 src: /10.0.0.1:5", ["blk_1", "/10.0.0.1:5"]),
        ("<*> open through <*> HTTPS", "a:80 open through b:1 HTTPS", ["a:80", "b:1"]),
        ("user <*>", "user bob", ["bob"]),
        ("took <*> for <*>", "took 3 ms", ["", "3 ms"]),
        ("<*> <*> end", "first second end", ["first", "second"]),
        ("no values", "no values", []),
        ("<*>", "anything at all", ["anything at all"]),
    ],
)
def test_parameters_are_the_raw_values(form: str, text: str, values: list[str]) -> None:
    assert parameters(form, text) == values


@given(st.text("ab <*>", max_size=30), st.text(max_size=60))
def test_there_is_one_parameter_for_each_variable(form: str, text: str) -> None:
    assert len(parameters(form, text)) == form.count("<*>")


def test_few_distinct_words_stay_apart() -> None:
    assert rows_of("the link is up now", "the link is down now").join(pattern("the link is flapping now")) is None


def test_many_distinct_words_at_one_place_are_a_variable() -> None:
    words = "red green blue pink grey white brown amber ochre beige ivory lilac".split()
    joined = rows_of(*(f"paint the door {word} again" for word in words)).join(pattern("paint the door black again"))
    assert joined is not None
    assert joined.ids == list(range(1, len(words) + 1))
    assert joined.pattern.words == ("paint", "the", "door", ANY, "again")


def test_words_that_vary_together_are_variables_together() -> None:
    people = ["ann", "bob", "cid", "dan", "eve"]
    rows = rows_of(*(f"login of {name} from host {name}box over the wire" for name in people))
    joined = rows.join(pattern("login of fay from host faybox over the wire"))
    assert joined is not None
    assert joined.pattern.words == ("login", "of", ANY, "from", "host", ANY, "over", "the", "wire")


def test_a_word_where_a_masked_value_stood_is_a_value() -> None:
    joined = rows_of("connect to 10.0.0.1 failed badly").join(pattern("connect to localhost failed badly"))
    assert joined is not None
    assert joined.ids == [1]


def test_patterns_without_constant_words_never_join() -> None:
    assert rows_of(*"abcdefghijklmnopqrstuvwxy").join(pattern("z")) is None
    assert rows_of("getMode", VARIABLE).join(pattern("setMode")) is None


def test_the_first_word_is_a_variable_only_after_many() -> None:
    actions = ["create", "list", "drop", "show", "lock"]
    assert (
        rows_of(*(f"{action} was called by admin" for action in actions)).join(pattern("add was called by admin"))
        is None
    )


def test_singular_and_plural_of_a_count_are_one() -> None:
    joined = rows_of("sent 3 workers to the peer").join(pattern("sent 1 worker to the peer"))
    assert joined is not None
    assert joined.ids == [1]


def test_names_become_variables_sooner_than_words() -> None:
    assert rows_of("the request for shop_a is late").join(pattern("the request for shop_b is late")) is not None
    assert rows_of("the request will soon come late").join(pattern("the request will never come late")) is None


def test_other_scopes_are_no_evidence() -> None:
    rows = Rows(4, Words())
    for id, word in enumerate(["red", "green", "blue", "pink", "grey"], 1):
        rows.add(id, pattern(f"paint it {word} again", scope=f"logger{id}"))
    assert rows.join(pattern("paint it black again", scope="other")) is None


def test_the_same_text_of_two_scopes_is_one_template() -> None:
    rows = Rows(3, Words())
    rows.add(1, pattern("session is closed", scope="su"))
    joined = rows.join(pattern("session is closed", scope="sshd"))
    assert joined is not None
    assert joined.pattern.scope == ANY


def test_the_oldest_matching_pattern_wins() -> None:
    rows = Rows(3, Words())
    rows.add(7, Pattern("", ("a", ANY, "c"), ("", " ", " ", "")))
    rows.add(3, Pattern("", (ANY, "b", "c"), ("", " ", " ", "")))
    assert rows.match(pattern("a b c")) == 3
    assert rows.match(pattern("a x c")) == 7
    assert rows.match(pattern("x y c")) == -1
