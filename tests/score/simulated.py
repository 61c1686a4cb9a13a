"""Random streams of events, and a pipeline in small: chunks, sub-batches, an interruption, a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from logwatch.score.keys import KeyTable
from logwatch.types import EventBatch, Flag, Int32

SECOND = 10**9
LATENESS = 5 * SECOND
CHUNK = 64  # every chunk of these tests; the real sizes are the pipeline's


def stream(
    seed: int, n: int, sources: int = 4, entities: int = 6, templates: int = 12, pace: float = 8.0
) -> EventBatch:
    """n events of several sources and keys: bursts, long pauses, and times that go backwards."""
    rng = np.random.default_rng(seed)
    source = rng.integers(0, sources, n).astype(np.int32)
    entity = [None if e == 0 else f"e{e}" for e in rng.integers(0, entities, n).tolist()]
    step = rng.exponential(pace, n) * rng.choice([0.0, 0.1, 1.0, 20.0, 400.0], n, p=[0.2, 0.3, 0.4, 0.08, 0.02])
    late = rng.choice([0.0, 3.0, 500.0, 5000.0], n, p=[0.85, 0.1, 0.03, 0.02])
    time = (1.6e18 + np.cumsum(step) * SECOND - late * SECOND).astype(np.int64)
    return events(source, entity, time, rng.zipf(1.5, n).astype(np.int64) % templates, flags=rng.random(n) < 0.05)


def events(source: Any, entity: list[str | None], time: Any, template: Any, flags: Any = None) -> EventBatch:
    """A batch from its columns; streams are sources, slots are not assigned yet."""
    source, time = np.asarray(source, np.int32), np.asarray(time, np.int64)
    n = len(source)
    watermark = np.empty(n, dtype=np.int64)
    for number in np.unique(source):
        rows = source == number
        watermark[rows] = np.maximum.accumulate(time[rows]) - LATENESS
    alerted = np.zeros(n, np.uint8) if flags is None else (np.asarray(flags) * int(Flag.ALERTED)).astype(np.uint8)
    return EventBatch(
        first=0, source=source, stream=source.copy(), slot=np.full(n, -1, np.int32), time=time, watermark=watermark,
        level=np.zeros(n, np.int8), template=np.asarray(template, np.int32),
        start=np.arange(n) * 10, end=np.arange(n) * 10 + 9, flags=alerted, entity=entity, text=[""] * n,
    )  # fmt: skip


def odd_have_entities(source: Int32) -> Any:
    """Sources with odd numbers have entities."""
    return source % 2 == 1


class Part:
    """What a run drives: `feed(sub-batch) -> results`, `learn(chunk)`, and cells."""

    table: KeyTable

    def feed(self, batch: EventBatch) -> list[Any]:
        raise NotImplementedError

    def learn(self, chunk: EventBatch) -> None:
        raise NotImplementedError

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        raise NotImplementedError

    def restore(self, cells: dict[str, bytes]) -> None:
        raise NotImplementedError


class Store:
    """The cells of a part and its table, as a checkpoint would hold them."""

    def __init__(self) -> None:
        self.cells: dict[str, bytes] = {}
        self.keys: dict[str, bytes] = {}

    def save(self, part: Part) -> None:
        for kept, changes in ((self.cells, part.changes()), (self.keys, part.table.changes())):
            for name, cell in changes:
                if cell is None:
                    kept.pop(name, None)
                else:
                    kept[name] = cell

    def revive(self, part: Part) -> Part:
        part.table.restore(self.keys)
        part.restore(self.cells)
        return part


def run(
    make: Callable[[], Part], whole: EventBatch, sizes: list[int], stops: frozenset[int] = frozenset()
) -> list[Any]:
    """Feed a stream in sub-batches of `sizes` (cycled) that never cross a chunk; restart after sub-batches `stops`."""
    part, store, out = make(), Store(), []
    at = number = 0
    while at < len(whole):
        chunk_end = min((at // CHUNK + 1) * CHUNK, len(whole))
        to = min(at + sizes[number % len(sizes)], chunk_end)
        batch = whole.take(slice(at, to))
        batch.slot = part.table.assign(batch.source, batch.stream, batch.entity)
        whole.slot[at:to] = batch.slot
        part.table.touch(batch.slot, batch.first)
        out.extend(part.feed(batch))
        at, number = to, number + 1
        if at % CHUNK == 0:
            chunk = whole.take(slice(at - CHUNK, at))
            part.learn(replace(chunk, entity=[], text=[]))
        if number in stops:
            store.save(part)
            part = store.revive(make())
    return out
