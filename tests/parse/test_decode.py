"""Bytes to text that is valid and safe in a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.parse.decode import decode
from logwatch.types import Flag


def text_of(line: bytes) -> str:
    return decode([line]).texts[0]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"plain", "plain"),
        (b"tab\tstays", "tab\tstays"),
        (b"windows\r", "windows"),
        ("gr\u00fc\u00dfe".encode(), "gr\u00fc\u00dfe"),
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"clear\x1b[2J\x1b[H", "clear"),
        (b"\x1b]0;title\x07", "\u241b]0;title\u2407"),
        (b"back\x08space\rover", "back\u2408space\u240dover"),
        (b"two\nlines", "two\u240alines"),
        ("\u202egnp.exe".encode(), "\ufffdgnp.exe"),
        ("\u009b31mred".encode(), "red"),
        (b"del\x7f", "del\u2421"),
        (b"", ""),
    ],
)
def test_text_is_safe_in_a_terminal(line: bytes, text: str) -> None:
    assert text_of(line) == text


@pytest.mark.parametrize(("line", "text"), [(b"a\xffb", "a\ufffdb"), (b"a\0b", "a\ufffdb"), (b"\0\0\0a", "a")])
def test_invalid_bytes_are_replaced_and_flagged(line: bytes, text: str) -> None:
    decoded = decode([b"before", line, b"after"])
    assert decoded.texts == ["before", text, "after"]
    assert decoded.invalid.tolist() == [0, Flag.INVALID, 0]


def test_a_replacement_character_in_the_input_is_valid() -> None:
    assert decode(["\ufffd \0".encode(), "\ufffd".encode()]).invalid.tolist() == [Flag.INVALID, 0]


def test_utf8_of_the_texts_comes_beside_them() -> None:
    decoded = decode([b"\x1b[1mbold", "\u00e4".encode(), b"\xff"])
    assert [line.decode() for line in decoded.raw] == decoded.texts


LINES = st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)), max_size=8)


@given(LINES)
def test_any_bytes_become_as_many_safe_lines(lines: list[bytes]) -> None:
    decoded = decode(lines)
    assert len(decoded.texts) == len(decoded.raw) == len(lines)
    for text in decoded.texts:
        assert not any((c < " " and c != "\t") or "\x7f" <= c <= "\x9f" for c in text)


@given(LINES)
def test_a_line_does_not_depend_on_its_neighbours(lines: list[bytes]) -> None:
    together = decode(lines)
    alone = [decode([line]) for line in lines]
    assert together.texts == [one.texts[0] for one in alone]
    assert together.invalid.tolist() == [int(one.invalid[0]) for one in alone]


@given(st.lists(st.one_of(st.binary(max_size=6), st.text("a\u00e4 ", max_size=6).map(str.encode)), max_size=6))
def test_texts_in_one_piece_are_those_one_by_one(lines: list[bytes]) -> None:
    whole, parted = decode(lines), decode(lines)
    texts = parted.texts
    assert whole.joined() == parted.joined() == "\n".join(texts)
    assert list(whole.shown()) == list(parted.shown()) == texts == whole.texts


def test_what_is_changed_in_the_texts_is_shown() -> None:
    decoded = decode([b"one", b"two"])
    assert decoded.shown()[1] == "two"
    decoded.texts[1] = "three"
    assert (list(decoded.shown()), decoded.joined()) == (["one", "three"], "one\nthree")
