"""`hdfs_2pct` with a random split, as in most papers: 10 % of the normal blocks teach, all others are judged.

    python -m tests.benchmarks.hdfs_random [--data DIR] [--seed N] [--seeds N] [--budget 0.2%] [--json]

Thresholds are from the blocks that teach alone: the budget's share of them, by a fitted end, without their first
quarter, in which a beginner has not settled. That is easier than any real use, in which the future is not known: the
figure of `hdfs` is the one to look at. Figures are means over seeds.
"""

from __future__ import annotations

import argparse

from logwatch.backtest.result import Labelled
from tests.benchmarks.cases import beside, mean, of, replayed
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.hdfs import ENTITY, SOURCE, WARM_UP, blocks, lines


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from --seed on (%(default)s)")
    parser.add_argument("--budget", default="0.2%", help="share of the normal blocks that may alert (%(default)s)")
    with Benchmark("hdfs_random", source=SOURCE, parser=parser) as bench:
        folder = bench.data("hdfs_2pct")
        text, labels = lines(folder), blocks(folder)
        results: list[Labelled] = []
        for seed in range(bench.seed, bench.seed + bench.options.seeds):
            result = replayed(text, labels, ENTITY, bench.options.budget, seed, warm=WARM_UP, random_split=True)
            assert result.random_split is not None
            results.append(result.random_split)
            one = of(results[-1], "whole")
            bench.figure(f"f1/seed{seed}", one.f1.value, one.f1[1:])
        bench.figure("f1", mean(results, "whole", "f1"), floor=0.91, aim=0.96)
        bench.figure("average_precision", mean(results, "whole", "average_precision"))
        beside(bench, results, {"f1": "f1", "average_precision": "average_precision"})


if __name__ == "__main__":
    main()
