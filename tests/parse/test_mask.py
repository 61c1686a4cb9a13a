"""Masks: what surely varies is taken out, what names the statement stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.parse.mask import CLOSING, MAX_CHARS, OPENING, VARIABLE, collapse, mask, scope_of, targeted


def masked(text: str) -> str:
    (key,) = collapse([text])
    return mask(key).replace(VARIABLE, "<*>").replace(OPENING, "(").replace(CLOSING, ")")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("took 12 tries", "took <*> tries"),
        ("took -3.5e-7 tries", "took <*> tries"),
        ("stored block blk_-38865049064139660", "stored block <*>"),
        ("link eth0 is up", "link <*> is up"),
        ("peer 10.250.19.102:54106 left", "peer <*> left"),
        ("peer fe80::1ff:fe23:4567:890a left", "peer <*> left"),
        ("peer db7.example.org:5432 left", "peer <*> left"),
        ("peer backend.example.com left", "peer <*> left"),
        ("at 2026-03-01T10:00:00.123Z done", "at <*> done"),
        ("since Mon Mar  2 10:00:00 2026 idle", "since <*> idle"),
        ("open /var/lib/app/data.db failed", "open <*> failed"),
        ("open C:\\Windows\\winsxs\\x.dll failed", "open <*> failed"),
        ("get https://example.org/a?b=c, again", "get <*>, again"),
        ("mail to joe@example.org bounced", "mail to <*> bounced"),
        ("request 38101a0b-2096-447d-96ea-a692162415ae done", "request <*> done"),
        ("address 0xdeadbeef bad", "address <*> bad"),
        ("wrote 10 KB in 3 ms", "wrote <*> in <*>"),
        ("wrote 2048 bytes (2.0 KB) again", "wrote <*> again"),
        ('state "not ready" reached', "state <*> reached"),
        ('from "GET /index.html HTTP/1.1" 200', 'from "GET <*>" <*>'),
        ("relation 'a b c' is gone", "relation <*> is gone"),
        ("can't do what's asked", "can't do what's asked"),
        ('said {"event": "start", "of": [1, {"a": "b"}]} again', "said <*> again"),
        ("got <Task id=7 of <pool 'a'>> back", "got <*> back"),
        ("got {'a': 'b', 'c': ['d', 'e', 'f', 'g', 'h', 'i', 'j", "got <*>"),
        ("call of run(a, b=c) failed", "call of run(<*>) failed"),
        ("state is [ready, set] now", "state is [<*>] now"),
        ("socket is closed (by the peer) now", "socket is closed (by the peer) now"),
        ("connect() failed (111: Connection refused) again", "connect(<*>) failed (<*>: Connection refused) again"),
        ("result=done of job", "result=<*> of job"),
        ("opened: user=ann database=shop port=7", "opened: user=<*> database=<*> port=<*>"),
        ("opened: user= type=a(sv) port=7 as said before", "opened: user=<*> type=<*> port=<*>"),
        ("opened: user=ann port=7 as said before", "opened: user=<*> port=<*> as said before"),
        ("link (1.2.3.4:5 -> 1.2.3.4:6 - the first one) is up", "link (<*>) is up"),
        ("name . is the root, it said . again", "name <*> is the root, it said <*> again"),
        ("onExtend:15 2 3", "onExtend:<*>"),
        ("-Dio.tmpdir: /tmp", "-Dio.tmpdir:<*>"),
        ("15 2 3", "<*>"),
        ("NetworkManager.service: Main process exited", "Main process exited"),
        (r"run-x\x2dy.mount: Changed dead -> mounted", "Changed <*>"),
        ("java.io.IOException: it is closed", "java.io.IOException: it is closed"),
        ("notified: n.state:LOOKING of peer", "notified: <*> of peer"),
        ("engine:socket was opened", "engine:socket was opened"),
        ("GET / again", "GET <*> again"),
        ("unit changed dead -> running today", "unit changed <*> today"),
        ("option is None, cache true", "option is <*>, cache <*>"),
        ("web.service: Main process exited", "Main process exited"),
        ("wants graphical.target or web.service/start now", "wants <*> or <*> now"),
        ("the disk is read-only, an I/O error", "the disk is read-only, an I/O error"),
        ("Feature [x] on", "Feature [<*>] on"),
        ("INFO/MainProcess] Task received", "Task received"),
        ("process exited (code 3)", "process exited"),
        ("from host () now", "from host (<*>) now"),
        ("init() done", "init(<*>) done"),
        ("worker[3] exited", "worker(<*>) exited"),
        ("ids 1, 2, 3, 4 lost", "ids <*> lost"),
        ("read/write error", "read/write error"),
        ("space.........0x10", "<*>"),
    ],
)
def test_values_are_masked_and_words_stay(text: str, expected: str) -> None:
    assert masked(text) == expected


LINE = st.text(st.characters(codec="utf-8"), max_size=80) | st.text(
    " ab0f:./-_\"'()[]=,0123456789KMB\n\x1f", max_size=60
)


@given(LINE)
def test_no_digit_survives(text: str) -> None:
    assert not any(c in "0123456789" for c in masked(text))


@given(st.lists(LINE, max_size=8), st.data())
def test_keys_do_not_depend_on_the_batch(texts: list[str], data: st.DataObject) -> None:
    scopes = data.draw(st.none() | st.lists(LINE, min_size=len(texts), max_size=len(texts)))
    alone = [collapse([text], None if scopes is None else [scopes[i]])[0] for i, text in enumerate(texts)]
    assert collapse(texts, scopes) == alone


@given(LINE)
def test_lines_that_differ_in_numbers_only_share_a_key(text: str) -> None:
    grown = text.translate(str.maketrans({digit: digit + "31" for digit in "0123456789"}))
    assert collapse([grown]) == collapse([text])


def test_scope_is_kept_apart_from_the_text() -> None:
    (key,) = collapse(["started 3 workers"], ["app.pool"])
    assert (scope_of(key), mask(key)) == ("app.pool", f"started {VARIABLE} workers")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h2::proto: sent", ("app|h0::proto", "sent")),
        ("request{uri=/a b=7}:drive{id=1}: hyper::client: idle", ("app|hyper::client", "idle")),
        ("org.apache.hadoop.ipc.Client: Address changed", ("app|org.apache.hadoop.ipc.Client", "Address changed")),
        ("note: nothing of that kind", ("app|", "note: nothing of that kind")),
    ],
)
def test_a_target_at_the_head_belongs_to_the_scope(text: str, expected: tuple[str, str]) -> None:
    (key,) = collapse([text], ["app|"])
    assert targeted(key) == expected


def test_a_separator_inside_a_text_is_not_taken_for_a_scope() -> None:
    assert scope_of(collapse(["a\x1fb"])[0]) == ""


def test_only_the_head_of_a_long_line_is_looked_at() -> None:
    assert len(collapse(["x" * 50_000])[0]) == MAX_CHARS


@pytest.mark.parametrize(
    "piece",
    [
        "-",
        "a.",
        "a/",
        "+@",
        '"',
        "/",
        " ",
        "()",
        "\\",
        "#~",
        "[",
        "{",
        "<a",
        "'",
        " '",
        "a-",
        "a=",
        "a::",
        "->",
        "a:",
        "(",
        "-a@",
        "$a=b ",
    ],
)
def test_hostile_repetition_is_masked(piece: str) -> None:
    assert len(masked(piece * MAX_CHARS)) <= 4 * MAX_CHARS
