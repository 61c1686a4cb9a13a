"""The alert budget on streams without a fault: incidents opened over incidents asked for.

    python -m tests.benchmarks.budget [--data DIR] [--seed N] [--json]

The budget is raised until each stream holds at least 30 of its periods. `hdfs` is `hdfs_2pct` without its anomalous
blocks, block ids as entities; `recordings` are our own logs, each a source, without the time of their faults and the
minute after it, over and over with fresh times and numbers: they hold half an hour each, and as an incident ends after
two minutes of silence, no budget can be kept that asks for one every minute. `recordings_once` are they as they were
recorded, at 12 an hour: sources so young open few incidents on purpose. The first 10 % of each source only teach.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from logwatch.app.backtest import backtest
from logwatch.app.findings import clean_hours
from logwatch.app.recordings import Label
from logwatch.backtest.result import Result
from logwatch.config import load
from logwatch.requests import BacktestRequest
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.hdfs import ENTITY, SOURCE, WARM_UP, blocks, lines
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.recorded import RECORDINGS, clean_rounds, logs
from tests.data.recordings.package import DEMO

PERIODS = 30


def replayed(paths: Sequence[Path], budget: str, seed: int, entity: str | None, labels: Path | None = None) -> Result:
    """Finished files at a budget."""
    config = load(environ={}, flags={"seed": ("--seed", seed), "budget": ("--budget", budget)})
    request = BacktestRequest(tuple(map(str, paths)), config, labels, WARM_UP, entity=entity)
    return backtest(request, Quiet())


def hdfs(folder: Path, seed: int) -> tuple[int, float]:
    """Incidents opened, and asked for."""
    labels, text = blocks(folder), lines(folder)
    bad = {name.encode() for name, anomalous in labels.items() if anomalous}
    clean = [line for line in text if not any(word.rstrip(b".") in bad for word in line.split() if b"blk_" in word)]
    hours = 34.0  # of what is judged
    budget = PERIODS / hours
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "hdfs.log"
        log.write_bytes(b"\n".join(clean) + b"\n")
        result = replayed([log], f"{budget:.2f}/hour", seed, ENTITY)
    return result.incidents, sum(one.days for one in result.kept) * 24 * budget


def rounds(seed: int) -> tuple[int, float]:
    """Incidents opened, and asked for, in all logs, without their faults and over and over."""
    budget = 2.0
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / Path(name).name for name in logs()]
        for path, name in zip(paths, logs(), strict=True):
            path.write_bytes(b"\n".join(clean_rounds(name, PERIODS / budget, seed)) + b"\n")
        result = replayed(paths, f"{budget:.0f}/hour", seed, None)
    return result.incidents, sum(one.days for one in result.kept) * 24 * budget


def once(seed: int) -> tuple[int, float]:
    """Incidents opened outside of faults, and asked for in the time outside of them, of all our logs."""
    paths = [RECORDINGS / program / name for program, names in DEMO.items() for name in names if ".log." in name]
    budget = 12.0
    result = replayed(paths, f"{budget:.0f}/hour", seed, None, RECORDINGS / "labels.csv")
    assert result.labelled is not None
    opened, hours = 0, 0.0
    for line in result.lines:
        mine = [one for one in result.labelled.anomalies if one.source == line.source]
        labels = sorted((Label(one.source, one.kind, one.start, one.end) for one in mine), key=lambda one: one.start)
        hours += clean_hours(line.warm, int(line.time[-1]), labels)
        times = [time for time in result.opened.get(line.source, ()) if time >= line.warm]
        opened += sum(clean_hours(time, time + 10**9, labels) > 0 for time in times)
    return opened, hours * budget


def main() -> None:
    """Print the figures."""
    with Benchmark("budget", source=SOURCE) as bench:
        streams = {"hdfs": hdfs(bench.data("hdfs_2pct"), bench.seed), "recordings": rounds(bench.seed)}
        opened, asked = once(bench.seed)
        bench.figure("recordings_once/achieved_over_asked", opened / asked)
        for name, (opened, asked) in streams.items():
            ratio = opened / asked
            bench.figure(f"{name}/opened", opened)
            bench.figure(f"{name}/asked", asked)
            bench.figure(f"{name}/achieved_over_asked", ratio)
            bench.figure(f"{name}/off_by", max(ratio, 1 / max(ratio, 1e-9)), floor=3.0, aim=2.0)


if __name__ == "__main__":
    main()
