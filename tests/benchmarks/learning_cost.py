"""What learning costs: processor time at 1,000 lines a second, and lines a second when there is a backlog.

`python -m tests.benchmarks.learning_cost [--minutes 3] [--rate 1000] [--backlog 1500000]`: a daemon follows a file. It
has learned 100,000 lines of the past; then the file grows at that rate, then by a backlog whose lines' own times go on
at that rate. After that the same daemon goes on from its state with `learning = "frozen"`, through the same again. Both
figures compare the two; what is learned of a backlog is bounded by its own time, so it is as much as live.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from tests.benchmarks.frame import Benchmark
from tests.benchmarks.sidecar import CONFIG, at, write
from tests.benchmarks.stream import lines
from tests.benchmarks.watched import Watched
from tests.kafka.broker import free_ports

PAST = 100_000
SETTLE_S = 20.0
READ_S = 300.0


class Cost(NamedTuple):
    """Of one daemon."""

    cores: float  # taken while the file grows
    lines_per_s: float  # of the backlog


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--backlog", type=int, default=1_500_000)
    with Benchmark("learning_cost", parser=parser) as bench, tempfile.TemporaryDirectory() as name:
        folder, rate = Path(name), bench.options.rate
        (folder / "logs").mkdir()
        live = int(2 * rate * (60.0 * bench.options.minutes + SETTLE_S))
        text = lines(2 * (PAST + live + bench.options.backlog), rate, bench.seed)
        with (folder / "logs" / "shop.log").open("w") as out:
            _write(out, _past(text, PAST, rate))
            learns, frozen = (_measured(bench, folder, out, text, mode) for mode in ("online", "frozen"))
        bench.figure("cores", learns.cores)
        bench.figure("cores_frozen", frozen.cores)
        bench.figure("learning_percent_of_a_core", 100 * (learns.cores - frozen.cores), floor=25, aim=10)
        bench.figure("lines_per_s", learns.lines_per_s)
        bench.figure("lines_per_s_frozen", frozen.lines_per_s)
        bench.figure("learning_over_frozen", learns.lines_per_s / frozen.lines_per_s, floor=0.7, aim=0.9)


def _measured(bench: Benchmark, folder: Path, out: TextIO, text: Iterator[str], mode: str) -> Cost:
    rate, seconds = bench.options.rate, 60.0 * bench.options.minutes
    config = folder / "logwatchd.toml"
    config.write_text(f'learning = "{mode}"\n' + CONFIG.format(folder=folder, port=free_ports(1)[0]))
    daemon = Watched(config)
    try:
        daemon.until_ready()
        write(out, text, rate, SETTLE_S)
        cpu, since = daemon.cpu(), time.monotonic()
        write(out, text, rate, seconds)
        cores = (daemon.cpu() - cpu) / (time.monotonic() - since)
        _settle(daemon)
        backlog = _past(text, bench.options.backlog, rate)
        before, since = daemon.status()["records"], time.monotonic()
        _write(out, backlog)
        while (read := daemon.status()["records"] - before) < bench.options.backlog:
            if time.monotonic() - since > READ_S:
                raise RuntimeError(f"{read:,} of {bench.options.backlog:,} lines were read in {READ_S:.0f} s")
            time.sleep(0.05)
        bench.log(f"{mode}: {cores:.2f} cores, {read / (time.monotonic() - since):,.0f} lines/s")
        return Cost(cores, read / (time.monotonic() - since))
    finally:
        daemon.stop()


def _settle(daemon: Watched) -> None:
    """Until everything written so far is read."""
    read = -1
    while (now := int(daemon.status()["records"])) != read:
        read = now
        time.sleep(1.0)


def _past(text: Iterator[str], count: int, rate: float) -> str:
    """So many lines of the past, up to now."""
    begin = datetime.now(UTC) - timedelta(seconds=count / rate)
    return "".join(at(begin + timedelta(seconds=n / rate), line) for n, line in enumerate(islice(text, count)))


def _write(out: TextIO, text: str) -> None:
    out.write(text)
    out.flush()


if __name__ == "__main__":
    main()
