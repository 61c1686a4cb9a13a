"""Cost per line with 10,000 sources against 10, in turns, in the same run.

`python -m tests.benchmarks.sources`: the same lines, dealt out to sources one by one, so that a batch of 4,096 lines
holds 4,096 sources or 10. Beside wall time the processor's, with that of the learning thread: where other programs
run, the wall time of learning in the background says nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import islice

import numpy as np

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.types import RecordBatch, Stream
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines

FEW, MANY = 10, 10_000
BATCH = 4096
WARM = 60_000
"""Lines before the clock starts: every source has been seen six times."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=400_000)
    with Benchmark("sources", parser=parser) as bench:
        loaded = load(environ={})
        table = {"shop": SourceTable(kind="file")}
        with (
            opened(loaded.settings, detectors_of(loaded), None, table, finished=True) as few,
            opened(loaded.settings, detectors_of(loaded), None, table, finished=True) as many,
        ):
            text = [line.encode() for line in lines(bench.options.lines + WARM, 1_000, bench.seed)]
            costs: dict[int, list[float]] = {FEW: [], MANY: []}
            spent = {FEW: 0.0, MANY: 0.0}
            for at in range(0, len(text) - BATCH, BATCH):
                for sources, session in ((FEW, few), (MANY, many)):
                    began = time.process_time()
                    cost = _cost(session, text[at : at + BATCH], at, sources)
                    if at >= WARM:
                        costs[sources].append(cost)
                        spent[sources] += time.process_time() - began
        medians = {sources: statistics.median(values) for sources, values in costs.items()}
        bench.figure("us_per_line_10", medians[FEW] * 1e6)
        bench.figure("us_per_line_10000", medians[MANY] * 1e6)
        ratio = sum(costs[MANY]) / sum(costs[FEW])
        bench.figure("cost_ratio", ratio, floor=1.5, aim=1.2)
        bench.figure("median_cost_ratio", medians[MANY] / medians[FEW])
        bench.figure("processor_ratio", spent[MANY] / spent[FEW])


def _cost(session: Session, batch: list[bytes], at: int, sources: int) -> float:
    """Seconds per line of one batch."""
    n = len(batch)
    number = (np.arange(at, at + n) % sources).astype(np.int32)
    used = np.unique(number)
    streams = [Stream(f"s{i}", "1") for i in used.tolist()]
    start = np.arange(at, at + n, dtype=np.int64)
    index = np.searchsorted(used, number).astype(np.int32)
    records = RecordBatch(list(islice(batch, n)), streams, index, start, start + 1, np.zeros(n, np.uint8))
    began = time.perf_counter()
    session.pipeline.process(records, "shop")
    return (time.perf_counter() - began) / n


if __name__ == "__main__":
    main()
