"""`tail` as it is used: on a file that grows, in a pipe, once in a build; and every way to end it."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.program import INT, TERM, Program, eventually, habit, odd


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """3,000 usual lines."""
    path = tmp_path / "app.log"
    path.write_text(habit(3000))
    return path


def append(log: Path, text: str) -> None:
    with log.open("a") as out:
        out.write(text)


@pytest.mark.parametrize("signum", [INT, TERM])
def test_it_alerts_on_a_growing_file_and_ends_cleanly_with_a_summary(
    program: Program, log: Path, signum: signal.Signals
) -> None:
    append(log, odd(3000) + habit(300, 3001))  # is learned, and alerts nobody
    running = program.start("tail", log)
    at = iter(range(3301, 10_000))

    def alerted() -> bool:
        append(log, f"{odd(next(at)).strip()}, again\n")  # until it follows
        return bool(running.out.read_text())

    eventually(alerted, "an alert")
    assert running.end(signum) == 0
    alerts = [json.loads(line) for line in running.out.read_text().splitlines()]
    assert all(line["text"].endswith("again") for alert in alerts for line in alert["lines"])
    said = running.err.read_text()
    assert "incident" in said
    assert "lines in" in said


def test_it_reads_a_pipe_to_its_end(program: Program) -> None:
    done = program("tail", "-", input=habit(3000) + odd(3000))
    assert done.returncode == 0
    assert "database on fire" in json.loads(done.stdout.splitlines()[0])["lines"][-1]["text"]
    assert "3,001 lines" in done.stderr


def test_once_with_fail_exits_1_only_where_something_alerted(program: Program, log: Path) -> None:
    assert program("tail", "--once", "--fail", log).returncode == 0
    append(log, odd(3000))
    assert program("tail", "--once", log).returncode == 0
    failed = program("tail", "--once", "--fail", log)
    assert failed.returncode == 1
    assert "1 incident" in failed.stderr


def test_fail_without_once_is_a_usage_error(program: Program, log: Path) -> None:
    assert program("tail", "--fail", log).returncode == 64


def test_it_ends_when_nobody_reads_any_more(program: Program, log: Path) -> None:
    """`tail | head -1` on a file that goes on growing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "logwatch", "tail", str(log)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    at = iter(range(3000, 10_000))
    try:
        with process.stdout as out:

            def alerted() -> bool:
                append(log, odd(next(at)))
                return bool(select.select([out], [], [], 0)[0])

            eventually(alerted, "an alert")
            assert json.loads(out.readline())["schema"] == 1

        def ended() -> bool:
            append(log, f"ERROR {next(at)} something else\n")
            return process.poll() is not None

        eventually(ended, "it ends")
        assert process.returncode == 0
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
