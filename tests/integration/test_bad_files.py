"""Files that no log should be: named, read as far as they can be, and never the end of the rest."""

from __future__ import annotations

import gzip
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.integration.program import TERM, Program, habit, line, odd

Row = dict[str, Any]


def rows_by_source(path: Path) -> dict[str, list[Row]]:
    rows = defaultdict(list)
    for text in path.read_text().splitlines():
        row = json.loads(text)
        if row["kind"] == "event":
            rows[row["source"]].append(row)
    return rows


def test_each_bad_file_is_read_as_far_as_it_can_be_and_the_rest_goes_on(program: Program, tmp_path: Path) -> None:
    folder, usual = tmp_path, habit(300).encode()
    contents = {
        "good.log": usual,
        "packed.log.gz": gzip.compress(usual),
        "cut.log.gz": gzip.compress(os.urandom(300_000).hex().encode())[:200_000],
        "invalid.log": usual + b"2026-03-01T12:05:00Z INFO \xff\xfe\xc3 end\n",
        "nul.log": usual + b"\0" * 5000 + b"\n2026-03-01T12:05:01Z INFO a\0b\n",
        "huge.log": usual + b"2026-03-01T12:05:00Z INFO " + b"x" * 10_000_000 + b"\n" + line(301).encode(),
        "untimed.log": b"".join(b"request %d done\n" % n for n in range(300)),
        "backwards.log": b"".join(reversed(usual.splitlines(keepends=True))),
        "future.log": usual + b"2099-01-01T00:00:00Z INFO request id=1 done in 1 ms\n" + habit(300, 300).encode(),
        "empty.log": b"",
        "binary.log": os.urandom(50_000),
        "gzip.log": gzip.compress(usual),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.log").mkdir()
    done = program("score", "missing.log", "folder.log", *contents, "-o", "rows.jsonl")
    assert done.returncode == 0
    said = " ".join(done.stderr.split())
    for reason in (
        "missing.log does not exist",
        "folder.log is a directory",
        "binary.log is binary",
        "gzip.log holds gzip data",
        "cut.log.gz is damaged",
    ):
        assert reason in said
    rows = rows_by_source(folder / "rows.jsonl")
    counts = {source: len(found) for source, found in rows.items() if source != "cut"}
    assert counts == {
        "good": 300, "packed": 300, "invalid": 301, "nul": 302, "huge": 302,
        "untimed": 300, "backwards": 300, "future": 601,
    }  # fmt: skip
    times = [row["time"] for row in rows["future"]]
    assert max(times) == "2026-03-01T12:09:59Z", "one absurd line moves no clock"
    assert times[300] == times[299], "the absurd line takes the time before it"
    assert times[301] == "2026-03-01T12:05:00Z"
    assert {row["time"] for row in rows["untimed"]} == {None}
    assert "1 untrusted time" in said
    assert "truncated" in said


@pytest.mark.parametrize("verb", [["score"], ["templates"], ["tail"]])
def test_nothing_but_missing_files_is_no_input(program: Program, verb: list[str]) -> None:
    done = program(*verb, "none.log", "gone.log")
    assert done.returncode == 66
    assert done.stdout == ""
    assert "none.log does not exist" in done.stderr
    assert "gone.log does not exist" in done.stderr
    assert "nothing to read" in done.stderr


@pytest.mark.parametrize("verb", [["score"], ["templates"], ["tail"], ["tail", "--once"]])
def test_nothing_but_files_that_cannot_be_read_is_unreadable_data(
    program: Program, tmp_path: Path, verb: list[str]
) -> None:
    (tmp_path / "binary.log").write_bytes(bytes(range(256)) * 200)
    done = program(*verb, "none.log", "binary.log")
    assert done.returncode == 65
    assert done.stdout == ""
    assert "binary.log is binary" in done.stderr
    assert "nothing to read" in done.stderr


def test_an_unreadable_file_is_named_with_what_to_do_and_the_rest_goes_on(
    unprivileged: Program, tmp_path: Path
) -> None:
    (tmp_path / "good.log").write_text(habit(200))
    locked = tmp_path / "locked.log"
    locked.write_text(habit(200))
    locked.chmod(0)
    done = unprivileged("tail", "--once", "good.log", "locked.log")
    assert done.returncode == 0
    assert "locked.log cannot be read: permission denied; add the user" in done.stderr
    assert "200 lines" in done.stderr


def test_a_path_that_would_act_on_a_terminal_is_shown_and_does_not_act(program: Program) -> None:
    done = program("tail", "--once", "\x1b]0;evil\x07.log")
    assert done.returncode == 66
    assert "\x1b]0" not in done.stderr
    assert r"\x1b]0;evil\x07.log" in done.stderr


def test_a_running_daemon_takes_bad_lines_and_one_from_2099_moves_no_clock(program: Program, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(habit(3000))
    daemon = program.daemon(str(log))
    daemon.saw(3000)
    with log.open("ab") as out:
        out.write(b"2099-01-01T00:00:00Z INFO request id=1 done in 1 ms\n" + b"\xff\0\n" + b"y" * 3_000_000 + b"\n")
        out.write((habit(2000, 3000) + odd(5000)).encode())
    daemon.saw(5004)
    assert daemon.running.end(TERM) == 0
    assert daemon.alerts()
    assert max(one["last"] for one in daemon.alerts()) == "2026-03-01T13:23:20Z"
