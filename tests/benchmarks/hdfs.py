"""`hdfs_2pct`, streamed in the order of time with block ids as entities and no labels: average precision per block.

First the network alone, with simple rarities beside it. Three surprises of a block, in nats: the largest that the LSTM
met in it (an event, or a silence that it outlasted), the rarity of its rarest template, and the rarity of its set of
templates among recent blocks. The figure is the sum of the first two, the best combination; that it is the best, and
the LSTM's recipe, were found on this set. Then the whole pipeline from raw lines, by its own votes.

Blocks that begin in the first 10 % of the stream are warm-up and not evaluated.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, deque
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.score.lstm_gaps import RUNGS
from logwatch.types import EventBatch, Float32, Int32, Int64
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.hdfs_product import block_scores

RECENT = 10_000
WARM_UP = 0.1
LATENESS = 5_000_000_000
HEAD = [64, 64, 128, 256, 512]
NO_NEXT = np.iinfo(np.int64).max


class Stream(NamedTuple):
    """The data set: events in the order of time, and the labels, which only the evaluation reads."""

    time: Int64  # [n] ns
    block: Int32  # [n] index into `blocks`
    template: Int32  # [n]
    texts: list[str]  # of the templates
    blocks: list[str]
    anomalous: NDArray[np.bool_]  # [blocks]


def load(folder: Path) -> Stream:
    """Read the set; templates by plain masks of block ids, addresses, paths and numbers."""
    events = pl.read_parquet(folder / "hdfs_events_2percent.parquet")
    masked = pl.col("component") + " " + pl.col("m_message")
    for pattern in (r"blk_-?\d+", r"/?\d+\.\d+\.\d+\.\d+(:\d+)?", r"(/[\w.\-<>*]+)+", r"\d+"):
        masked = masked.str.replace_all(pattern, "<*>")
    frame = events.select(time=pl.col("m_timestamp").dt.epoch("ns"), block=pl.col("seq_id"), template=masked)
    labels = pl.read_parquet(folder / "hdfs_seqs_2percent.parquet")
    bad = set(labels.filter(pl.col("anomaly"))["seq_id"].to_list())
    blocks, block = _numbered(frame["block"])
    texts, template = _numbered(frame["template"])
    return Stream(frame["time"].to_numpy(), block, template, texts, blocks, np.array([name in bad for name in blocks]))


def _numbered(column: pl.Series) -> tuple[list[str], Int32]:
    names = column.unique(maintain_order=True).to_list()
    number = {name: i for i, name in enumerate(names)}
    return names, np.array([number[name] for name in column.to_list()], dtype=np.int32)


def batch(stream: Stream, slots: Int32, rows: slice) -> EventBatch:
    """Events of the stream as the pipeline would hand them on."""
    n = rows.stop - rows.start
    zero = np.zeros(n, dtype=np.int32)
    position = np.arange(rows.start, rows.stop)
    return EventBatch(
        rows.start, zero, zero, slots, stream.time[rows], stream.time[rows] - LATENESS, np.zeros(n, dtype=np.int8),
        stream.template[rows], position, position + 1, np.zeros(n, dtype=np.uint8), [], [""] * n,
    )  # fmt: skip


def lstm_scores(stream: Stream, seed: int) -> tuple[Float32, Float32, dict[str, float]]:
    """Nats of each event [n] and of the silence through each rung after it [n, 4]; and what it cost."""
    from logwatch.score.lstm import Config, LogLstm

    table = KeyTable(LogLstm.COLUMNS)
    detector = LogLstm(Config(seed=seed), table, lambda i: stream.texts[i])
    count = len(stream.time)
    nats, silence = np.zeros(count, dtype=np.float32), np.zeros((count, len(RUNGS)), dtype=np.float32)
    names = [stream.blocks[i] for i in stream.block.tolist()]
    at, chunk, spent = 0, 0, {"score": 0.0, "learn": 0.0}
    while at < count:
        end = min(count, at + (HEAD[chunk] if chunk < len(HEAD) else 1024))
        zero = np.zeros(end - at, dtype=np.int32)
        slots = table.assign(zero, zero, list(names[at:end]))
        events = batch(stream, slots, slice(at, end))
        start = time.perf_counter()
        nats[at:end] = detector.score(events)
        silence[at:end] = detector.silence
        spent["score"] += time.perf_counter() - start
        table.touch(slots, at)
        table.rows["last"][slots] = events.time
        start = time.perf_counter()
        detector.learn(events, nats[at:end])
        spent["learn"] += time.perf_counter() - start
        table.evict(table.surplus())
        at, chunk = end, chunk + 1
    detector.close()
    costs = {f"{name}_us_per_event": seconds / count * 1e6 for name, seconds in spent.items()}
    costs["trained_share"] = detector.trained_events / detector.seen_events
    costs["rollbacks"] = float(detector.rollbacks)
    return nats, silence, costs


def visit_maximum(stream: Stream, nats: Float32, silence: Float32) -> tuple[Float32, Float32]:
    """Per block [blocks]: the largest nats of an event, and of a silence that the block outlasted."""
    events, quiet = (np.zeros(len(stream.blocks), dtype=np.float32) for _ in range(2))
    np.maximum.at(events, stream.block, np.nan_to_num(nats))
    following = _next_of_block(stream)
    following = np.minimum(following, stream.time[-1])
    outlasted = (following - stream.time)[:, None] >= np.array(RUNGS)[None, :]
    np.maximum.at(quiet, stream.block, np.where(outlasted, silence, 0.0).max(axis=1))
    return events, quiet


def _next_of_block(stream: Stream) -> Int64:
    """Time of the block's next event after each event [n]; `NO_NEXT` where there is none."""
    order = np.lexsort((np.arange(len(stream.block)), stream.block))
    following = np.full(len(stream.block), NO_NEXT)
    inside = stream.block[order[1:]] == stream.block[order[:-1]]
    following[order[:-1][inside]] = stream.time[order[1:][inside]]
    return following


