"""`logwatchd risk` of a running daemon, over HTTP and its control socket; and the risk alert that it delivers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from logwatch.app import risk_asked
from logwatch.errors import UnreachableError, UsageError
from logwatch.requests import RiskAsk

TOKEN = "a-token-of-this-test-0123456789abcdef"  # noqa: S105  # of this test alone
SECONDS, BAD = 1500, 60
"""Readings of so many seconds until now; in the last of them everything climbs."""


def metrics(file: Path) -> None:
    rng, end = np.random.default_rng(0), int(time.time())
    rows = ["time,name,labels,value"]
    for second in range(SECONDS):
        stamp = str(np.datetime64(end - SECONDS + second + 1, "s")) + "Z"
        for name in ("cpu", "memory", "threads"):
            bad = max(0, second - (SECONDS - BAD)) * 5
            rows.append(f"{stamp},{name},,{10 + rng.normal() + (40 if bad else 0) + bad:.3f}")
    file.write_text("\n".join(rows) + "\n")


class Daemon:
    """A daemon of its own process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        metrics(folder / "metrics.csv")
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        (folder / "logwatchd.toml").write_text(
            f'state = "{self.state}"\n[http]\nlisten = "{self.url.removeprefix("http://")}"\n'
            f'token_file = "{folder}/token"\n[heatmap]\nevery = "2s"\nwindow = 16\n[risk.cnn]\nbudget = "2/day"\n'
            f'[[source]]\nkind = "file"\nname = "web"\npaths = ["{folder}/metrics.csv"]\nstart = "beginning"\n'
            f'[[sink]]\nkind = "file"\npath = "{folder}/alerts.jsonl"\n'
        )
        self.process = self.begin()

    def begin(self) -> subprocess.Popen[bytes]:
        call = [sys.executable, "-m", "logwatch", "run", "-c", str(self.folder / "logwatchd.toml")]
        return subprocess.Popen(call, stderr=subprocess.PIPE)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.3)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    one = Daemon(tmp_path_factory.mktemp("daemon"))
    try:
        until(lambda: asked(one, "--state", one.state)[0] in (0, 1))
        yield one
    finally:
        one.end()


def asked(one: Daemon, *arguments: object) -> tuple[int, str, str]:
    call = [sys.executable, "-m", "logwatch", "risk", *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "120"})
    return done.returncode, done.stdout, done.stderr


def test_the_gate_over_both_ways_agrees_and_names_the_drivers(daemon: Daemon) -> None:
    url = ("--url", daemon.url, "--token-file", daemon.folder / "token")
    for way in (("--state", daemon.state), url):
        code, out, err = asked(daemon, *way, "--source", "web", "--max", "0.3", "--json")
        assert code == 1, err
        found = json.loads(out)
        assert found["pass"] is False
        (row,) = found["results"]
        assert row["source"] == "web"
        assert row["probability"] == found["highest"] > 0.3
        assert {name for name, _ in row["drivers"]} <= {"cpu", "memory", "threads"}
        code, out, _ = asked(daemon, *way, "--max", "1")
        assert code == 0
        assert "passes" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--source", "db"), 65, "no metrics of a source 'db'"),
        (("--token-file", "/nowhere/token"), 65, "/nowhere/token: cannot be read"),
        (("--weights", "x"), 64, "are of files"),
    ],
)
def test_what_cannot_be_answered_does_not_pass(
    daemon: Daemon, arguments: tuple[str, ...], code: int, said: str
) -> None:
    way = ("--url", daemon.url) + (
        () if "--token-file" in arguments else ("--token-file", str(daemon.folder / "token"))
    )
    found, out, err = asked(daemon, *way, *arguments)
    assert found == code, err
    assert said in err
    assert out == ""


def test_without_the_token_it_is_said_that_it_needs_one(daemon: Daemon) -> None:
    with pytest.raises(UsageError, match="wants a token"):
        risk_asked(RiskAsk(daemon.url, "wrong"))


def test_nobody_there_is_unreachable_and_a_wrong_url_is_usage() -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        risk_asked(RiskAsk("http://127.0.0.1:9"))
    for url in ("file:///etc/passwd", "127.0.0.1:8711", "http://"):
        with pytest.raises(UsageError, match="is no URL"):
            risk_asked(RiskAsk(url))
