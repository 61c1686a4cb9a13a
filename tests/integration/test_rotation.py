"""A daemon that follows a log while the real logrotate turns it over: every line once, and the odd one alerts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.program import INT, TERM, Daemon, Program, eventually, habit, odd

LOGROTATE = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

pytestmark = pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed")

HOW = {
    "create": "create 0644\ncompress\ndelaycompress",
    "copytruncate": "copytruncate",
}


def rotate(folder: Path, how: str) -> None:
    folder.chmod(0o755)
    (folder / "rotate.conf").write_text(f"{folder}/app.log {{\nrotate 5\nmissingok\nsu root root\n{how}\n}}\n")
    if os.geteuid() != 0:
        (folder / "rotate.conf").write_text(f"{folder}/app.log {{\nrotate 5\n{how}\n}}\n")
    command = [str(LOGROTATE), "--force", "--state", str(folder / "rotate.state"), str(folder / "rotate.conf")]
    subprocess.run(command, check=True, capture_output=True)


def append(log: Path, text: str) -> None:
    with log.open("a") as out:
        out.write(text)


def odd_line_alerts(daemon: Daemon) -> bool:
    return any("database on fire" in one["text"] for alert in daemon.alerts() for one in alert["lines"])


@pytest.mark.parametrize("how", HOW)
def test_every_line_is_seen_once_through_rotations_and_the_odd_one_alerts(
    program: Program, tmp_path: Path, how: str
) -> None:
    logs = tmp_path / "log"
    logs.mkdir()
    log = logs / "app.log"
    append(log, habit(3000))
    daemon = program.daemon(str(log))
    daemon.saw(3000)
    at = 3000
    for _ in range(3):
        append(log, habit(200, at))
        at += 200
        if how == "copytruncate":  # what is written between the copy and the truncation is lost, and nobody can help it
            daemon.saw(at)
        rotate(logs, HOW[how])
        append(log, habit(100, at))
        at += 100
        daemon.saw(at)
    append(log, odd(at))
    daemon.saw(at + 1)
    eventually(lambda: odd_line_alerts(daemon), "the odd line alerts")
    assert daemon.running.end(TERM) == 0


def test_what_was_rotated_away_while_the_daemon_was_down_is_read_first(program: Program, tmp_path: Path) -> None:
    logs = tmp_path / "log"
    logs.mkdir()
    log = logs / "app.log"
    append(log, habit(3000))
    daemon = program.daemon(str(log))
    daemon.saw(3000)
    assert daemon.running.end(INT) == 0
    append(log, habit(150, 3000))
    rotate(logs, HOW["create"])
    append(log, habit(150, 3150) + odd(3300))
    daemon = program.daemon(str(log))
    daemon.saw(301)
    eventually(lambda: odd_line_alerts(daemon), "the odd line alerts")
    assert daemon.running.end(TERM) == 0
