"""`hdfs_2pct` through `logwatchd backtest`: raw lines in the order of time, block ids as entities, no labels.

    python -m tests.benchmarks.hdfs [--data DIR] [--seed N] [--seeds N] [--drain3] [--json]

Prequential: everything is judged before it is learned. Blocks that begin in the first 10 % of the stream only teach.
A block is judged by the largest combined nats of its visits; it alerts where one of them crosses, at a preset budget of
2 % of the visits. Figures are means over seeds. Beside them each detector alone at the same budget, the vote without
the LSTM, what knows nothing, and with `--drain3` Drain3's templates. The LSTM's recipe and the votes were chosen on
this set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from logwatch.backtest.result import Labelled
from tests.benchmarks.cases import beside, mean, of, replayed
from tests.benchmarks.drained import mined_by
from tests.benchmarks.frame import Benchmark

ENTITY = r"(blk_-?\d+)"
BUDGET = "2%"
WARM_UP = 0.1
SOURCE = "LogLead's sample of HDFS_v1 (logpai/loghub)"


def lines(folder: Path) -> list[bytes]:
    """The events as raw lines, in the order of time."""
    events = pl.read_parquet(folder / "hdfs_events_2percent.parquet")
    clock = events["m_timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")
    return [text.encode() for text in clock + " INFO " + events["component"] + ": " + events["m_message"]]


def blocks(folder: Path) -> dict[str, bool]:
    """Blocks, and which of them are anomalous."""
    labels = pl.read_parquet(folder / "hdfs_seqs_2percent.parquet")
    return dict(zip(labels["seq_id"].to_list(), labels["anomaly"].to_list(), strict=True))


def run(text: list[bytes], labels: dict[str, bool], seed: int) -> Labelled:
    """One pass in the order of time."""
    found = replayed(text, labels, ENTITY, BUDGET, seed, warm=WARM_UP).labelled
    assert found is not None
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from --seed on (%(default)s)")
    parser.add_argument("--drain3", action="store_true", help="also with Drain3's templates in place of our own")
    with Benchmark("hdfs", source=SOURCE, parser=parser) as bench:
        folder = bench.data("hdfs_2pct")
        text, labels = lines(folder), blocks(folder)
        results = []
        for seed in range(bench.seed, bench.seed + bench.options.seeds):
            results.append(run(text, labels, seed))
            one = of(results[-1], "whole")
            bench.figure(f"f1/seed{seed}", one.f1.value, one.f1[1:])
            bench.figure(f"average_precision/seed{seed}", one.average_precision.value, one.average_precision[1:])
            bench.figure(f"alerting_share/seed{seed}", one.told / results[-1].evaluated)
        bench.figure("f1", mean(results, "whole", "f1"), floor=0.88, aim=0.94)
        bench.figure("average_precision", mean(results, "whole", "average_precision"), floor=0.92, aim=0.97)
        beside(bench, results, {"f1": "f1", "average_precision": "average_precision"})
        if bench.options.drain3:
            with mined_by("drain3"):
                other = run(text, labels, bench.seed)
            bench.baseline("average_precision/with Drain3's templates", of(other, "whole").average_precision.value)


if __name__ == "__main__":
    main()
