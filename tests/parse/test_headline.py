"""A record of many lines is read by one, and shown by all."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logwatch.parse.headline import MAX_TEXT, excerpt, fold, headline
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaped, Shaper
from tests.parse.traces import JAVA, JSON, PLAIN, POSTGRES, PYTHON, PYTHON_CHAINED, TRACES


def shape(*lines: bytes, redact: tuple[str, ...] = ()) -> Shaped:
    return Shaper(redact).shape(list(lines), [(ParseSettings(), slice(None))])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("java", "order 17 failed … java.lang.IllegalStateException: no stock for 17"),
        ("java, uncaught", 'Exception in thread "main" java.lang.NullPointerException'),
        ("python", "order 17 failed … ValueError: bad thing"),
        ("python, chained", "Traceback (most recent call last): … socket.timeout: timed out"),
        ("go", "panic: runtime error: index out of range [5] with length 3"),
        ("node", "TypeError: Cannot read properties of undefined (reading 'id')"),
        (".net", "Unhandled exception. System.InvalidOperationException: no stock"),
        ("rust", "panicked at src/main.rs:42:5: … index out of bounds: the len is 3 but the index is 5"),
        ("postgresql", "statement: SELECT id,"),
    ],
)
def test_a_trace_is_told_by_its_first_line_and_its_exception(name: str, told: str) -> None:
    assert headline(TRACES[name].decode()).endswith(told)


def test_a_line_is_itself() -> None:
    assert headline("opened door 17") == "opened door 17"
    assert fold([PLAIN[0], PLAIN[1]]) is None


def test_json_over_lines_is_read_as_json() -> None:
    pretty, flat = shape(JSON), shape(b'{"level":"error","order":{"id":17},"lines":[1]}')
    assert (pretty.keys, pretty.level.tolist(), pretty.text) == (flat.keys, flat.level.tolist(), flat.text)


def test_people_see_all_lines_with_what_is_secret_taken_out() -> None:
    (text,) = shape(b"2026-03-01T10:00:00Z ERROR login\n\tpassword=hunter2\x1b[31m\n\tend", redact=("password",)).text
    assert text.split("\n")[0] == "2026-03-01T10:00:00Z ERROR login"
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert text.endswith("\tend")


def test_what_names_an_exception_and_no_level_is_an_error() -> None:
    assert shape(PYTHON_CHAINED).level.tolist() == [6]
    assert shape(POSTGRES).level.tolist() == [3]


def test_inside_a_container_it_is_the_same() -> None:
    prefix = b"2026-03-01T10:00:00.123456789Z stdout F "
    assert shape(prefix + JAVA).keys == shape(JAVA).keys
    assert shape(prefix + PYTHON).text == shape(PYTHON).text


def test_many_lines_are_shown_by_their_head_and_their_end() -> None:
    text = excerpt("\n".join(f"line {n} " + "x" * 50 for n in range(2000)), MAX_TEXT)
    assert len(text) <= MAX_TEXT
    shown = text.split("\n")
    assert (shown[0][:7], shown[-1][:9]) == ("line 0 ", "line 1999")
    skipped = next(line for line in shown if line.startswith("… "))
    assert int(skipped.split()[1]) == 2000 - (len(shown) - 1)


@given(st.lists(st.text(max_size=3000), max_size=70).map("\n".join), st.integers(60, 3000))
@example("\n0\n00000000000000\n000000000000000\n000000000000000000000000000", 60)
def test_an_excerpt_keeps_to_its_length(text: str, most: int) -> None:
    assert len(excerpt(text, most)) <= most


@given(st.lists(st.one_of(st.sampled_from(sorted(TRACES.values())), st.binary(max_size=60)), min_size=1, max_size=5))
@settings(max_examples=60)
def test_each_record_is_read_by_itself_whatever_it_holds(lines: list[bytes]) -> None:
    together = shape(*lines)
    for i, line in enumerate(lines):
        alone = shape(line)
        assert together.keys[together.key[i]] == alone.keys[0]
        assert (together.text[i], together.level[i]) == (alone.text[0], alone.level[0])
