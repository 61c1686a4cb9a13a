"""From the start of the process until it is ready, with the state of 100,000 keys.

`python -m tests.benchmarks.start [--keys 100000] [--starts 5]`: a daemon reads a log in which each request id comes
three times, and is stopped; then it is started again and again on the same state. `empty_s` is a start without a state.
Files of the libraries are in the system's cache, as they are where a service is restarted; a machine's very first start
reads them from its disk, which with PyTorch's default build are 3 GB.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.frame import Benchmark
from tests.benchmarks.memory import keyed
from tests.benchmarks.watched import Watched
from tests.kafka.broker import free_ports

CONFIG = """
state = "{folder}/{state}"
[http]
listen = ""
probe_listen = "127.0.0.1:{port}"
[[source]]
kind = "file"
paths = ["{folder}/keys.log"]
start = "beginning"
entity = 'request_id=(\\w+)'
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=5)
    with Benchmark("start", parser=parser) as bench, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = bench.options.keys
        log = folder / "keys.log"
        log.write_text("")
        empty = []
        for number in range(bench.options.starts):
            empty.append(_once(folder, f"empty{number}"))
        with log.open("a") as out:
            out.writelines(f"{line}\n" for line in keyed(count))
        _once(folder, "state", 3 * count)
        took = [_once(folder, "state") for _ in range(bench.options.starts)]
        bench.figure("keys", count)
        bench.figure("state_mb", (folder / "state" / "state.db").stat().st_size / 1e6)
        bench.figure("empty_s", float(np.median(empty)))
        bench.figure("ready_s", float(np.median(took)), floor=8, aim=3)
        bench.figure("slowest_s", max(took))


def _once(folder: Path, state: str, until: int = 0) -> float:
    """Start it, wait until it is ready and has read so many lines, stop it; seconds until it was ready."""
    config = folder / "logwatchd.toml"
    config.write_text(CONFIG.format(folder=folder, state=state, port=free_ports(1)[0]))
    daemon = Watched(config)
    try:
        took = daemon.until_ready()
        while daemon.status().get("records", until) < until:
            if daemon.process.poll() is not None:
                raise RuntimeError((folder / "log").read_text()[-2000:])
    finally:
        daemon.stop()
    return took


if __name__ == "__main__":
    main()
