"""Our own recordings at the default budget: faults found, and false alerts per hour without a fault.

    python -m tests.benchmarks.recordings [--seed N] [--seeds N] [--drain3] [--json]

What `logwatchd demo` shows, as figures; with `--seeds` their means over so many seeds from `--seed` on, and with
`--drain3` the same beside them with Drain3's templates, seed by seed. The thresholds of young sources were chosen while
looking at these recordings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from logwatch.app.demo import replay_labelled
from logwatch.config import load
from logwatch.requests import DemoRequest
from tests.benchmarks.drained import mined_by
from tests.benchmarks.frame import ROOT, Benchmark
from tests.benchmarks.quiet import Quiet

SOURCES = ("access", "error", "postgresql", "redis", "auth", "app")
"""Logs with faults; below the same folder lie recordings of templates, which have none."""


class Outcome(NamedTuple):
    """One replay."""

    faults: int
    found: int
    false: int
    hours: float  # without a fault


def outcome(miner: str, seed: int) -> Outcome:
    """A replay with templates by one of `drained.MINERS`."""
    config = load(environ={}, flags={"seed": ("--seed", seed)})
    with mined_by(miner):
        report = replay_labelled(ROOT / "tests" / "data" / "recordings", DemoRequest(config, SOURCES), Quiet())
    faults = [fault for recording in report.recordings for fault in recording.faults]
    return Outcome(
        len(faults),
        sum(fault.alert is not None for fault in faults),
        sum(len(recording.false) for recording in report.recordings),
        sum(recording.clean_hours for recording in report.recordings),
    )


def outcomes(bench: Benchmark, miner: str, seeds: Sequence[int]) -> list[Outcome]:
    """Replays with each seed."""
    bench.log(f"{miner}: seed, faults found, false alerts in an hour")
    found = []
    for seed in seeds:
        found.append(outcome(miner, seed))
        bench.log(f"  {seed:>4}{found[-1].found:>5} of {found[-1].faults}{found[-1].false / found[-1].hours:>8.2f}")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="replays, each with its own seed (%(default)s)")
    parser.add_argument("--drain3", action="store_true", help="the same with Drain3's templates")
    with Benchmark("recordings", parser=parser) as bench:
        seeds = range(bench.seed, bench.seed + max(1, bench.options.seeds))
        ours = outcomes(bench, "ours", seeds)
        faults, hours = ours[0].faults, ours[0].hours
        bench.figure("faults", faults)
        bench.figure("found_share", float(np.mean([one.found for one in ours])) / faults, aim=0.8)
        bench.figure("false_per_clean_hour", float(np.mean([one.false for one in ours])) / hours, aim=1.0)
        bench.figure("clean_hours", hours)
        if bench.options.drain3:
            theirs = outcomes(bench, "drain3", seeds)
            bench.baseline("found_share_drain3", float(np.mean([one.found for one in theirs])) / faults)
            bench.baseline("false_per_clean_hour_drain3", float(np.mean([one.false for one in theirs])) / hours)
            more = [one.found - other.found for one, other in zip(ours, theirs, strict=True)]
            bench.figure("more_found_than_drain3", float(np.mean(more)), (min(more), max(more)), floor=0.0)


if __name__ == "__main__":
    main()
