"""What every detector keeps: results depend on the stream alone, not on how it was cut, interrupted or repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np

from logwatch.api import Detector
from logwatch.testing.errors import expect
from logwatch.testing.samples import Steps, sample_steps
from logwatch.types import Bool, EventBatch, Float32, Int32

CHUNK_ENDS = (64, 128, 256, 512)
"""Ends of the first chunks as in the pipeline; the later ones are shorter, so that a short check sees many."""

CHUNK = 256


class Keys(Protocol):
    """What a detector's key table offers to a check: `logwatch.score.keys.KeyTable`, or none."""

    def assign(self, source: Int32, stream: Int32, entity: list[str | None]) -> Int32: ...

    def touch(self, slots: Int32, first: int) -> None: ...

    def changes(self) -> Iterable[tuple[str, bytes | None]]: ...

    def restore(self, cells: Mapping[str, bytes]) -> None: ...


@dataclass(frozen=True, slots=True)
class DetectorRig:
    """A fresh detector, and the fresh key table that it was built with."""

    detector: Detector
    keys: Keys


def chunk_end(event: int) -> int:
    """Number of the first event after the chunk that holds `event`."""
    return next((end for end in CHUNK_ENDS if event < end), (event // CHUNK + 1) * CHUNK)


@dataclass
class _Run:
    """Drives one detector through a stream as the pipeline does."""

    make: Callable[[], DetectorRig]
    steps: Steps
    at: int = 0
    nats: list[Float32] = field(default_factory=list)
    cells: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"detector": {}, "keys": {}})
    slots: list[Int32] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rig = self.make()

    def advance(self, most: int) -> None:
        """Score one sub-batch of at most `most` events; learn where a chunk ends."""
        begin, end = self.at, min(self.at + most, chunk_end(self.at), len(self.steps))
        rows, keys = slice(begin, end), self.rig.keys
        slots = keys.assign(self.steps.source[rows], self.steps.stream[rows], self.steps.entity[rows])
        events = self.steps.batch(begin, end, slots)
        nats = _unmutated(events, self.rig.detector.score, "score")
        _check_nats(nats, len(events))
        if hasattr(keys, "view"):
            keys.view("last")[slots] = events.time
        keys.touch(slots, begin)
        self.nats.append(nats)
        self.slots.append(slots)
        self.at = end
        if end == chunk_end(begin):
            self._learn(end)

    def _learn(self, end: int) -> None:
        slots = np.concatenate(self.slots)
        begin = end - len(slots)
        self.slots = []
        chunk = replace(self.steps.batch(begin, end, slots), entity=[None] * len(slots), text=[""] * len(slots))
        nats = np.concatenate(self.nats)[begin:end]
        kept = nats.copy()
        _unmutated(chunk, lambda events: self.rig.detector.learn(events, nats), "learn")
        expect(_same(nats, kept), "learn changed the nats that it was given")

    def interrupt(self) -> None:
        """Save what changed, and go on with fresh objects that know nothing but what was saved."""
        for name, part in (("detector", self.rig.detector), ("keys", self.rig.keys)):
            for cell, value in part.changes():
                if value is None:
                    self.cells[name].pop(cell, None)
                else:
                    expect(isinstance(value, bytes), f"cell {cell!r} is {type(value).__name__}, not bytes")
                    self.cells[name][cell] = value
        self.close()
        self.rig = self.make()
        self.rig.keys.restore(dict(self.cells["keys"]))
        self.rig.detector.restore(dict(self.cells["detector"]))

    def close(self) -> None:
        if callable(close := getattr(self.rig.detector, "close", None)):
            close()

    def finish(self, sizes: Sequence[int], interruptions: Iterable[int] = ()) -> Float32:
        """Run to the end in sub-batches of these sizes, in turn; interrupted after the given sub-batches."""
        stops, number = set(interruptions), 0
        while self.at < len(self.steps):
            self.advance(sizes[number % len(sizes)])
            if number in stops:
                self.interrupt()
            number += 1
        self.close()
        return np.concatenate(self.nats) if self.nats else np.zeros(0, np.float32)


def check_detector(make: Callable[[], DetectorRig], steps: Steps | None = None, seed: int = 0) -> None:
    """Hold a detector against its contract.

    Args:
        make: builds a fresh detector with its key table; called many times, always with the same seed inside.
        steps: the stream; None: `sample_steps`.
        seed: of the places where the stream is cut and interrupted.

    Raises:
        NotConforming: nats of a wrong shape, type or range; input changed; an empty batch not taken; or results that
            depend on the splitting, on an interruption, or differ between two equal runs.
    """
    steps = sample_steps() if steps is None else steps
    rng = np.random.default_rng(seed)
    _check_empty(make, steps)
    whole = _Run(make, steps).finish([len(steps)])
    expect(_same(whole, _Run(make, steps).finish([len(steps)])), "two equal runs differ")
    cut = [int(size) for size in rng.integers(1, 90, 40)]
    for sizes, how in (([1], "one event at a time"), ([7], "seven at a time"), (cut, "in uneven sub-batches")):
        _expect_same(whole, _Run(make, steps).finish(sizes), f"scored {how}")
    stops = {int(stop) for stop in rng.integers(0, 2 * len(steps) // 45, 8)}
    _expect_same(whole, _Run(make, steps).finish(cut, stops), f"interrupted after the sub-batches {sorted(stops)}")


def _check_empty(make: Callable[[], DetectorRig], steps: Steps) -> None:
    rig = make()
    nats = rig.detector.score(steps.batch(0, 0, np.zeros(0, np.int32)))
    _check_nats(nats, 0)
    if callable(close := getattr(rig.detector, "close", None)):
        close()


def _check_nats(nats: Any, n: int) -> None:
    expect(isinstance(nats, np.ndarray) and nats.dtype == np.float32, "score must return float32")
    expect(nats.shape == (n,), f"score returned shape {nats.shape} for {n} events")
    expect(not np.any(nats < 0) and not np.any(np.isinf(nats)), "nats must be finite and not negative, or NaN")


def _unmutated(events: EventBatch, call: Callable[[EventBatch], Any], name: str) -> Any:
    """The answer of a call that must leave its input as it is."""
    before = {column.name: _copy(getattr(events, column.name)) for column in fields(events)}
    answer = call(events)
    for column, kept in before.items():
        now = getattr(events, column)
        same = np.array_equal(now, kept) if isinstance(kept, np.ndarray) else now == kept
        expect(same, f"{name} changed the column {column!r} of its input")
    return answer


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray | list) else value


def _expect_same(whole: Float32, other: Float32, how: str) -> None:
    if not _same(whole, other):
        first = int(np.flatnonzero(_differs(whole, other))[0])
        expect(False, f"{how} gives other nats from event {first} on: {whole[first]!r} became {other[first]!r}")


def _differs(a: Float32, b: Float32) -> Bool:
    differs: Bool = (a.view(np.uint32) != b.view(np.uint32)) & ~(np.isnan(a) & np.isnan(b))
    return differs


def _same(a: Float32, b: Float32) -> bool:
    """Bit-equal; one NaN is as good as another."""
    return a.shape == b.shape and not _differs(np.ascontiguousarray(a), np.ascontiguousarray(b)).any()
