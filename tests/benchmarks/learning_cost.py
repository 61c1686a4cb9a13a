"""What learning costs: processor time at 1,000 lines a second, and lines a second when there is a backlog.

`python -m tests.benchmarks.learning_cost [--minutes 3] [--rate 1000] [--backlog 1500000] [--quiet 300000]`: a daemon
learns 100,000 lines of the past. From that state a daemon reads a backlog whose lines' own times go on at that rate
(`quiet`: all is learned), then one of a busy log (100,000 lines a second), then follows the file while it grows; and
once more from the same state with `learning = "frozen"`. The figures compare the two, and say on which share of the
events the network was trained: that goes by the lines' own time.
"""

from __future__ import annotations

import argparse
import os
import shutil
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
BUSY = 100_000.0
"""Lines a second of the busy log."""


class Cost(NamedTuple):
    """Of one daemon; shares are those of the events that it was trained on."""

    quiet_lines_per_s: float
    quiet_trained: float
    lines_per_s: float
    trained: float
    live_cores: float
    live_trained: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--backlog", type=int, default=1_500_000)
    parser.add_argument("--quiet", type=int, default=300_000)
    with Benchmark("learning_cost", parser=parser) as bench, tempfile.TemporaryDirectory() as name:
        learns, frozen = _both(bench, Path(name))
        for figure, value in learns._asdict().items():
            bench.figure(figure, value)
            bench.figure(f"{figure}_frozen", getattr(frozen, figure))
        bench.figure("learning_percent_of_a_core", 100 * (learns.live_cores - frozen.live_cores), floor=25, aim=10)
        bench.figure("learning_over_frozen", learns.lines_per_s / frozen.lines_per_s, floor=0.7, aim=0.9)
        bench.figure("quiet_learning_over_frozen", learns.quiet_lines_per_s / frozen.quiet_lines_per_s)


def _both(bench: Benchmark, folder: Path) -> list[Cost]:
    """Of a daemon that learns, and one that does not."""
    rate, quiet, busy = bench.options.rate, bench.options.quiet, bench.options.backlog
    live = int(4 * rate * (60.0 * bench.options.minutes + SETTLE_S))
    text = lines(PAST + quiet + busy + live, rate, bench.seed)
    begin = datetime.now(UTC) - timedelta(seconds=(PAST + quiet) / rate + busy / BUSY)
    log, state, start = folder / "logs" / "shop.log", folder / "state", folder / "start"
    log.parent.mkdir()
    log.write_text(_part(text, PAST, begin, rate))
    daemon = _daemon(folder, "online")
    _read(daemon, PAST)
    daemon.stop()
    shutil.copytree(state, start)
    size, begin = log.stat().st_size, begin + timedelta(seconds=PAST / rate)
    backlogs = _part(text, quiet, begin, rate), _part(text, busy, begin + timedelta(seconds=quiet / rate), BUSY)
    found = []
    for mode in ("online", "frozen"):
        os.truncate(log, size)
        (folder / "alerts.jsonl").unlink(missing_ok=True)
        shutil.rmtree(state)
        shutil.copytree(start, state)
        found.append(_measured(bench, folder, log, backlogs, text, mode))
        bench.log(f"{mode}: {found[-1]}")
    return found


def _measured(
    bench: Benchmark, folder: Path, log: Path, backlogs: tuple[str, str], text: Iterator[str], mode: str
) -> Cost:
    rate, seconds = bench.options.rate, 60.0 * bench.options.minutes
    daemon = _daemon(folder, mode)
    try:
        with log.open("a") as out:
            quiet, busy = (_caught_up(daemon, out, backlog) for backlog in backlogs)
            write(out, text, rate, SETTLE_S)
            before, cpu, since = _trained(daemon), daemon.cpu(), time.monotonic()
            write(out, text, rate, seconds)
            cores = (daemon.cpu() - cpu) / (time.monotonic() - since)
            return Cost(*quiet, *busy, cores, (_trained(daemon) - before) / (rate * seconds))
    finally:
        daemon.stop()


def _caught_up(daemon: Watched, out: TextIO, backlog: str) -> tuple[float, float]:
    """Lines a second at which a backlog was read, and the share of it that was learned."""
    time.sleep(SETTLE_S)
    before, read, count = _trained(daemon), int(daemon.status()["records"]), backlog.count("\n")
    out.write(backlog)
    out.flush()
    rate = count / _read(daemon, count, read)
    time.sleep(SETTLE_S)
    return rate, (_trained(daemon) - before) / count


def _daemon(folder: Path, mode: str) -> Watched:
    config = folder / "logwatchd.toml"
    config.write_text(f'learning = "{mode}"\n' + CONFIG.format(folder=folder, port=free_ports(1)[0]))
    daemon = Watched(config)
    daemon.until_ready()
    return daemon


def _read(daemon: Watched, count: int, before: int = 0) -> float:
    """Seconds until it has read so many lines more than before."""
    since = time.monotonic()
    while (read := int(daemon.status()["records"]) - before) < count:
        if time.monotonic() - since > READ_S:
            raise RuntimeError(f"{read:,} of {count:,} lines were read in {READ_S:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - since


def _trained(daemon: Watched) -> float:
    return daemon.metrics()["logwatchd_trained_events_total"]


def _part(text: Iterator[str], count: int, begin: datetime, rate: float) -> str:
    """The next lines, so many, whose times go on from `begin`."""
    return "".join(at(begin + timedelta(seconds=n / rate), line) for n, line in enumerate(islice(text, count)))


if __name__ == "__main__":
    main()
