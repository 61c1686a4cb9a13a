"""Our own recordings at the default budget: faults found, and false alerts per hour without a fault.

`python -m tests.benchmarks.recordings`: what `logwatchd demo` shows, as figures. The thresholds of young sources were
chosen while looking at these recordings.
"""

from __future__ import annotations

from logwatch.app.demo import replay_labelled
from logwatch.config import load
from logwatch.requests import DemoRequest
from tests.benchmarks.frame import ROOT, Benchmark
from tests.benchmarks.quiet import Quiet

SOURCES = ("access", "error", "postgresql", "redis", "auth", "app")
"""Logs with faults; below the same folder lie recordings of templates, which have none."""


def main() -> None:
    with Benchmark("recordings") as bench:
        config = load(environ={}, flags={"seed": ("--seed", bench.seed)})
        report = replay_labelled(ROOT / "tests" / "data" / "recordings", DemoRequest(config, SOURCES), Quiet())
        faults = [fault for recording in report.recordings for fault in recording.faults]
        found = sum(fault.alert is not None for fault in faults)
        false = sum(len(recording.false) for recording in report.recordings)
        hours = sum(recording.clean_hours for recording in report.recordings)
        bench.figure("faults", len(faults))
        bench.figure("found_share", found / len(faults), aim=0.8)
        bench.figure("false_per_clean_hour", false / hours, aim=1.0)
        bench.figure("clean_hours", hours)


if __name__ == "__main__":
    main()
