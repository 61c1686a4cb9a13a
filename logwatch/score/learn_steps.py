"""From a scored chunk to a training step: which segments, and which of their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch

from logwatch.cells import pack, unpack
from logwatch.score.keys import KeyTable
from logwatch.score.learn_admission import Admission
from logwatch.score.learn_budget import LearningBudget
from logwatch.score.learn_segments import (
    BARRED,
    LENGTH,
    Runs,
    Segments,
    build,
    candidates,
    runs_of,
    silent_since,
    targets,
)
from logwatch.score.learner import Step
from logwatch.score.lstm_gaps import RUNGS, SPOKE_AT
from logwatch.score.lstm_model import Batch
from logwatch.score.replay_buffer import ReplayBuffer
from logwatch.score.vocabulary import UNKNOWN, Vocabulary
from logwatch.types import Bool, EventBatch, Float32, Float64, Int32, Int64, UInt8

YOUNG, AGAIN = 20_000, 2
"""Until it has learned so many events a network replays two segments for each new one: it knows little, and they are
few (HDFS, mean of three seeds: average precision 0.940 so, 0.923 with one segment)."""


class Recipe:
    """Turns each chunk into the inputs of a training step, or none.

    Args:
        table: keys.
        vocabulary: template slots; the recipe admits new ones.
        cap: segments to learn per second of event time.
        seed: of every random choice.
    """

    def __init__(self, table: KeyTable, vocabulary: Vocabulary, cap: float, seed: int) -> None:
        self._table = table
        self._vocabulary = vocabulary
        self._admission = Admission(vocabulary.capacity)
        self._replay = ReplayBuffer()
        self._budget = LearningBudget(cap)
        self._seed = seed
        self._watermarks: Int64 = np.zeros(1, dtype=np.int64)  # per source
        self.chunks = 0
        self.seen = self.trained = 0  # events
        self.on_segments: Callable[[Segments], None] | None = None  # sees all that a chunk offers
        self.said = (0.0, 0)  # of the last chunk: nats, and of how many events
        self._dirty = False

    def learn(self, chunk: EventBatch, nats: Float32) -> tuple[Step | None, Int64]:
        """Count a chunk; the step to train on, if any, and the slots that got another template."""
        self._dirty = True
        self.chunks += 1
        self.seen += len(chunk)
        fresh = self._vocabulary.learn(chunk.template, self.chunks)
        slots = self._vocabulary.slots(chunk.template)
        runs = runs_of(chunk.slot)
        barred = self._admission.learn(chunk, slots, fresh, nats, runs, self._table)
        self._bar(barred, runs)
        self._table.mark(runs.slots)
        self._follow(chunk)
        said = nats[~barred & ~np.isnan(nats)]
        self.said = float(said.sum(dtype=np.float64)), len(said)
        key, back = candidates(runs)
        if self.on_segments is not None:
            self.on_segments(build(chunk, barred, runs, key, back, self._table))
        count = self._budget.spend(int(chunk.time.max()), len(chunk), 2 * len(key))
        if not count:
            return None, fresh
        rng = np.random.default_rng([self._seed, self.chunks])
        new = min(len(key), -(-count // 2))
        chosen = np.sort(rng.choice(len(key), new, replace=False))
        self.trained += round(len(chunk) * new / len(key))
        segments = build(chunk, barred, runs, key[chosen], back[chosen], self._table)
        again = (count - new) * (AGAIN if self.trained < YOUNG else 1)
        old = self._replay.take(rng.integers(0, len(self._replay), again)) if len(self._replay) else segments[:0]
        self._replay.append(segments)
        return self.step(np.concatenate([segments, old]), new), fresh

    def shares(self) -> Float64:
        """[capacity] share of each slot's template in the recent events."""
        return self._admission.shares()

    def _bar(self, barred: Bool, runs: Runs) -> None:
        """Mark the barred events in their keys' rings."""
        key = np.repeat(np.arange(len(runs.slots)), runs.lengths)
        left = runs.starts[key] + runs.lengths[key] - np.arange(len(key))  # events of the key from this one on
        mark = np.flatnonzero(barred[runs.order] & (left <= LENGTH))
        rows = runs.slots[key[mark]]
        at = (self._table.view("lstm_seen")[rows] - left[mark]) % LENGTH
        self._table.view("lstm_gap")[rows, at] |= BARRED

    def readmit(self, fits: Callable[[Int64], Bool], source: Int64 | None, barred: bool) -> None:
        """Bar past events from learning for good, or release those that were barred.

        Args:
            fits: which templates [t] they are of.
            source: numbers of their sources; None: all.
        """
        rows, replay = self._table.in_use(), self._replay.all()
        template, gap, of = (self._table.view(name)[rows] for name in ("lstm_ring", "lstm_gap", "source"))
        self._table.view("lstm_gap")[rows], changed = _admitted(template, gap, of, fits, source, barred)
        self._table.mark(rows[changed])
        replay["gap"], changed = _admitted(replay["template"], replay["gap"], replay["source"], fits, source, barred)
        self._replay.mark(changed)

    def _follow(self, chunk: EventBatch) -> None:
        highest = int(chunk.source.max())
        if highest >= len(self._watermarks):
            grown = np.zeros(2 * highest + 1, dtype=np.int64)
            grown[: len(self._watermarks)] = self._watermarks
            self._watermarks = grown
        np.maximum.at(self._watermarks, chunk.source, chunk.watermark)

    def step(self, segments: Segments, new: int) -> Step:
        """Everything that training on segments depends on, of which the first `new` are new."""
        size = self._vocabulary.size
        base, active = self._vocabulary.base[:size].copy(), self._vocabulary.active()
        return Step(self.chunks, self._seed, base, active, new, self._batch(segments))

    def _batch(self, segments: Segments) -> Batch:
        """Segments [N] as the network takes them, by what is known of their templates and silences by now."""
        learn = targets(segments)
        slots = self._vocabulary.slots(segments["template"])
        learn &= slots != UNKNOWN
        gaps: UInt8 = segments["gap"] & ~np.uint8(BARRED)
        interval, ended = self._silences(segments, gaps)
        long = int(segments["n"].max())
        parts = (slots.astype(np.int64), gaps.astype(np.int64), learn, interval, ended)
        return Batch(*(torch.from_numpy(np.ascontiguousarray(part[:, :long])) for part in parts))

    def _silences(self, segments: Segments, gaps: UInt8) -> tuple[Int64, Bool]:
        """Rung interval [N, LENGTH] in which the silence after each event ended (or up to which it is known); whether
        it ended."""
        n = segments["n"].astype(np.int64)
        at = np.arange(LENGTH)[None, :]
        following = np.concatenate([gaps[:, 1:], np.zeros((len(gaps), 1), dtype=gaps.dtype)], axis=1)
        interval = np.where(at < n[:, None] - 1, SPOKE_AT[following], -1)
        silent = silent_since(segments, self._table, self._watermarks)
        reached = np.searchsorted(RUNGS, silent, side="right")
        # Still open: only the rungs that silence has outlasted are known; none yet: nothing is.
        said = self._table.view("lstm_silence")[segments["slot"] % len(self._table.rows), np.maximum(reached, 1) - 1]
        open_yet = (silent >= 0) & (reached > 0)
        open_yet[open_yet] = self._admission.admit_silences(said[open_yet])
        interval[np.arange(len(n)), n - 1] = np.where(open_yet, reached, -1)
        return interval, at < n[:, None] - 1

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells of the recipe and of the parts that it owns."""
        if self._dirty:
            yield "clock", self._clock()
        self._dirty = False
        for prefix, part in (("replay", self._replay), ("admission", self._admission)):
            for name, cell in part.changes():
                yield f"{prefix}/{name}", cell

    def _clock(self) -> bytes:
        floats = [self._budget.credit]
        counts = [self.chunks, self.seen, self.trained, self._budget.newest]
        return pack(
            {
                "floats": np.array(floats, dtype=np.float64),
                "counts": np.array(counts, dtype=np.int64),
                "watermarks": self._watermarks,
            }
        )

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        if "clock" not in cells:
            return
        arrays, _ = unpack(cells["clock"])
        *_, self._budget.credit = arrays["floats"].tolist()  # states of before hold more in between
        self.chunks, self.seen, self.trained, *_, self._budget.newest = arrays["counts"].tolist()
        self._watermarks = arrays["watermarks"].copy()
        for prefix, part in (("replay/", self._replay), ("admission/", self._admission)):
            part.restore({n.removeprefix(prefix): c for n, c in cells.items() if n.startswith(prefix)})


def _admitted(
    template: Int32, gap: UInt8, of: Int32, fits: Callable[[Int64], Bool], source: Int64 | None, barred: bool
) -> tuple[UInt8, Int64]:
    """Gaps [m, LENGTH] of events with or without their bar, and the rows that changed.

    Args:
        template: [m, LENGTH].
        of: sources [m].
    """
    known = np.unique(template).astype(np.int64)
    hit = np.isin(template, known[fits(known)])
    if source is not None:
        hit &= np.isin(of, source)[:, None]
    new: UInt8 = np.where(hit, gap | BARRED if barred else gap & ~np.uint8(BARRED), gap).astype(np.uint8)
    return new, np.flatnonzero((new != gap).any(axis=1))
