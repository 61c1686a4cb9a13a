"""`alerts` and `mark` against a real daemon: over its socket, through kill -9, and on the state at rest."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from logwatch.checkpoint.store import Store
from logwatch.control import ask, user
from tests.integration.program import Daemon, Program, eventually, habit, odd


def rows(program: Program, *arguments: str) -> list[dict[str, Any]]:
    done = program("alerts", *arguments, "--state", "state", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def write(folder: Path, text: str) -> None:
    with (folder / "app.log").open("a") as log:
        log.write(text)


def read(daemon: Daemon, records: int) -> None:
    eventually(lambda: (daemon.status() or {}).get("events_learned", 0) >= records, f"{records} lines were read")


def test_feedback_reaches_a_running_daemon_and_outlives_kill_9(program: Program, tmp_path: Path) -> None:
    write(tmp_path, habit(2500) + odd(2500) + habit(20, 2501))
    daemon = program.daemon(f"{tmp_path}/app.log", budget='"20/hour"')
    read(daemon, 2521)
    (alert,) = eventually(lambda: rows(program, "list", "--open"), "the odd line alerts")
    said = rows(program, "normal", alert["incident"][:6], "--note", "it burns every night")[0]["feedback"]
    assert said["by"] == user(os.getuid())
    daemon.running.end(signal.SIGKILL)

    write(tmp_path, habit(400, 2521) + odd(2921) + habit(20, 2922))
    daemon = program.daemon(f"{tmp_path}/app.log", budget='"20/hour"')
    read(daemon, 2942)
    (silent,) = eventually(lambda: rows(program, "list", "--silenced"), "the odd line is silent")
    assert (silent["by"], silent["rule"] != "") == (said["id"], True)
    assert [row["incident"] for row in rows(program, "list")] == [alert["incident"]]
    assert rows(program, "list")[0]["feedback"] == "normal"
    assert rows(program, "show", alert["incident"][:6])[0]["feedback"][0]["silenced"] >= 1
    for wrong, code in (("show ffff", 65), ("normal " + alert["incident"][:6], 64), ("undo ffff", 65)):
        assert program("alerts", *wrong.split(), "--state", "state").returncode == code
    daemon.running.end(signal.SIGTERM)

    (undone,) = rows(program, "undo", alert["incident"][:6])  # on the state at rest
    assert undone["state"] == "undone"
    assert rows(program, "list", "--feedback") == [undone | {"silenced": 1}]
    write(tmp_path, habit(300, 2942))
    daemon = program.daemon(f"{tmp_path}/app.log", budget='"20/hour"')
    read(daemon, 3242)
    daemon.running.end(signal.SIGTERM)
    with Store(tmp_path / "state") as store:
        assert json.loads(store.cells("feedback")["rules"])["rules"] == []
        assert [len(one.directive.body) for one in store.journal] == [3, 1]


def test_a_mark_is_kept_for_the_next_daemon_and_shown_by_status(program: Program, tmp_path: Path) -> None:
    assert program("mark", "release 1.2", "--state", "state").returncode == 69  # nothing is there, and nothing is made
    write(tmp_path, habit(300))
    daemon = program.daemon(f"{tmp_path}/app.log")
    read(daemon, 300)
    reply = program("mark", "release 1.2", "--for", "2h", "--state", "state")
    assert reply.returncode == 0
    assert reply.stdout.startswith("Marked: release 1.2. Drift is expected until")
    assert [mark["name"] for mark in (daemon.status() or {})["marks"]] == ["release 1.2"]
    with Path(tmp_path / "state" / "lock").open() as lock:
        assert lock.read()
    assert program("mark", "", "--state", "state").returncode == 64
    daemon.running.end(signal.SIGTERM)
    with Store(tmp_path / "state"):
        locked = program("mark", "release 1.3", "--state", "state")
        assert locked.returncode == 75
    assert program("mark", "release 1.3", "--source", "app.log", "--state", "state").returncode == 0


def test_nobody_can_say_who_else_they_are(program: Program, tmp_path: Path) -> None:
    write(tmp_path, habit(10))
    daemon = program.daemon(f"{tmp_path}/app.log")
    reply = ask(tmp_path / "state", {"verb": "mark", "name": "a", "by": "somebody else"})
    assert reply["mark"]["by"] == user(os.getuid())
    for wrong in ({"action": 7}, {"action": "show", "id": 7}, {"action": "list", "since": "x"}, {}):
        assert ask(tmp_path / "state", {"verb": "alerts", **wrong})["code"] in (64, 65)
    with socket.socket(socket.AF_UNIX) as peer:
        os.chdir(tmp_path)
        peer.connect("state/control.sock")
        peer.sendall(b"[1]\n")
        assert b"error" in peer.recv(1000)
    daemon.running.end(signal.SIGTERM)
