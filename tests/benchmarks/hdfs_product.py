"""`hdfs_2pct` through the whole pipeline: raw lines in, the largest combined nats of each block's visits out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.rows import Scored
from logwatch.types import Kind, RecordBatch, Stream

ENTITY = r"(blk_-?\d+)"
BATCH = 4096


def lines(folder: Path) -> list[bytes]:
    """The events as raw lines, in the order of time."""
    events = pl.read_parquet(folder / "hdfs_events_2percent.parquet")
    time = events["m_timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")
    return [text.encode() for text in time + " INFO " + events["component"] + ": " + events["m_message"]]


def block_scores(folder: Path, seed: int) -> dict[str, float]:
    """Combined nats of each block: the maximum over its visits, as they are judged (no labels, one pass)."""
    best: dict[str, float] = {}

    def on_scored(scored: Scored) -> None:
        stages, units = session.pipeline.stages, scored.units
        nats = stages.judge.judge(units).nats
        for row in np.flatnonzero((units.kind == Kind.VISIT) & ~np.isnan(nats)).tolist():
            entity = stages.keys.key(int(units.slot[row]))[1]
            if entity is not None:
                best[entity] = max(best.get(entity, 0.0), float(nats[row]))

    loaded = load(environ={}, flags={"seed": ("--seed", seed)})
    table = {"hdfs": SourceTable(kind="file", entity=ENTITY)}
    with opened(
        loaded.settings, detectors_of(loaded), None, table, finished=True, on_scored=on_scored
    ) as session:
        text = lines(folder)
        for at in range(0, len(text), BATCH):
            chunk = text[at : at + BATCH]
            n = len(chunk)
            start = np.arange(at, at + n, dtype=np.int64)
            none = np.zeros(n, np.int32)
            stream = [Stream("hdfs", "1")]
            session.pipeline.process(
                RecordBatch(chunk, stream, none, start, start + 1, none.astype(np.uint8)), "hdfs"
            )
            session.pipeline.raised.clear()
    return best
