"""Keys made of whole batches at once are those that each line's scope and message give."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse import header, mask
from logwatch.parse.decode import decode
from logwatch.parse.head import head_of
from logwatch.parse.keys import keys_of
from logwatch.parse.mask import MAX_CHARS, collapse, distinct
from logwatch.parse.message import messages, scopes
from logwatch.parse.timestamp import find

TIMES = st.sampled_from(
    [
        "",
        "2026-03-01 10:00:00 ",
        "[2026-03-01T10:00:00.123Z]",
        "Mar  1 10:00:00 host ",
        "took from 2026-03-01 10:00:00 ",
    ]
)
HEADS = st.sampled_from(
    ["", "INFO ", "WARN  [worker-1] ", "a.b.Main0: ", "sshd[12]: ", "ERROR a.b.C0 - ", "| ", " \t| | "]
)
WORDS = st.lists(
    st.one_of(
        st.sampled_from(["0", "00", "007", "deadbeef01", "0xff", "", " ", "|", "user", "é"]), st.text(max_size=5)
    ),
    max_size=6,
)
LINES = st.builds(lambda time, head, words: f"{time}{head}{' '.join(words)}".encode(), TIMES, HEADS, WORDS)


@pytest.fixture(params=["as few lines", "as many lines"], scope="module", autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Few lines and many go different ways, whose answers are the same."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "as many lines":
            patch.setattr(mask, "SMALL", 0)
            patch.setattr(mask, "SMALL_TEXT", 0)
        yield


def both(lines: list[bytes]) -> tuple[list[str], pl.Series]:
    decoded = decode(lines)
    head = head_of(decoded.raw)
    stamps = find(decoded.raw, head)
    headers = header.read(decoded.raw, head, stamps)
    message = messages(decoded.raw, decoded.texts, decoded.ascii, head, stamps, headers)
    one_by_one = collapse(message, scopes(decoded.raw, decoded.texts, decoded.ascii, headers))
    return one_by_one, keys_of(decoded, head, stamps, headers)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=12), st.integers(0, 60))
def test_keys_of_a_batch_are_those_of_its_lines(lines: list[bytes], usual: int) -> None:
    lines += [b"2026-03-01 10:00:00 INFO a.Main: 00 done in 10 ms"] * usual  # few that are odd among many that are not
    one_by_one, at_once = both(lines)
    assert at_once.to_list() == one_by_one


@pytest.mark.parametrize(
    "odd",
    [
        b"", b"   ", b"2026-03-01 10:00:00", b"x" * (MAX_CHARS + 5), b" " * 40 + b"far", b"INFO", b"a.B: ",
        b'10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] "GET /7 HTTP/1.1" 404 7', b"0", b"a.B0:0",
        b"<34>1 2026-03-01T10:00:00Z h p0 1 - - 0",
    ],
)  # fmt: skip
def test_a_line_that_is_read_by_itself_disturbs_no_other(odd: bytes) -> None:
    usual = b"2026-03-01 10:00:00 INFO a.Main0: 00 done in 10 ms"
    for lines in ([odd, *[usual] * 9], [usual, odd, *[usual] * 9], [*[usual] * 9, odd], [odd]):
        one_by_one, at_once = both(lines)
        assert at_once.to_list() == one_by_one


@given(st.lists(st.text(max_size=3), max_size=30))
def test_distinct_values_come_in_the_order_in_which_they_appear(values: list[str]) -> None:
    keys, key = distinct(pl.Series(values, dtype=pl.String))
    assert keys == list(dict.fromkeys(values))
    assert [keys[i] for i in key.tolist()] == values
