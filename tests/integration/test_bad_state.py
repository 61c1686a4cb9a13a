"""State that cannot be used is refused with the way out; a full disk pauses, says so, and loses nothing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.program import TERM, Program, eventually, habit, odd


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text(habit(300))
    return path


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state that an earlier call left."""
    folder = tmp_path_factory.mktemp("learned")
    (folder / "app.log").write_text(habit(300))
    assert Program(folder)("score", "app.log", "--state", "state").returncode == 0
    return folder / "state"


@pytest.fixture
def state(learned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(learned, tmp_path / "state"))


def change(state: Path, sql: str) -> None:
    with closing(sqlite3.connect(state / "state.db")) as db, db:
        db.execute(sql)


@pytest.mark.parametrize("verb", [("score",), ("tail", "--once")])
def test_a_state_that_is_a_file_is_refused(program: Program, log: Path, tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "state").write_text("mine")
    done = program(*verb, log, "--state", tmp_path / "state")
    assert done.returncode == 73
    assert f"cannot write the state directory {tmp_path / 'state'}: it is a file" in done.stderr
    assert "choose another with --state DIR" in done.stderr
    assert (tmp_path / "state").read_text() == "mine"


def test_a_state_of_a_newer_schema_is_refused(program: Program, log: Path, state: Path) -> None:
    change(state, "PRAGMA user_version = 99")
    done = program("score", log, "--state", state)
    assert done.returncode == 78
    assert "has schema 99, newer than this program's" in done.stderr
    assert "run the newer logwatchd, or start afresh" in done.stderr


@pytest.mark.parametrize("kind", ["zeros", "cut", "scratched", "no database"])
def test_a_corrupt_state_is_refused(program: Program, log: Path, state: Path, kind: str) -> None:
    database = state / "state.db"
    whole = database.read_bytes()
    half = len(whole) // 2
    database.write_bytes(
        {
            "zeros": bytes(len(whole)),
            "cut": whole[:half],
            "scratched": whole[:8192] + b"\xff" * (half - 8192) + whole[half:],
            "no database": b"# notes\n" * 1000,
        }[kind]
    )
    done = program("score", log, "--state", state)
    assert done.returncode == 78
    assert "state.db is corrupt" in done.stderr
    assert f"move {state} aside and start again" in done.stderr


def test_a_corrupt_cell_is_refused(program: Program, log: Path, state: Path) -> None:
    change(state, "UPDATE cells SET value = x'0500000022ff' WHERE component = 'judge'")
    done = program("score", log, "--state", state)
    assert done.returncode == 78
    assert "state.db is corrupt" in done.stderr
    assert f"move {state} aside" in done.stderr


def test_another_programs_database_is_refused_and_left_alone(program: Program, log: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    change(tmp_path / "state", "CREATE TABLE theirs (x)")
    before = (tmp_path / "state" / "state.db").read_bytes()
    done = program("score", log, "--state", "state")
    assert done.returncode == 78
    assert "not logwatchd's" in done.stderr
    assert (tmp_path / "state" / "state.db").read_bytes() == before


def test_a_state_that_cannot_be_written_is_refused(unprivileged: Program, log: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    for state in ("locked/state", "locked"):
        done = unprivileged("score", log, "--state", state)
        assert done.returncode == 73
        assert f"cannot write the state directory {state}: Permission denied" in done.stderr
        assert "choose another with --state DIR" in done.stderr


def test_a_locked_state_is_refused_and_names_who_holds_it(program: Program, log: Path) -> None:
    daemon = program.daemon(str(log))
    for arguments in (("run", "-c", "logwatchd.toml"), ("score", log, "--state", daemon.state)):
        done = program(*arguments)
        assert done.returncode == 75
        assert f"is in use by process {daemon.running.process.pid}" in done.stderr
    daemon.saw(300)
    assert daemon.running.end(TERM) == 0


def test_a_daemon_with_a_bad_configuration_says_file_line_key_and_nearest_name(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text(
        'budget = "2/day"\n[[source]]\nkind = "fille"\n[[sink]]\nkind = "file"\npth = "x"\n'
    )
    for verb in ("run", "check-config"):
        done = program(verb, "-c", "bad.toml")
        assert done.returncode == 78
        assert 'bad.toml:3: source[0].kind: unknown source "fille"; did you mean "file"?' in done.stderr
        assert 'bad.toml:6: sink[0].pth: unknown key "pth"; did you mean "path"?' in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mount.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_pauses_says_so_and_loses_nothing(program: Program, tmp_path: Path, small_disk: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(habit(3000))
    daemon = program.daemon(str(log), state=str(small_disk / "state"))
    daemon.saw(3000)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while out.write(bytes(4096)):
                pass
        except OSError:
            pass
    at = 3000

    def paused() -> str:
        nonlocal at
        with log.open("a") as out:
            out.write(habit(100, at))
        at += 100
        return str((daemon.status() or {})["paused"])

    assert "no space left" in eventually(paused, "it says that it is paused")
    with log.open("a") as out:
        out.write(odd(at))
    ballast.unlink()
    eventually(lambda: not (daemon.status() or {"paused": "?"})["paused"], "it goes on")
    daemon.saw(at + 1)
    assert daemon.running.end(TERM) == 0
    said = daemon.running.err.read_text()
    assert "paused: the state cannot be written" in said
    assert "reading again" in said
    assert any("database on fire" in alert["lines"][-1]["text"] for alert in daemon.alerts())
    with closing(sqlite3.connect(small_disk / "state" / "state.db")) as db:
        (clock,) = db.execute("SELECT value FROM cells WHERE component = 'pipeline' AND name = 'clock'").fetchone()
    assert f'"seen": {at + 1}' in clock.decode()
