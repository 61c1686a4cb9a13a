"""From the points of a chunk to a training step of the forecaster: what is learned, how much of it, and when.

A chunk is a fixed number of points. What was more surprising than nearly all recent points is not learned; always by a
share of the stream, never by a count: see `logwatch.score.learn_admission`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.score.learn_admission import BIN, BINS, Tail
from logwatch.score.learn_budget import LearningBudget
from logwatch.score.replay_buffer import ReplayBuffer
from logwatch.score.series.lstm_runs import SEGMENT, Segments
from logwatch.types import Float32

CHUNKS = ((1 << 18, 1 << 14), (1 << 16, 1 << 12), (0, 1 << 9))
"""Points seen, and the length of the chunks from there on."""

SURPRISING = 0.002
"""Share of the points, the most surprising of all recent ones, that is not learned."""

MEMORY = 50_000
"""Recent points that this share refers to."""

MOST = 256
"""Segments of a step: an eighth or so of a long chunk's points."""

POINTS_PER_SEGMENT = 64
"""In a long chunk one segment for so many points is the most, if that is more."""


@dataclass(frozen=True)
class Step:
    """Everything that one training step depends on, beside the model it starts from."""

    number: int  # of the chunk at whose end it began
    seed: int
    segments: Segments  # [N]


class Recipe:
    """Turns each chunk into the inputs of a training step, or none.

    Args:
        cap: segments to learn per second of event time.
        seed: of every random choice.
    """

    def __init__(self, cap: float, seed: int) -> None:
        self._seed = seed
        self._budget = LearningBudget(cap, POINTS_PER_SEGMENT)
        self._replay = ReplayBuffer(dtype=SEGMENT)
        self._tail = Tail()
        self.limit = float("inf")  # nats above which a point is not learned, in this chunk
        self.seen = 0  # points
        self._chunk = 0  # chunks ended
        self._in_chunk = 0  # points of the chunk so far
        self._newest = 0  # time of its newest, ns
        self._nats = np.zeros(BINS, np.int64)  # its nats by bin
        self._offered: list[Segments] = []  # its segments
        self._dirty: set[str] = set()

    def room(self) -> int:
        """Points to the chunk's end: a batch is cut there."""
        return next(size for seen, size in CHUNKS if self.seen - self._in_chunk >= seen) - self._in_chunk

    def add(self, points: int, newest: int, nats: Float32, segments: Segments) -> None:
        """Points of the chunk, no more than there is room for; `nats` without NaN."""
        self.seen += points
        self._in_chunk += points
        self._newest = max(self._newest, newest)
        bins = np.minimum((nats / np.float32(BIN)).astype(np.int64), BINS - 1)
        self._nats += np.bincount(bins, minlength=BINS)
        self._dirty.add("clock")
        if len(segments):
            self._offered.append(segments)
            self._dirty.add("offered")

    def learn(self) -> Step | None:
        """At the chunk's end: what to train on, if anything."""
        self._tail.counts *= (1.0 - 1.0 / MEMORY) ** int(self._nats.sum())
        self._tail.counts += self._nats
        self.limit = self._tail.above(SURPRISING)
        offered = _joined(self._offered)
        count = self._budget.spend(self._newest, self._in_chunk, MOST if len(offered) else 0)
        self._chunk += 1
        self._in_chunk, self._nats, self._offered = 0, np.zeros(BINS, np.int64), []
        self._dirty = {"clock", "offered"}
        if not count or not len(offered):
            return None
        rng = np.random.default_rng([self._seed, self._chunk])
        fresh = offered[np.sort(rng.choice(len(offered), min(len(offered), -(-count // 2)), replace=False))]
        old = fresh[:0]
        if len(self._replay):
            old = self._replay.take(rng.integers(0, len(self._replay), count - len(fresh)))
        self._replay.append(fresh)
        return Step(self._chunk, self._seed, np.concatenate([fresh, old]))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """The clock (8 kB), what the chunk offered so far, and the replay buffer's new blocks."""
        if "clock" in self._dirty:
            counts = [self.seen, self._chunk, self._in_chunk, self._newest, self._budget.newest]
            floats = [self._budget.credit, self.limit]
            yield "clock", pack(
                {
                    "counts": np.array(counts, np.int64), "floats": np.array(floats),
                    "tail": self._tail.counts, "nats": self._nats,
                }
            )  # fmt: skip
        if "offered" in self._dirty:
            yield "offered", pack({"segments": _joined(self._offered)})
        self._dirty = set()
        yield from ((f"replay/{name}", cell) for name, cell in self._replay.changes())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        if "clock" not in cells:
            return
        arrays, _ = unpack(cells["clock"])
        self.seen, self._chunk, self._in_chunk, self._newest, self._budget.newest = arrays["counts"].tolist()
        self._budget.credit, self.limit = arrays["floats"].tolist()
        self._tail.counts, self._nats = arrays["tail"].copy(), arrays["nats"].copy()
        if "offered" in cells:
            self._offered = [unpack(cells["offered"])[0]["segments"].copy()]
        self._replay.restore({n.removeprefix("replay/"): c for n, c in cells.items() if n.startswith("replay/")})


def _joined(parts: list[Segments]) -> Segments:
    return np.concatenate(parts) if parts else np.zeros(0, SEGMENT)
