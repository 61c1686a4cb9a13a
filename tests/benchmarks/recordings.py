"""Our own recordings at the default budget: faults found, and false alerts per hour without a fault.

    python -m tests.benchmarks.recordings [--seed N] [--seeds N] [--metrics] [--drain3] [--json]

Each log is a source. With `--seeds` means over so many seeds from `--seed` on, and with `--drain3` the same beside them
with Drain3's templates, seed by seed. With `--metrics` each program is a source, as `logwatchd demo` shows it: its logs
alone, its metrics alone, and both. The thresholds of young sources were chosen while looking at these recordings.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from logwatch.app.demo import replay_labelled
from logwatch.config import load
from logwatch.requests import DemoRequest
from tests.benchmarks.drained import mined_by
from tests.benchmarks.frame import ROOT, Benchmark
from tests.benchmarks.quiet import Quiet
from tests.data.recordings.package import DEMO, label_programs

RECORDINGS = ROOT / "tests" / "data" / "recordings"
LOGS, METRICS = ".log.", "metrics."


class Outcome(NamedTuple):
    """One replay."""

    faults: int
    found: int
    by_both: int  # of the found
    false: int
    hours: float  # without a fault


def lay_out(folder: Path, sides: Iterable[str], each_log: bool) -> None:
    """Links to the recordings' files of some sides in a folder a source, a program or a single log, and the labels."""
    for program, names in DEMO.items():
        for name in names:
            if any(side in name for side in sides):
                place = folder / (name.split(".")[0] if each_log else program)
                place.mkdir(exist_ok=True)
                (place / name).symlink_to(RECORDINGS / program / name)
    if each_log:
        (folder / "labels.csv").symlink_to(RECORDINGS / "labels.csv")
    else:
        label_programs(RECORDINGS / "labels.csv", folder / "labels.csv")


def outcome(miner: str, seed: int, sides: Sequence[str] = (LOGS,), each_log: bool = True) -> Outcome:
    """A replay with templates by one of `drained.MINERS`."""
    config = load(environ={}, flags={"seed": ("--seed", seed)})
    with tempfile.TemporaryDirectory() as folder, mined_by(miner):
        lay_out(Path(folder), sides, each_log)
        report = replay_labelled(Path(folder), DemoRequest(config), Quiet())
    faults = [fault for recording in report.recordings for fault in recording.faults]
    return Outcome(
        len(faults),
        sum(fault.alert is not None for fault in faults),
        sum(len(fault.by) > 1 for fault in faults),
        sum(len(recording.false) for recording in report.recordings),
        sum(recording.clean_hours for recording in report.recordings),
    )


def outcomes(bench: Benchmark, miner: str, seeds: Sequence[int]) -> list[Outcome]:
    """Replays of the logs with each seed."""
    bench.log(f"{miner}: seed, faults found, false alerts in an hour")
    found = []
    for seed in seeds:
        found.append(outcome(miner, seed))
        bench.log(f"  {seed:>4}{found[-1].found:>5} of {found[-1].faults}{found[-1].false / found[-1].hours:>8.2f}")
    return found


def programs(bench: Benchmark, seeds: Sequence[int]) -> None:
    """Replays of programs: each side alone, and both."""
    for name, chosen in {"logs": (LOGS,), "metrics": (METRICS,), "both": (LOGS, METRICS)}.items():
        found = [outcome("ours", seed, chosen, each_log=False) for seed in seeds]
        bench.figure(f"found_{name}", float(np.mean([one.found for one in found])))
        bench.figure(f"false_per_clean_hour_{name}", float(np.mean([one.false / one.hours for one in found])), aim=1.0)
        if name == "both":
            bench.figure("found_by_both_sides", float(np.mean([one.by_both for one in found])), floor=1.0)
            bench.figure("faults_of_programs", found[0].faults)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="replays, each with its own seed (%(default)s)")
    parser.add_argument("--metrics", action="store_true", help="programs: logs alone, metrics alone, and both")
    parser.add_argument("--drain3", action="store_true", help="the same with Drain3's templates")
    with Benchmark("recordings", parser=parser) as bench:
        seeds = range(bench.seed, bench.seed + max(1, bench.options.seeds))
        ours = outcomes(bench, "ours", seeds)
        faults, hours = ours[0].faults, ours[0].hours
        bench.figure("faults", faults)
        bench.figure("found_share", float(np.mean([one.found for one in ours])) / faults, aim=0.8)
        bench.figure("false_per_clean_hour", float(np.mean([one.false for one in ours])) / hours, aim=1.0)
        bench.figure("clean_hours", hours)
        if bench.options.metrics:
            programs(bench, seeds)
        if bench.options.drain3:
            theirs = outcomes(bench, "drain3", seeds)
            bench.baseline("found_share_drain3", float(np.mean([one.found for one in theirs])) / faults)
            bench.baseline("false_per_clean_hour_drain3", float(np.mean([one.false for one in theirs])) / hours)
            more = [one.found - other.found for one, other in zip(ours, theirs, strict=True)]
            bench.figure("more_found_than_drain3", float(np.mean(more)), (min(more), max(more)), floor=0.0)


if __name__ == "__main__":
    main()
