"""The whole pipeline with lines parsed in another process: the same rows, whatever becomes of that process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import logwatch.ahead
from logwatch import telemetry
from logwatch.app.history import score
from logwatch.config import load
from logwatch.parse.process import Worker
from logwatch.parse.shape import Shaped
from logwatch.requests import ScoreRequest
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.stream import write

LINES = 48_000
KILLED_AT = 2


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("logs") / "app.log", LINES, 100_000)


def rows(log: Path, to: Path) -> bytes:
    score(ScoreRequest((str(log),), load(environ={}), rows=to, rows_format="jsonl"), Quiet())
    return to.read_bytes()


@pytest.fixture(scope="module")
def expected(log: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logwatch.ahead, "usable_processors", lambda: 1)
        return rows(log, tmp_path_factory.mktemp("rows") / "alone.jsonl")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From the second full batch on everything is parsed ahead; the numbers of the answers that were used."""
    used: list[int] = []
    ready, result = Worker.ready, Worker.result

    def soon(self: Worker) -> bool:
        assert self.answered(30.0)
        return ready(self)

    def counted(self: Worker, number: int) -> Shaped | None:
        shaped = result(self, number)
        used.append(number)
        return shaped

    monkeypatch.setattr(logwatch.ahead, "usable_processors", lambda: 2)
    monkeypatch.setattr(logwatch.ahead, "BEHIND", 1)
    monkeypatch.setattr(Worker, "ready", soon)
    monkeypatch.setattr(Worker, "result", counted)
    return used


def test_rows_do_not_depend_on_where_lines_are_parsed(
    log: Path, expected: bytes, at_once: list[int], tmp_path: Path
) -> None:
    assert rows(log, tmp_path / "rows.jsonl") == expected
    assert len(at_once) >= 4


def test_rows_are_the_same_when_the_process_is_killed_on_the_way(
    log: Path, expected: bytes, at_once: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, result = telemetry.PARSERS_LOST.value(), Worker.result

    def killed(self: Worker, number: int) -> Shaped | None:
        if number == KILLED_AT:
            os.kill(self.id, signal.SIGKILL)
            self._process.wait()
            self._from.read()  # what it had said already is lost with it
        return result(self, number)

    monkeypatch.setattr(Worker, "result", killed)
    assert rows(log, tmp_path / "rows.jsonl") == expected
    assert at_once == list(range(KILLED_AT))
    assert telemetry.PARSERS_LOST.value() == before + 1


def test_the_process_does_not_outlive_its_parent() -> None:
    code = (
        "import time; from logwatch.parse.process import Worker\n"
        "one = Worker(()); assert one.answered(30.0) and one.ready(); print(one.id, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as said:
        worker = int(said.readline())
        parent.kill()
        parent.wait()
    until = time.monotonic() + 20
    while _runs(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # ended, and waits to be told of
