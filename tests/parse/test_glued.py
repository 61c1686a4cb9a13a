"""What stands in a header without blanks is taken off it, and nothing of the message is lost or changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from logwatch.parse import glued
from logwatch.parse.glued import Glued

PIECES = st.lists(
    st.sampled_from(
        [
            "INFO",
            "ERROR",
            "GET",
            "7",
            "0x9f",
            ":",
            "/",
            "]",
            "[",
            " ",
            "  ",
            ".",
            "a",
            "a.b",
            "::",
            "*7",
            " - ",
            "\n",
            "ä",
        ]
    ),
    max_size=9,
).map("".join)


@given(PIECES, st.booleans(), st.integers(-1, 7), PIECES, PIECES)
def test_the_message_is_cut_at_its_head_only(before: str, timed: bool, level: int, scope: str, message: str) -> None:
    said = glued.read(before, timed, Glued(level, scope, message))
    assert message.endswith(said.message)
    assert bool(said.message) == bool(message)
    assert level < 0 or said.level == level
    assert said.scope == scope or (not scope and said.scope in message)


def test_a_level_before_the_time_is_in_capitals_or_in_brackets() -> None:
    levels = [glued.read(before, True, Glued(-1, "", "x")).level for before in ("WARN ", "[warn] ", "warn ", "WARNED ")]
    assert levels == [5, 5, -1, -1]
    assert glued.read("WARN ", False, Glued(-1, "", "x")).level == -1
