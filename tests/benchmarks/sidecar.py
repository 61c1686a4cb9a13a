"""A sidecar's price: memory and processor time of the daemon beside a program that writes 200 lines a second.

`python -m tests.benchmarks.sidecar [--minutes 5] [--rate 200]`: the daemon follows a file that grows at that rate, and
learns. It has read 50,000 lines of the past first, and let go of the process that helped with them. Memory is resident,
of the daemon and its helpers; beside it stands that of a process which has only imported the same libraries (PyTorch
above all: its build with libraries for GPUs is larger than that for CPUs).
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import numpy as np

from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines
from tests.benchmarks.watched import Watched, imported
from tests.kafka.broker import free_ports

PAST = 50_000
SETTLE_S = 90.0
CONFIG = """
state = "{folder}/state"
budget = "2/day"
[http]
listen = ""
probe_listen = "127.0.0.1:{port}"
[[source]]
kind = "file"
paths = ["{folder}/logs/*.log"]
start = "beginning"
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
"""
_TIME = re.compile(r"^\S+ \S+")


def at(when: datetime, text: str) -> str:
    """A line of the synthetic log at another time."""
    return _TIME.sub(f"{when:%Y-%m-%d %H:%M:%S.%f}", text, count=1) + "\n"


def write(out: TextIO, text: Iterator[str], rate: float, seconds: float) -> None:
    """Append at that rate, ten times a second."""
    began = time.monotonic()
    written = 0
    while (passed := time.monotonic() - began) < seconds:
        while written < passed * rate:
            out.write(at(datetime.now(UTC), next(text)))
            written += 1
        out.flush()
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=200.0)
    with Benchmark("sidecar", parser=parser) as bench, tempfile.TemporaryDirectory() as name:
        _measure(bench, Path(name), bench.options.rate, 60.0 * bench.options.minutes)


def _measure(bench: Benchmark, folder: Path, rate: float, seconds: float) -> None:
    alone = imported()
    (folder / "logs").mkdir()
    config = folder / "logwatchd.toml"
    config.write_text(CONFIG.format(folder=folder, port=free_ports(1)[0]))
    text = lines(PAST + int(2 * rate * (seconds + SETTLE_S)), rate, bench.seed)
    begin = datetime.now(UTC) - timedelta(seconds=PAST / rate)
    with (folder / "logs" / "shop.log").open("w") as out:
        for number in range(PAST):
            out.write(at(begin + timedelta(seconds=number / rate), next(text)))
        out.flush()
        daemon = Watched(config)
        try:
            bench.figure("ready_s", daemon.until_ready())
            write(out, text, rate, SETTLE_S)
            read, cpu, since, seen = daemon.status()["records"], daemon.cpu(), time.monotonic(), []
            for _ in range(20):
                write(out, text, rate, seconds / 20)
                seen.append(daemon.rss())
            passed = time.monotonic() - since
            taken = (daemon.cpu() - cpu) / passed
            bench.figure("lines_per_second", (daemon.status()["records"] - read) / passed)
        finally:
            daemon.stop()
    bench.figure("import_alone_mb", alone / 1e6)
    bench.figure("rss_mb", max(seen) / 1e6)
    bench.figure("rss_over_import_mb", (max(seen) - alone) / 1e6, floor=150, aim=80)
    bench.figure("rss_last_over_first", float(np.mean(seen[-5:]) / np.mean(seen[:5])))
    bench.figure("cpu_percent_of_a_core", 100 * taken, floor=10, aim=4)


if __name__ == "__main__":
    main()
