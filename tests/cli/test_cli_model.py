"""`logwatchd model`: at rest and in a running daemon, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logwatch.cli import run
from tests.test_models_pipeline import SHUFFLED, lines

OUT = pytest.CaptureFixture[str]


@pytest.fixture
def state(tmp_path: Path, capsys: OUT) -> Path:
    return learned(tmp_path, "one", lines(2500), capsys)


def learned(folder: Path, name: str, log: list[bytes], capsys: OUT) -> Path:
    path = folder / f"{name}.log"
    path.write_bytes(b"\n".join(log) + b"\n")
    assert run(["score", str(path), "--source", "app", "--state", str(folder / name), "--json"]) == 0
    capsys.readouterr()
    return folder / name


def told(capsys: OUT, *arguments: str) -> list[dict[str, Any]]:
    assert run(["model", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_is_exported_is_imported_by_another_state(state: Path, tmp_path: Path, capsys: OUT) -> None:
    other, bundle = learned(tmp_path, "other", lines(2500, SHUFFLED), capsys), tmp_path / "app.tar"
    (sent,) = told(capsys, "export", "-o", str(bundle), "--state", str(state))
    assert bundle.stat().st_size == sent["bytes"]
    (brought,) = told(capsys, "import", str(bundle), "--now", "--state", str(other))
    assert brought["bundle"] == sent["bundle"]
    (tmp_path / "more.log").write_bytes(b"\n".join(lines(200, first=2500)) + b"\n")
    assert run(["score", str(tmp_path / "more.log"), "--source", "app", "--state", str(other), "--json"]) == 0
    capsys.readouterr()
    rows = told(capsys, "list", "--state", str(other))
    assert [row["state"] for row in rows] == ["left", "kept", "open"]
    assert rows[1]["bundle"] == sent["bundle"]
    assert rows[2]["parent"] == rows[1]["number"]


def test_a_bundle_that_was_spoilt_changes_nothing(state: Path, tmp_path: Path, capsys: OUT) -> None:
    bundle = tmp_path / "app.tar"
    told(capsys, "export", "-o", str(bundle), "--state", str(state))
    before = told(capsys, "list", "--state", str(state))
    for spoilt in (bundle.read_bytes()[:-20_000], b"", bundle.read_bytes().replace(b'"schema":1', b'"schema":9')):
        bundle.write_bytes(spoilt)
        assert run(["model", "import", str(bundle), "--state", str(state)]) == 65
        assert "nothing was changed" in capsys.readouterr().err
    assert run(["model", "import", str(tmp_path / "none.tar"), "--state", str(state)]) == 65
    assert run(["score", str(tmp_path / "one.log"), "--model", str(bundle)]) == 78
    capsys.readouterr()
    assert told(capsys, "list", "--state", str(state)) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["rollback"], 64),
        (["rollback", "first"], 64),
        (["import"], 64),
        (["export"], 64),
        (["list", "-o", "x"], 64),
        (["list", "3"], 64),
        (["show", "--now"], 64),
        (["rollback", "99"], 65),
        (["show", "99"], 65),
        (["show", "--lane", "t/0"], 65),
        (["export", "99", "-o", "x.tar"], 65),
    ],
)
def test_what_makes_no_sense_is_refused(state: Path, arguments: list[str], code: int) -> None:
    assert run(["model", *arguments, "--state", str(state)]) == code


def test_where_there_is_no_state_there_is_none_afterwards(tmp_path: Path) -> None:
    assert run(["model", "list", "--state", str(tmp_path / "none")]) == 69
    assert not (tmp_path / "none").exists()


@pytest.fixture
def daemon(state: Path, tmp_path: Path) -> Iterator[Path]:
    """A daemon that follows a file, on a state that has learned."""
    log, config = tmp_path / "live.log", tmp_path / "c.toml"
    log.write_bytes(b"\n".join(lines(300)) + b"\n")
    config.write_text(
        f'state = "{state}"\n[http]\nlisten = ""\n[[source]]\nkind = "file"\nname = "app"\n'
        f'paths = ["{log}"]\nstart = "beginning"\n'
    )
    command = [sys.executable, "-m", "logwatch", "run", "-c", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if (state / "control.sock").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        yield state
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_a_running_daemon_is_asked_and_obeys(daemon: Path, tmp_path: Path, capsys: OUT) -> None:
    bundle = tmp_path / "app.tar"
    (sent,) = told(capsys, "export", "-o", str(bundle), "--state", str(daemon))
    (shown,) = told(capsys, "show", "--state", str(daemon))
    assert shown["version"]["state"] == "open"
    told(capsys, "import", str(bundle), "--now", "--state", str(daemon))
    rows = told(capsys, "list", "--state", str(daemon))
    assert [row["bundle"] for row in rows if row["origin"] == "imported"] == [sent["bundle"]]
    (back,) = told(capsys, "rollback", str(rows[-2]["number"]), "--state", str(daemon))
    assert told(capsys, "list", "--state", str(daemon))[-1]["parent"] == back["version"]
