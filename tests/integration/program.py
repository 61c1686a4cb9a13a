"""The program as its users run it: processes of its own, real files, real signals, what it prints and how it exits."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from logwatch.control import ask
from logwatch.errors import UnreachableError
from tests import waiting

PATIENCE_S = 60.0
"""How long something may take before a test gives up; nothing is asserted about the time itself."""

eventually = partial(waiting.eventually, patience=PATIENCE_S, pause=0.05)

TERM, INT = signal.SIGTERM, signal.SIGINT

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
ODD = "ERROR database on fire, worker 7 killed by supervisor"


def line(number: int) -> str:
    """A usual line; one a second."""
    stamp = (BEGIN + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{stamp} INFO request id={number} done in {number % 7} ms\n"


def habit(count: int, begin: int = 0) -> str:
    """`count` usual lines, from number `begin` on."""
    return "".join(line(number) for number in range(begin, begin + count))


def odd(number: int) -> str:
    """A line that never happened before, at the time of the usual one of that number."""
    return f"{line(number).split(' ', 1)[0]} {ODD}\n"


@dataclass
class Running:
    """A process of the program whose output goes to files."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def end(self, signum: int | None = None) -> int:
        """Send a signal, if any, and return how it exits. Nothing that it said was a traceback."""
        if signum is not None:
            self.process.send_signal(signum)
        code = self.process.wait(PATIENCE_S)
        assert "Traceback" not in self.err.read_text(), self.err.read_text()
        return code


@dataclass
class Program:
    """Starts the program in a folder; ends what still runs."""

    folder: Path
    prefix: Sequence[str] = ()
    started: list[Running] = field(default_factory=list)

    def __call__(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end. What it says to people is never a traceback."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "logwatch", *map(str, arguments)],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S, **options,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert "internal error" not in done.stderr, done.stderr
        return done

    def start(self, *arguments: str | Path, **options: Any) -> Running:
        """Start and go on."""
        number = len(self.started)
        out, err = self.folder / f"out{number}", self.folder / f"err{number}"
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "logwatch", *map(str, arguments)],
                cwd=self.folder, stdout=output, stderr=errors, **options,
            )  # fmt: skip
        self.started.append(Running(process, out, err))
        return self.started[-1]

    def daemon(self, paths: str, **settings: str) -> Daemon:
        """Start `run` on some files and wait until it answers; all lines count, also those already there."""
        state = Path(settings.pop("state", str(self.folder / "state")))
        top = "".join(f"{key} = {value}\n" for key, value in settings.items())
        config = self.folder / "logwatchd.toml"
        config.write_text(
            f'state = "{state}"\n{top}[[source]]\nkind = "file"\nname = "{{name}}"\npaths = ["{paths}"]\n'
            f'start = "beginning"\n[[sink]]\nkind = "file"\npath = "{self.folder}/alerts.jsonl"\n'
        )
        daemon = Daemon(self.start("run", "-c", config), state, self.folder / "alerts.jsonl")
        eventually(daemon.status, f"the daemon answers: {daemon.running.err.read_text()}")
        return daemon


@dataclass
class Daemon:
    """A running daemon."""

    running: Running
    state: Path
    sink: Path

    def status(self) -> dict[str, Any] | None:
        """What it answers; None where it does not."""
        assert self.running.process.poll() is None, self.running.err.read_text()
        with contextlib.suppress(UnreachableError, FileNotFoundError):
            return ask(self.state, {"verb": "status"})
        return None

    def saw(self, count: int) -> None:
        """Wait until it has read `count` records since its start: no fewer, and never more."""

        def records() -> int:
            return int((self.status() or {"records": 0})["records"])

        eventually(lambda: records() >= count, f"{count} records, not {records()}")
        assert records() == count

    def alerts(self) -> list[dict[str, Any]]:
        """What the file sink holds."""
        return [json.loads(text) for text in self.sink.read_text().splitlines()] if self.sink.exists() else []