def closings(stream: Stream) -> list[tuple[int, int, int]]:
    """(row of the last event, block, end of silence) of every silence of an hour, in the order in which they end."""
    following = _next_of_block(stream)
    silent = np.flatnonzero(following - stream.time >= RUNGS[-1])
    last = np.flatnonzero(following == NO_NEXT)
    rows = np.union1d(silent, last)
    ends = stream.time[rows] + RUNGS[-1]
    order = np.lexsort((rows, ends))
    return [(int(rows[i]), int(stream.block[rows[i]]), int(ends[i])) for i in order]


def rarities(stream: Stream) -> tuple[Float32, Float32]:
    """Per block: −log share of the recent visits that hold its rarest template, and that have its set of templates.

    A block is looked at whenever it has kept silent for an hour, with the templates that it has shown until then.
    """
    sets: list[set[int]] = [set() for _ in stream.blocks]
    rows = iter(zip(stream.block.tolist(), stream.template.tolist(), strict=True))
    done = 0
    template_rarity, set_rarity = (np.zeros(len(sets), dtype=np.float32) for _ in range(2))
    holding: Counter[int] = Counter()
    whole: Counter[frozenset[int]] = Counter()
    recent: deque[frozenset[int]] = deque()
    for _, block, end in closings(stream):
        now = int(np.searchsorted(stream.time, end, side="left"))
        for shown, kind in islice(rows, max(0, now - done)):
            sets[shown].add(kind)
        done = max(done, now)
        kinds, total = frozenset(sets[block]), len(recent) + 1.0
        rarest = max(-np.log((holding[kind] + 0.5) / total) for kind in kinds)
        template_rarity[block] = max(template_rarity[block], rarest)
        set_rarity[block] = max(set_rarity[block], -np.log((whole[kinds] + 0.5) / total))
        recent.append(kinds)
        holding.update(kinds)
        whole[kinds] += 1
        if len(recent) > RECENT:
            old = recent.popleft()
            holding.subtract(old)
            whole[old] -= 1
    return template_rarity, set_rarity


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


def evaluated(stream: Stream) -> NDArray[np.bool_]:
    """[blocks] that begin after the warm-up."""
    first = np.full(len(stream.blocks), len(stream.block))
    np.minimum.at(first, stream.block, np.arange(len(stream.block)))
    return first >= WARM_UP * len(stream.block)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from --seed on (%(default)s)")
    with Benchmark("hdfs", source="LogLead's sample of HDFS_v1 (logpai/loghub)", parser=parser) as bench:
        stream = load(bench.data("hdfs_2pct"))
        chosen = evaluated(stream)
        labels = stream.anomalous[chosen]
        template, kinds = (rarity[chosen] for rarity in rarities(stream))
        bench.baseline("rarity of template and set", average_precision(template + kinds, labels))
        for seed in range(bench.seed, bench.seed + bench.options.seeds):
            nats, silence, costs = lstm_scores(stream, seed)
            events, quiet = (part[chosen] for part in visit_maximum(stream, nats, silence))
            both = np.maximum(events, quiet)
            total = both + template
            bench.figure(
                f"average_precision/seed{seed}", average_precision(total, labels), interval(total, labels), 0.85, 0.93
            )
            parts = {"lstm": both, "lstm events": events, "lstm silences": quiet, "lstm + set": both + kinds}
            parts["all three"] = both + template + kinds
            for name, part in parts.items():
                bench.baseline(f"{name}/seed{seed}", average_precision(part, labels))
            scores = block_scores(bench.data("hdfs_2pct"), seed)
            product = np.array([scores.get(name, 0.0) for name in stream.blocks], dtype=np.float32)[chosen]
            key = f"whole_pipeline_average_precision/seed{seed}"
            bench.figure(key, average_precision(product, labels), interval(product, labels), 0.85, 0.93)
            for name, value in costs.items():
                bench.figure(f"{name}/seed{seed}", value)


if __name__ == "__main__":
    main()
