"""Levels, loggers and messages from the headers of many programs."""

from __future__ import annotations

import pytest

from logwatch.parse import glued, header, level
from logwatch.parse.decode import decode
from logwatch.parse.glued import Glued
from logwatch.parse.head import head_of
from logwatch.parse.mask import collapse
from logwatch.parse.message import leveled, messages, scopes
from logwatch.parse.outline import Outlines
from logwatch.parse.timestamp import find

UNKNOWN, TRACE, DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL = range(8)
Parsed = tuple[int, str, str]


def parsed(lines: list[bytes]) -> list[Parsed]:
    decoded = decode(lines)
    head = head_of(decoded.raw)
    stamps = find(decoded.raw, head)
    headers = header.read(decoded.raw, head, stamps)
    level.mend(head, decoded.raw, stamps, headers)
    message = messages(decoded.raw, decoded.texts, decoded.ascii, head, stamps, headers)
    scope = scopes(decoded.raw, decoded.texts, decoded.ascii, headers)
    said = Outlines().read(decoded, head, stamps)
    before = [line[:start].decode("utf-8", "replace") for line, start in zip(decoded.raw, stamps.start, strict=True)]
    found = map(Glued, headers.level.tolist(), scope, message)
    told = [glued.read(*one) for one in zip(before, (stamps.end > 0).tolist(), found, strict=True)]
    assert said.level.tolist() == [one.level for one in told]
    wanted = [leveled(one.level, one.scope) for one in told]
    assert [said.keys[k] for k in said.key.tolist()] == collapse([one.message for one in told], wanted)
    level.complete(said.level, decoded.texts, "\n".join(decoded.texts).lower())
    return [(n, one.scope, one.message) for n, one in zip(said.level.tolist(), told, strict=True)]


