"""The daemon as a process of its own, looked at from outside: its memory, its time, what it says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from logwatch.control import ask
from logwatch.errors import UnreachableError

READY_S = 300.0


class Watched:
    """Args:
    config: its configuration, with `state` and `[http] probe_listen`.
    """

    def __init__(self, config: Path) -> None:
        self._config = config
        self._settings = self._load()
        with (config.parent / "log").open("ab") as said:
            command = [sys.executable, "-m", "logwatch", "run", "-c", str(config)]
            self.began = time.monotonic()
            self.process = subprocess.Popen(command, stderr=said, stdout=subprocess.DEVNULL)

    def _load(self) -> Any:
        from logwatch.config import load

        return load(self._config, environ={}).settings

    def status(self) -> dict[str, Any]:
        """What it answers; empty where it does not."""
        try:
            return ask(self._settings.state, {"verb": "status"})
        except UnreachableError:
            return {}

    def until_ready(self) -> float:
        """Seconds from its start until it is ready."""
        while time.monotonic() - self.began < READY_S:
            if self.process.poll() is not None:
                break
            if self.status().get("ready"):
                return time.monotonic() - self.began
            time.sleep(0.02)
        raise RuntimeError((self._config.parent / "log").read_text()[-2000:])

    def _tree(self) -> list[psutil.Process]:
        try:
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def rss(self) -> int:
        """Resident bytes of it and its helpers."""
        return sum(int(one.memory_info().rss) for one in self._tree() if one.is_running())

    def cpu(self) -> float:
        """Seconds of processor time that it and its helpers have taken."""
        times = [one.cpu_times() for one in self._tree()]
        return float(sum(one.user + one.system for one in times))

    def metrics(self) -> dict[str, float]:
        """Its own metrics, summed over labels."""
        url = f"http://{self._settings.http.probe_listen}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            text = answer.read().decode()
        sums: dict[str, float] = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, value = line.partition("{")[0].partition(" ")[0], line.rpartition(" ")[2]
                sums[name] = sums.get(name, 0.0) + float(value)
        return sums

    def stop(self) -> int:
        """End it as a service manager does; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def imported() -> int:
    """Resident bytes of a process that has only imported what the daemon imports."""
    code = (
        "import json, torch, polars, psutil, logwatch.app, logwatch.app.session, logwatch.web.app, logwatch.score.lstm;"
        "print(json.dumps(psutil.Process().memory_info().rss))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(json.loads(ran.stdout))
