"""`hdfs_2pct` through the whole pipeline: raw lines in the order of time, block ids as entities, no labels.

The figure is the average precision per block of the combined nats, as the product adds them up: the largest of each
block's visits. Beside it each detector alone, and what the others reach without the LSTM. Blocks that begin in the
first 10 % of the stream are warm-up and not evaluated. The LSTM's recipe and the votes were chosen on this set.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.rows import Scored
from logwatch.types import Float32, Kind, RecordBatch, Stream
from tests.benchmarks.drained import mined_by
from tests.benchmarks.frame import Benchmark

ENTITY = r"(blk_-?\d+)"
BATCH = 4096
WARM_UP = 0.1


@dataclass
class Blocks:
    """What was said of each block, as maxima over its visits."""

    detectors: tuple[str, ...] = ()
    combined: dict[str, float] = field(default_factory=dict)
    each: dict[str, Float32] = field(default_factory=dict)
    trained_share: float = 0.0
    events_per_s: float = 0.0


def lines(folder: Path) -> list[bytes]:
    """The events as raw lines, in the order of time."""
    events = pl.read_parquet(folder / "hdfs_events_2percent.parquet")
    clock = events["m_timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")
    return [text.encode() for text in clock + " INFO " + events["component"] + ": " + events["m_message"]]


def stream(text: list[bytes], seed: int) -> Blocks:
    """One pass over the events."""
    blocks = Blocks()

    def on_scored(scored: Scored) -> None:
        stages, units = session.pipeline.stages, scored.units
        nats = stages.judge.judge(units).nats
        for row in np.flatnonzero((units.kind == Kind.VISIT) & ~np.isnan(nats)).tolist():
            block = stages.keys.key(int(units.slot[row]))[1] or ""
            blocks.combined[block] = max(blocks.combined.get(block, 0.0), float(nats[row]))
            blocks.each[block] = np.fmax(blocks.each.get(block, np.float32(0)), units.nats[row])

    loaded = load(environ={}, flags={"seed": ("--seed", seed)})
    table = {"hdfs": SourceTable(kind="file", entity=ENTITY)}
    began = time.perf_counter()
    with opened(loaded.settings, detectors_of(loaded), None, table, finished=True, on_scored=on_scored) as session:
        for at in range(0, len(text), BATCH):
            chunk = text[at : at + BATCH]
            start = np.arange(at, at + len(chunk), dtype=np.int64)
            none = np.zeros(len(chunk), np.int32)
            records = RecordBatch(chunk, [Stream("hdfs", "1")], none, start, start + 1, none.astype(np.uint8))
            session.pipeline.process(records, "hdfs")
            session.pipeline.raised.clear()
        stages = session.pipeline.stages
        blocks.detectors = stages.units.detectors
        model: Any = next(detector for detector in stages.detectors if detector.name == "lstm")
        blocks.trained_share = model.trained_events / model.seen_events
    blocks.events_per_s = len(text) / (time.perf_counter() - began)
    return blocks


def average_precision(scores: Float32, labels: NDArray[np.bool_]) -> float:
    """Area under precision over recall, as a sum over the distinct scores (ties share one point)."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    ends = np.flatnonzero(np.append(scores[order][1:] != scores[order][:-1], True))
    precision, recall = hits[ends] / (ends + 1.0), hits[ends] / max(1, int(labels.sum()))
    return float((precision * np.diff(recall, prepend=0.0)).sum())


def interval(scores: Float32, labels: NDArray[np.bool_], rounds: int = 200) -> tuple[float, float]:
    """95 % bootstrap interval of the average precision over blocks."""
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(scores), len(scores)) for _ in range(rounds)]
    low, high = np.quantile([average_precision(scores[rows], labels[rows]) for rows in draws], [0.025, 0.975])
    return float(low), float(high)


def evaluated(folder: Path) -> tuple[list[str], NDArray[np.bool_]]:
    """Blocks that begin after the warm-up, and which of them are anomalous."""
    order = pl.read_parquet(folder / "hdfs_events_2percent.parquet")["seq_id"].to_list()
    first: dict[str, int] = {}
    for row, block in enumerate(order):
        first.setdefault(block, row)
    blocks = [block for block, row in first.items() if row >= WARM_UP * len(order)]
    labels = pl.read_parquet(folder / "hdfs_seqs_2percent.parquet")
    bad = set(labels.filter(pl.col("anomaly"))["seq_id"].to_list())
    return blocks, np.array([block in bad for block in blocks])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from --seed on (%(default)s)")
    parser.add_argument("--drain3", action="store_true", help="also with Drain3's templates in place of our own")
    with Benchmark("hdfs", source="LogLead's sample of HDFS_v1 (logpai/loghub)", parser=parser) as bench:
        folder = bench.data("hdfs_2pct")
        text = lines(folder)
        names, labels = evaluated(folder)
        for seed in range(bench.seed, bench.seed + bench.options.seeds):
            blocks = stream(text, seed)
            combined = np.array([blocks.combined.get(name, 0.0) for name in names], dtype=np.float32)
            precision = average_precision(combined, labels)
            bench.figure(f"average_precision/seed{seed}", precision, interval(combined, labels), 0.85, 0.93)
            bench.figure(f"trained_share/seed{seed}", blocks.trained_share)
            bench.figure(f"events_per_s/seed{seed}", blocks.events_per_s)
            empty = np.zeros(len(blocks.detectors), np.float32)
            each = np.nan_to_num(np.array([blocks.each.get(name, empty) for name in names], dtype=np.float32))
            for column, detector in enumerate(blocks.detectors[:-2]):
                bench.baseline(f"{detector}/seed{seed}", average_precision(each[:, column], labels))
            if bench.options.drain3:
                with mined_by("drain3"):
                    other = stream(text, seed).combined
                scores = np.array([other.get(name, 0.0) for name in names], dtype=np.float32)
                bench.baseline(f"with Drain3's templates/seed{seed}", average_precision(scores, labels))
            rare, kinds = (each[:, blocks.detectors.index(name)] for name in ("rare", "set"))
            bench.baseline(f"rare + set, without the LSTM/seed{seed}", average_precision(rare + kinds, labels))


if __name__ == "__main__":
    main()
