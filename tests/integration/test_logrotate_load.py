"""The real logrotate under a writer of 20,000 lines a second: every line once, or the loss is admitted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from logwatch.clock import SystemClock
from logwatch.sources import file
from logwatch.sources.file import FileConfig, FileSource
from logwatch.types import Gap

LOGROTATE = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

pytestmark = pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed")

RATE = 20_000

QUIET_S, QUIET_POLLS = 2.5, 60
"""Longer than two scans, on a machine that stands still for seconds too: what has not come by then comes no more."""

WRITER = """
import os, signal, sys, time
path, rate = sys.argv[1], int(sys.argv[2])
out = open(path, "ab", buffering=0)
def reopen(*_):
    global again
    again = True
def end(*_):
    global ended
    ended = True
again, ended, n, began = False, False, 0, time.monotonic()
signal.signal(signal.SIGHUP, reopen)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while not ended:
    if again:
        out.close(); again = False; out = open(path, "ab", buffering=0)
    due = int((time.monotonic() - began) * rate)
    out.write(b"".join(b"line %09d of a program that writes a lot\\n" % k for k in range(n, due))); n = due
    time.sleep(0.002)
print(n, flush=True)
"""

MODES = {
    "create": "create 0644",
    "create-compress": "create 0644\ncompress",
    "create-delaycompress": "create 0644\ncompress\ndelaycompress",
    "copytruncate": "copytruncate",
    "copytruncate-compress": "copytruncate\ncompress\ndelaycompress",
}


@pytest.fixture(autouse=True)
def _steady_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine so busy that a scan takes long is scanned less often; then nothing tells when all has come."""
    monkeypatch.setattr(file, "SCAN_MAX_S", 1.0)


class Following:
    """A file source in this process, with the numbers of the lines that it delivered."""

    def __init__(self, paths: str, compressed: bool) -> None:
        config = FileConfig(paths=[paths], start="beginning", warmup=0, rotate_wait=1, compressed=compressed)
        self.source = FileSource(config, SystemClock())
        self.source.open({})
        self.numbers: list[int] = []
        self.gaps: list[Gap] = []

    def poll(self) -> bool:
        batch = self.source.poll(8192)
        if batch is None:
            self.source.wait(0.02)
            return False
        self.numbers += [int(line[5:14]) for line in batch.lines]
        self.gaps += batch.gaps
        return bool(len(batch))


@contextmanager
def writing(log: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(log), str(RATE)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def rotation(folder: Path, how: str, pid: int) -> list[str]:
    folder.chmod(0o755)
    signalled = "" if "copytruncate" in how else f"postrotate\nkill -HUP {pid}\nendscript\n"
    su = "su root root\n" if os.geteuid() == 0 else ""
    (folder / "rotate.conf").write_text(f"{folder}/log/app.log {{\nrotate 50\n{su}{how}\n{signalled}}}\n")
    return [str(LOGROTATE), "--force", "--state", str(folder / "state"), str(folder / "rotate.conf")]


def run(folder: Path, mode: str, seconds: float, every: float) -> tuple[Following, int, int]:
    """Follow while a program writes and logrotate rotates: the reader, lines written, rotations.

    It writes for so many seconds, and until it was rotated twice: on a busy machine that takes longer.
    """
    (folder / "log").mkdir()
    log = folder / "log" / "app.log"
    log.touch()
    pattern = f"{log}*" if "compress" in mode else str(log)
    follow = Following(pattern, compressed="compress" in mode)
    turns = 0
    with writing(log) as writer:
        command = rotation(folder, MODES[mode], writer.pid)
        began = time.monotonic()
        due, running = began + every, None
        while turns < 2 or time.monotonic() - began < seconds:
            follow.poll()
            if running is None and time.monotonic() >= due:
                running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            elif running is not None and running.poll() is not None:
                assert running.returncode == 0
                turns, running, due = turns + 1, None, time.monotonic() + every
        if running is not None:
            running.wait()
            turns += 1
        writer.terminate()
        assert writer.stdout is not None
        written = int(writer.stdout.read())
    quiet, polls = time.monotonic() + QUIET_S, 0
    while time.monotonic() < quiet or polls < QUIET_POLLS:
        polls += 1
        if follow.poll():
            quiet, polls = time.monotonic() + QUIET_S, 0
    follow.source.close()
    return follow, written, turns


def check(follow: Following, written: int, turns: int, mode: str) -> None:
    """Nothing is doubled, and every hole in the numbers is admitted."""
    assert turns >= 2
    numbers = np.sort(np.array(follow.numbers))
    assert len(np.unique(numbers)) == len(numbers), "a line came twice"
    lost = np.setdiff1d(np.arange(written), numbers)
    holes = int(np.count_nonzero(np.diff(lost) > 1)) + bool(len(lost))
    print(f"{mode}: {written} written, {len(numbers)} read, {len(lost)} lost in {holes} holes of {turns} rotations, "
          f"{len(follow.gaps)} gaps")  # fmt: skip
    assert len(lost) + len(numbers) == written
    if "copytruncate" not in mode:
        assert not len(lost)
        assert follow.gaps == []
        assert follow.numbers == list(range(written)), "the old file's rest comes before the new file"
    else:
        assert holes <= len(follow.gaps) <= turns, "each loss is admitted"


@pytest.mark.parametrize("mode", ["create", "create-compress", "copytruncate"])
def test_a_loud_writer_through_rotations(tmp_path: Path, mode: str) -> None:
    check(*run(tmp_path, mode, seconds=1.5, every=0.3), mode)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", MODES)
def test_a_loud_writer_through_many_rotations(tmp_path: Path, mode: str) -> None:
    check(*run(tmp_path, mode, seconds=60, every=2), mode)
