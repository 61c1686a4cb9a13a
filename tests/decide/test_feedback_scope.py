"""Feedback speaks of templates by their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.decide.feedback_scope import Scope, check, fits, is_said, untyped
from logwatch.errors import UsageError
from logwatch.parse.template import SHOWN
from logwatch.parse.variable_types import ANYTHING, TYPES, typed


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("disk <*> failed", "disk <*> failed", True),
        ("disk <*> failed", "disk sda failed", True),
        ("disk sda failed", "disk <*> failed", False),  # the miner knows more now: the line decides
        ("disk <*> failed", "disk <*> failed twice", False),
        ("disk <*> failed", "disk a b failed", False),
        ("id=<*> from <*>:<*>", "id=7 from <*>:80", True),
        ("id=<*>", "pid=7", False),
        ("a<*>a", "a", False),
        ("<*>a<*>", "bab", True),
    ],
)
def test_a_pattern_fits_templates_that_say_no_more(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


def test_a_line_says_a_pattern_in_its_order() -> None:
    assert is_said("disk <*> failed with <*>", "12:00 ERROR disk sda failed with code 7")
    assert not is_said("disk sda failed", "disk sdb failed")
    assert not is_said("failed disk <*>", "disk failed")


@given(st.lists(st.sampled_from(["disk", SHOWN, "<num>", "x=", "\\<ip>", "took"]), min_size=1, max_size=6), st.data())
def test_a_template_is_what_it_was_before_its_variables_were_shown_with_types(
    words: list[str], data: st.DataObject
) -> None:
    template = " ".join(word for word in words if "\\" not in word)
    types = [data.draw(st.sampled_from((*TYPES, ANYTHING))) for _ in range(template.count(SHOWN))]
    assert untyped(typed(template, types), (*TYPES, ANYTHING)) == template


def test_a_scope_covers_what_is_narrower_and_meets_what_overlaps() -> None:
    wide, narrow = Scope(("disk <*>",), source="a"), Scope(("disk sda",), source="a", entity="x")
    assert wide.covers(narrow)
    assert not narrow.covers(wide)
    assert wide.meets(narrow)
    assert not wide.meets(Scope(("disk sda",), source="b"))
    assert not wide.meets(Scope(("fan <*>",)))
    assert Scope(source="a").covers(wide)
    assert Scope.load(narrow.dump()) == narrow


@pytest.mark.parametrize("scope", [Scope(), Scope(("<*> <*>",)), Scope(("x",) * 9), Scope(source="a", value="v")])
def test_a_scope_that_fits_nearly_everything_is_refused(scope: Scope) -> None:
    with pytest.raises(UsageError):
        check(scope)
