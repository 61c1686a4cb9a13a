"""Alert lines of `loghub2k` (BGL, Thunderbird) through `logwatchd backtest`: raw lines, no labels seen.

    python -m tests.benchmarks.alert_lines [--data DIR] [--seed N] [--seeds N] [--json]

The first word of a line is its label, and is cut off before anything reads it. The samples are 2,000 lines, taken here
and there from months: little to learn from, and no sequences; BGL's has 143 alert lines, Thunderbird's none, of which
the share of lines that alert at a budget of 2 % is shown. The first 10 % only teach. Average precision a line, beside
each detector alone, lines of level ERROR and above, and what knows nothing.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import numpy as np

from logwatch.backtest.result import Labelled
from logwatch.parse.parser import ParseSettings
from logwatch.parse.shape import Shaper
from logwatch.parse.words import ERROR
from tests.benchmarks.cases import beside, mean, replayed
from tests.benchmarks.frame import Benchmark

SYSTEMS = ("BGL", "Thunderbird")
WARM = 0.1


def lines(folder: Path, system: str) -> tuple[list[bytes], list[bool]]:
    """Lines without their labels, and which are alerts."""
    with gzip.open(folder / f"{system}.log.gz") as file:
        words = [line.rstrip(b"\r\n").split(b" ", 1) for line in file]
    return [text for _, text in words], [label != b"-" for label, _ in words]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from --seed on (%(default)s)")
    with Benchmark("alert_lines", source="logpai/loghub", parser=parser) as bench:
        folder = bench.data("loghub2k")
        for system in SYSTEMS:
            text, alerts = lines(folder, system)
            seeds = range(bench.seed, bench.seed + bench.options.seeds)
            passes = [replayed(text, dict(enumerate(alerts, 1)), None, "2%", seed, warm=WARM) for seed in seeds]
            results: list[Labelled] = [one.labelled for one in passes if one.labelled is not None]
            told = np.mean([one.ratio for result in passes for one in result.kept if one.ratio is not None])
            bench.figure(f"{system}/alert_lines", float(np.mean(alerts)))
            bench.figure(f"{system}/alerting_over_budget", float(told))
            if any(alerts):
                bench.figure(f"{system}/average_precision", mean(results, "whole", "average_precision"))
                beside(bench, results, {"average_precision": f"{system}/average_precision"})
                errors = Shaper([]).shape(text, [(ParseSettings(), slice(None))]).level >= ERROR
                found = np.array(alerts) & errors
                bench.baseline(f"{system}/precision/ERROR", float(found.sum() / max(1, errors.sum())))
                bench.baseline(f"{system}/recall/ERROR", float(found.sum() / max(1, sum(alerts))))


if __name__ == "__main__":
    main()
