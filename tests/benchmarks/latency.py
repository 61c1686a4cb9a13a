"""A line written → its alert on stdout, from an idle `logwatchd tail`.

`python -m tests.benchmarks.latency [--alerts 60]`: one log a measurement, all followed by one `tail --json`. Each has
learned 3,000 lines; then, one log at a time and with pauses of random length, a line of a kind never seen is appended
in one write, and the time until the alert that quotes it has been read from the pipe is taken.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.benchmarks.frame import Benchmark

LEARNED = 3_000
STEPS = ("opened door {n}", "read sensor {n} of rack {d}: {n} mV", "closed door {n} after {d} ms", "stored {n} rows")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=60)
    with Benchmark("latency", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        took = _measure(Path(folder), bench.options.alerts, random.Random(bench.seed))
        missed = bench.options.alerts - len(took)
        bench.figure("p50_ms", float(np.percentile(took, 50)) * 1e3)
        bench.figure("p99_ms", float(np.percentile(took, 99)) * 1e3, floor=500, aim=300)
        bench.figure("max_ms", max(took) * 1e3)
        bench.figure("without_alert", missed)


def _measure(folder: Path, alerts: int, rng: random.Random) -> list[float]:
    for number in range(alerts):
        _write_normal(folder / f"door{number:03d}.log", rng)
    command = [sys.executable, "-m", "logwatch", "tail", str(folder / "*.log"), "--json", "--budget", "100/day"]
    tail = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    heard: queue.Queue[tuple[float, str]] = queue.Queue()
    threading.Thread(target=_listen, args=(tail, heard), daemon=True).start()
    try:
        time.sleep(20 + alerts * LEARNED / 15_000)
        return [
            took for number in range(alerts) if (took := _one(folder / f"door{number:03d}.log", number, heard, rng)) > 0
        ]
    finally:
        tail.terminate()
        tail.wait()


def _write_normal(path: Path, rng: random.Random) -> None:
    """An hour of a dull program, up to now."""
    begin = datetime.now(UTC) - timedelta(seconds=LEARNED * 1.2)
    with path.open("w") as out:
        for i in range(LEARNED):
            step = STEPS[i % len(STEPS)].format(n=rng.getrandbits(16), d=rng.getrandbits(5))
            out.write(f"{(begin + timedelta(seconds=i * 1.2)).isoformat()} INFO {step}\n")


def _listen(tail: subprocess.Popen[str], heard: queue.Queue[tuple[float, str]]) -> None:
    assert tail.stdout is not None
    for line in tail.stdout:
        heard.put((time.monotonic(), line))


def _one(path: Path, number: int, heard: queue.Queue[tuple[float, str]], rng: random.Random) -> float:
    time.sleep(rng.uniform(0.3, 1.0))
    mark = f"measurement-{number}-x"
    with path.open("a") as out:
        line = f"{datetime.now(UTC).isoformat()} FATAL reactor core breached, evacuating everybody through {mark}\n"
        began = time.monotonic()
        out.write(line)
    while True:
        try:
            at, text = heard.get(timeout=5)
        except queue.Empty:
            return -1.0
        alert = json.loads(text)
        if any(mark in line["text"] for line in alert["lines"]):
            return at - began


if __name__ == "__main__":
    main()
