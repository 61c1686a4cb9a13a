"""What lines say by their outlines is what each says by itself, in whatever batch and after whatever others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse import glued, header, level, mask, outline
from logwatch.parse.decode import Decoded, decode
from logwatch.parse.glued import Glued
from logwatch.parse.head import Head, head_of
from logwatch.parse.mask import MAX_CHARS, collapse, distinct
from logwatch.parse.message import leveled, messages, scopes
from logwatch.parse.outline import Outlines, merged
from logwatch.parse.stamps import Stamps
from logwatch.parse.timestamp import find
from logwatch.parse.words import ERROR, INFO, WARNING

Told = list[tuple[int, str]]
"""Level and key of each line."""

TIMES = st.sampled_from(
    [
        "",
        "2026-03-01 10:00:00 ",
        "[2026-03-01T10:00:00.123Z]",
        "Mar  1 10:00:00 host ",
        "7:M 01 Mar 2026 10:00:00.000 * ",
        "I0301 10:00:00.000000 7 a.go:12] ",
        "took from 2026-03-01 10:00:00 ",
        "INFO:2026-03-01 10:00:00:",
        "[2026-03-01 10:00:00: ",
        "[warn] 2026-03-01 10:00:00 ",
    ]
)
HEADS = st.sampled_from(
    [
        "",
        "INFO ",
        "WARN  [worker-1] ",
        "a.b.Main0: ",
        "sshd[12]: ",
        "ERROR a.b.C0 - ",
        "DEBUG/a] ",
        "7 0x9 INFO ",
        "a *7 - ",
        "INFO  a::b] ",
        "INFO:a:",
        "a.WARN: ",
        "| ",
        " \t| | ",
    ]
)
WORDS = st.lists(
    st.one_of(
        st.sampled_from(["0", "00", "007", "deadbeef01", "0xff=", "", " ", "|", "user", "é"]), st.text(max_size=5)
    ),
    max_size=6,
)
LINES = st.builds(lambda time, head, words: f"{time}{head}{' '.join(words)}".encode(), TIMES, HEADS, WORDS)
USUAL = b"2026-03-01 10:00:00 INFO a.Main: 00 done in 10 ms"


@pytest.fixture(params=["as few lines", "as many lines"], scope="module", autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Few lines and many go different ways, whose answers are the same."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "as many lines":
            patch.setattr(mask, "SMALL", 0)
            patch.setattr(mask, "SMALL_TEXT", 0)
        yield


def laid(lines: list[bytes]) -> tuple[Decoded, Head, Stamps]:
    decoded = decode(lines)
    head = head_of(decoded.raw)
    return decoded, head, find(decoded.raw, head)


def at_once(lines: list[bytes], outlines: Outlines | None = None) -> Told:
    said = (outlines or Outlines()).read(*laid(lines))
    assert list(dict.fromkeys(said.key.tolist())) == list(range(len(said.keys)))
    assert len(set(said.keys)) == len(said.keys)
    return [(n, said.keys[k]) for n, k in zip(said.level.tolist(), said.key.tolist(), strict=True)]


def in_full(lines: list[bytes]) -> Told:
    """As the lines themselves say, numbers and all."""
    decoded, head, stamps = laid(lines)
    headers = header.read(decoded.raw, head, stamps)
    level.mend(head, decoded.raw, stamps, headers)
    message = messages(decoded.raw, decoded.texts, decoded.ascii, head, stamps, headers)
    scope = scopes(decoded.raw, decoded.texts, decoded.ascii, headers)
    before = [line[:start].decode("utf-8", "replace") for line, start in zip(decoded.raw, stamps.start, strict=True)]
    found = map(Glued, headers.level.tolist(), scope, message)
    said = [glued.read(*one) for one in zip(before, (stamps.end > 0).tolist(), found, strict=True)]
    keys = collapse([one.message for one in said], [leveled(one.level, one.scope) for one in said])
    return [(one.level, key) for one, key in zip(said, keys, strict=True)]


@settings(max_examples=200)
@given(st.lists(LINES, max_size=12), st.integers(0, 60))
def test_a_batch_says_what_its_lines_say(lines: list[bytes], usual: int) -> None:
    lines += [USUAL] * usual  # few that are odd among many that are not
    alone = {line: at_once([line])[0] for line in set(lines)}
    assert at_once(lines) == [alone[line] for line in lines] == in_full(lines)


@settings(max_examples=50)
@given(st.lists(st.lists(LINES, min_size=1, max_size=5), max_size=5), st.integers(1, 8))
def test_what_was_read_before_changes_nothing(batches: list[list[bytes]], room: int) -> None:
    outlines = Outlines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline, "KNOWN", room)
        for lines in batches:
            assert at_once(lines, outlines) == at_once(lines)


@pytest.mark.parametrize(
    "odd",
    [
        b"", b"   ", b"2026-03-01 10:00:00", b"x" * (MAX_CHARS + 5), b" " * 40 + b"far", b"INFO", b"a.B: ",
        b'10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] "GET /7 HTTP/1.1" 404 7', b"0", b"a.B0:0",
        b"<34>1 2026-03-01T10:00:00Z h p0 1 - - 0", b'{"a": 1', b"12:M 01 Mar 2026 10:00:00.000 # low memory",
    ],
)  # fmt: skip
def test_a_line_that_is_read_by_itself_disturbs_no_other(odd: bytes) -> None:
    for lines in ([odd, *[USUAL] * 9], [USUAL, odd, *[USUAL] * 9], [*[USUAL] * 9, odd], [odd]):
        assert at_once(lines) == in_full(lines)


def test_long_numbers_do_not_push_the_logger_out_of_sight() -> None:
    long = b"2026-03-01 10:00:00 WARN [responder " + b"7" * 150 + b"] a.b.Main: late"
    assert at_once([long]) == [(WARNING, "warning a.b.Main\x1flate")]


def test_a_host_is_one_whatever_digit_it_begins_with() -> None:
    lines = [b"Mar  1 10:00:00 %b sshd[7]: gone" % host for host in (b"db1", b"3f9c0a1b22", b"web-1")]
    assert {key for _, key in at_once(lines)} == {"sshd\x1fgone"}


def test_levels_that_digits_tell_are_read_from_the_digits() -> None:
    lines = [b"<%d>Mar  1 10:00:00 host sshd[7]: gone" % priority for priority in (11, 12, 14)]
    assert [level for level, _ in at_once(lines)] == [ERROR, WARNING, INFO]


def test_merged_keys_stand_in_the_order_of_their_rows() -> None:
    one = (np.array([3, 1]), ["a", "b"], np.array([0, 1], np.int32))
    other = (np.array([0, 2]), ["b", "unused", "c"], np.array([2, 0], np.int32))
    keys, key = merged(4, [one, other])
    assert (keys, key.tolist()) == (["c", "b", "a"], [0, 1, 1, 2])


@given(st.lists(st.text(max_size=3), max_size=30))
def test_distinct_values_come_in_the_order_in_which_they_appear(values: list[str]) -> None:
    keys, key = distinct(pl.Series(values, dtype=pl.String))
    assert keys == list(dict.fromkeys(values))
    assert [keys[i] for i in key.tolist()] == values
