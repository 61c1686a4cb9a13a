"""SIGHUP: a real daemon reads its configuration again, and keeps the old one where the new one is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LINE = '{{"time": "2026-02-03T04:{0:02d}:{1:02d}Z", "level": "info", "message": "took {2} ms"}}\n'


class Running:
    """A daemon on a folder of logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "c.toml"
        self.log = folder / "own.log"
        self.configure("a")
        for name in "ab":
            (folder / f"{name}.log").write_text("".join(LINE.format(n // 60, n % 60, n) for n in range(120)))
        command = [sys.executable, "-m", "logwatch", "run", "-c", str(self.config), "--log-format", "json"]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stderr=out, stdout=subprocess.DEVNULL, start_new_session=True)

    def configure(self, *names: str, more: str = "") -> None:
        paths = ", ".join(f'"{self.folder}/{name}.log"' for name in names)
        self.config.write_text(
            f'state = "{self.folder}/state"\n{more}[http]\nlisten = ""\n'
            f'[[source]]\nkind = "file"\nstart = "beginning"\npaths = [{paths}]\n'
        )

    def said(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if str(line["event"]).startswith(event)]

    def status(self) -> dict[str, object]:
        ran = subprocess.run(
            [sys.executable, "-m", "logwatch", "status", "--state", str(self.folder / "state"), "--json"],
            capture_output=True, check=False,
        )  # fmt: skip
        return json.loads(ran.stdout) if ran.returncode == 0 else {}

    def sources(self) -> set[str]:
        found = self.status()
        rows = found.get("sources", []) if found.get("running") else []
        assert isinstance(rows, list)
        return {row["source"].rpartition("/")[2] for row in rows}


def until(true: Callable[[], object]) -> None:
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it did not come about in 30 s")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    try:
        until(lambda: one.sources() == {"a.log"})
        yield one
    finally:
        one.process.terminate()
        assert one.process.wait(30) == 0, one.log.read_text()


def test_a_new_configuration_takes_effect_and_nothing_is_read_twice(running: Running) -> None:
    running.configure("a", "b")
    running.process.send_signal(signal.SIGHUP)
    until(lambda: running.sources() == {"a.log", "b.log"})
    assert running.process.poll() is None, "it is the same process, for a service manager"
    assert running.status()["events_learned"] == 240
    assert len(running.said("started")) == 2


def test_a_wrong_configuration_is_told_and_the_old_one_is_kept(running: Running) -> None:
    running.configure("a", "b", more='budgt = "2/day"\n')
    running.process.send_signal(signal.SIGHUP)
    until(lambda: running.said("reload: the configuration is wrong"))
    assert "budgt" in str(running.said("reload: the configuration is wrong")[0]["reason"])
    assert len(running.said("started")) == 1
    with (running.folder / "a.log").open("a") as out:
        out.write(LINE.format(5, 0, 1))
    until(lambda: running.status().get("events_learned") == 121)


def test_a_service_manager_is_told(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            one = Running(tmp_path)
        finally:
            del os.environ["NOTIFY_SOCKET"]
        heard: list[str] = []

        def hear(word: str) -> None:
            while not heard or not heard[-1].startswith(word):
                heard.append(manager.recv(4096).decode())

        hear("READY=1")
        one.process.send_signal(signal.SIGHUP)
        hear("RELOADING=1\nMONOTONIC_USEC=")
        hear("READY=1")
        one.process.terminate()
        hear("STOPPING=1")
        assert one.process.wait(30) == 0
        assert sum(word.startswith("STOPPING") for word in heard) == 1
