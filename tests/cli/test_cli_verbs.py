"""The verbs over real files: what goes to which stream, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from logwatch.cli import run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Habit, and at its end something that never happened before."""
    lines = [
        f"2026-03-01T12:{i // 60 % 60:02d}:{i % 60:02d} INFO request id={i} done in {i % 7} ms" for i in range(3000)
    ]
    lines += ["2026-03-01T12:50:01 ERROR database on fire, worker 7 killed"]
    file = tmp_path / "app.log"
    file.write_text("".join(line + "\n" for line in lines))
    return file


def logwatchd(*arguments: str | Path, reader: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "logwatch", *map(str, arguments)]
    if reader:
        quoted = " ".join(f"'{part}'" for part in command)
        command = ["bash", "-c", f"{quoted} | {reader}; exit ${{PIPESTATUS[0]}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_tail_once_in_a_pipe_gives_alerts_as_json_lines_and_exits_1_with_fail(log: Path) -> None:
    done = logwatchd("tail", log, log.parent / "missing.log", "--once", "--fail", "--source", "orders")
    assert done.returncode == 1, done.stderr
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    assert alerts[0]["source"] == "orders"
    assert "database on fire" in alerts[0]["lines"][0]["text"]
    assert "missing.log" in done.stderr
    assert "3,001 lines" in done.stderr


def test_tail_ends_quietly_when_its_reader_goes_away(log: Path) -> None:
    done = logwatchd("tail", log, "--once", reader="true")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_nothing_but_missing_files_exits_66(tmp_path: Path) -> None:
    done = logwatchd("tail", tmp_path / "missing.log", "--once")
    assert (done.returncode, done.stdout) == (66, "")
    assert "missing.log" in done.stderr


def test_templates_are_json_lines_in_a_pipe(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["templates", str(log), "--top", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["count"] == 3000


def test_rows_on_standard_output_are_not_mixed_with_alerts(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", str(log), "-o", "-"]) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert sum(row["kind"] == "event" for row in rows) == 3001
    assert "schema" not in rows[0]
    assert "3,001 lines" in err


def test_status_of_nothing_exits_69(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--state", str(tmp_path)]) == 69
    assert "no daemon answers" in capsys.readouterr().err