CASES: list[tuple[str, Parsed]] = [
    ("081109 203615 148 INFO dfs.Node$Responder: took 3 ms", (INFO, "dfs.Node$Responder", "took 3 ms")),
    ("2026-11-22 12:00:01,123 WARN [IPC Server 3 on 9] org.a.B: slow", (WARNING, "org.a.B", "slow")),
    ("2026-11-22 12:00:01,123 - INFO  [Peer[id=1]/0:0:0] - Notification: 3", (INFO, "", "Notification: 3")),
    ("2026-11-22 12:00:01,123 - my.mod - ERROR - it broke", (ERROR, "my.mod", "it broke")),
    ("2026-11-22 12:00:01.123  INFO 77 --- [           main] c.e.App    : Started", (INFO, "c.e.App", "Started")),
    ("12:00:01.123 [main] DEBUG c.e.App - Started", (DEBUG, "c.e.App", "Started")),
    ("2026-11-22 12:00:01, Info                  CBS    Loaded", (INFO, "CBS", "Loaded")),
    ("2026-11-22 12:00:01.1 25 INFO nova.api [req-1 a b - - -] 10.0.0.1 GET", (INFO, "nova.api", "10.0.0.1 GET")),
    ("2026-11-22 12:00:01.1 25 INFO nova.virt [-] [instance: a] up", (INFO, "nova.virt", "[instance: a] up")),
    ("03-17 16:13:38.811  1702  2395 D Zygote: x y", (DEBUG, "Zygote", "x y")),
    ("I1122 12:00:01.123456   77 f.go:12] x y", (INFO, "f.go", "x y")),
    ("E1122 12:00:01.123456   77 f.go:12] x y", (ERROR, "f.go", "x y")),
    ("1:M 22 Nov 2026 12:00:01.123 # low memory", (WARNING, "", "low memory")),
    ("1:M 22 Nov 2026 12:00:01.123 * ready", (NOTICE, "", "ready")),
    ("<34>Oct 11 22:14:15 mymachine su: failed", (CRITICAL, "su", "failed")),
    ('<165>1 2003-10-11T22:14:15.003Z h app 12 ID47 [x@1 a="b]"] BOMless', (NOTICE, "app", "BOMless")),
    ("<13>1 2003-10-11T22:14:15.003Z h app - - - text", (NOTICE, "app", "text")),
    ("Nov 22 12:00:01 host sshd[77]: error: PAM x", (UNKNOWN, "sshd", "error: PAM x")),
    ("Nov 22 12:00:01 host kernel: x", (UNKNOWN, "kernel", "x")),
    ("2026-11-22T12:00:01+01:00 host sshd[77]: x y", (UNKNOWN, "sshd", "x y")),
    ("2026-11-22 12:00:01.123 UTC [77] LOG:  duration: 3 ms", (INFO, "", "duration: 3 ms")),
    ("2026-11-22 12:00:01.123 UTC [77] bob@db FATAL:  gone", (CRITICAL, "", "gone")),
    ("2026-11-22 12:00:01.123 UTC [77] PANIC:  gone", (CRITICAL, "", "gone")),
    ("2026/11/22 12:00:01 [error] 1#2: *3 open() failed", (ERROR, "", "*3 open() failed")),
    ("[Sun Dec 04 04:47:44 2005] [notice] x y", (NOTICE, "", "x y")),
    ("[Sun Dec 04 04:47:44.1 2005] [core:error] [pid 1:tid 2] x y", (ERROR, "", "x y")),
    ('1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 503 9', (ERROR, "", '"GET / HTTP/1.0" server-error 9')),
    (
        '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 404 9',
        (WARNING, "", '"GET / HTTP/1.0" client-error 9'),
    ),
    ('1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 9', (INFO, "", '"GET / HTTP/1.0" ok 9')),
    ('2026-11-22 12:00:01 INFO a.B: said "hello" 404 times', (INFO, "a.B", 'said "hello" 404 times')),
    (
        '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 301 9 "-" "a" 200 3',
        (INFO, "", '"GET / HTTP/1.0" redirect 9 "-" "a" 200 3'),
    ),
    ("20171223-22:15:29:606|Step_LSC|300|on 3", (UNKNOWN, "Step_LSC", "on 3")),
    ("- 1117838573 2005.06.03 N 2005-06-03-15.42.53.2 N RAS KERNEL FATAL ciod: x", (CRITICAL, "", "ciod: x")),
    ('{"severity":"ERROR","time":"2026-11-22T12:00:01Z","m":1}', (ERROR, "", '{"severity":"ERROR","time":"","m":1}')),
    ('{"level":30,"time":1700000000123,"m":1}', (INFO, "", '{"level":30,"time":,"m":1}')),
    ("time=2026-11-22T12:00:01Z level=warn msg=x", (WARNING, "", "level=warn msg=x")),
    ("Restarted at 2026-11-22 12:00:01 by bob", (UNKNOWN, "", "Restarted at  by bob")),
    ("ERROR something broke", (ERROR, "", "something broke")),
    ("Notice of change", (UNKNOWN, "", "Notice of change")),
    ("2026-11-22 12:00:01 Fine, thanks", (UNKNOWN, "", "Fine, thanks")),
    ("2026-11-22 12:00:01 [Note] ready", (NOTICE, "", "ready")),
    ("no header here", (UNKNOWN, "", "no header here")),
    ("2026-11-22 12:00:01 alice: logged in", (UNKNOWN, "", "alice: logged in")),
    ("2026-11-22 12:00:01 12 items done", (UNKNOWN, "", "12 items done")),
    ("2026-11-22 12:00:01", (UNKNOWN, "", "2026-11-22 12:00:01")),
    ("2026-11-22 12:00:01 INFO gr\u00fc\u00df: \u00e4", (INFO, "", "gr\u00fc\u00df: \u00e4")),
    ("INFO:root:started", (INFO, "root", "started")),
    ("INFO:started", (UNKNOWN, "", "INFO:started")),
    ("WARNING:2026-11-22 12:00:01,123:my.mod:slow", (WARNING, "my.mod", "slow")),
    ("[INFO] 2026-11-22 12:00:01 ready", (INFO, "", "ready")),
    ("info 2026-11-22 12:00:01 is no level", (UNKNOWN, "", "is no level")),
    ("[2026-11-22 12:00:01,123: ERROR/Worker-3] it failed", (ERROR, "", "it failed")),
    ("[2026-11-22 12:00:01,123: GET/Worker-3] it failed", (UNKNOWN, "", ": GET/Worker-3] it failed")),
    ("0:00:00.012345678 123 0x55d0c8e0 DEBUG   GST a.c:1:f: ready", (DEBUG, "", "GST a.c:1:f: ready")),
    ("[2026-11-22T12:00:01Z INFO  a::db] ready", (INFO, "a::db", "ready")),
    ("[2026-11-22 12:00:01] shop.ERROR: it failed", (ERROR, "shop.ERROR", "it failed")),
    ("[2026-11-22 12:00:01] chrome.exe *64 - opened", (UNKNOWN, "chrome.exe", "opened")),
    ("[2026-11-22 12:00:01] chrome.exe - opened", (UNKNOWN, "chrome.exe", "opened")),
    ("", (UNKNOWN, "", "")),
]


@pytest.mark.parametrize(("line", "wanted"), CASES, ids=[line[:40] for line, _ in CASES])
def test_level_logger_and_message(line: str, wanted: Parsed) -> None:
    assert parsed([line.encode()]) == [wanted]


def test_all_in_one_batch_give_what_each_gives_alone() -> None:
    assert parsed([line.encode() for line, _ in CASES] * 2) == [wanted for _, wanted in CASES] * 2


@pytest.mark.parametrize("word", ["error", "panic", "warning"])
def test_a_word_of_the_message_is_no_level(word: str) -> None:
    assert parsed([f"2026-11-22 12:00:01 INFO a.B: an {word} was seen".encode()])[0][0] == INFO


def test_a_header_far_into_a_long_line_does_not_read_its_neighbours() -> None:
    line = b"x" * 140 + b" E1122 12:00:01.123456   77 f.go:12] y"
    assert parsed([line]) == parsed([line, b"W" * 200, line])[:1] == parsed([b"I" * 200, line])[1:]


def test_a_bracket_that_ends_beyond_the_head_is_still_taken_off() -> None:
    line = b"2026-11-22 12:00:01 INFO a.b [req-" + b"x" * 150 + b"] done"
    assert parsed([line]) == [(INFO, "a.b", "done")]
