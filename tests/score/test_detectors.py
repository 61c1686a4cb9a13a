"""All simple detectors: what a score says does not depend on how the stream was cut, or on restarts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.api import Detector, declared
from logwatch.score.detectors import SIMPLE
from logwatch.score.keys import KeyTable
from logwatch.types import EventBatch
from tests.score.simulated import Part, odd_have_entities, run, stream

NAMES = [cls.name for cls in SIMPLE]


def build(name: str, capacity: int = 1000) -> tuple[Any, KeyTable]:
    component = declared()["detector", name]
    table = KeyTable(component.build.FIELDS.dtype, capacity)
    return component.build(component.config(), table, odd_have_entities), table


class Scored(Part):
    """One detector; its results are its nats. Templates merge at the ends of some chunks."""

    def __init__(self, name: str) -> None:
        self.detector, self.table = build(name)

    def feed(self, batch: EventBatch) -> list[Any]:
        return self.detector.score(batch).tolist()

    def learn(self, chunk: EventBatch) -> None:
        if chunk.first % 256 == 128:
            self.detector.merged([(chunk.first // 128 + 2, 1), (chunk.first // 128 + 6, 13)])
        self.detector.learn(chunk, np.zeros(len(chunk.source), np.float32))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return self.detector.changes()

    def restore(self, cells: dict[str, bytes]) -> None:
        self.detector.restore(cells)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.sampled_from([1, 7, 30, 64]), min_size=1, max_size=4),
    stops=st.frozensets(st.integers(1, 60), max_size=3),
)
def test_any_cut_and_any_restart_gives_the_same_nats(
    name: str, seed: int, sizes: list[int], stops: frozenset[int]
) -> None:
    whole = stream(seed, 400)
    plain = run(lambda: Scored(name), whole, [64])
    cut = run(lambda: Scored(name), whole, sizes, stops)
    np.testing.assert_array_equal(np.float32(cut), np.float32(plain))


@pytest.mark.parametrize("name", NAMES)
def test_nats_are_float32_and_never_negative(name: str) -> None:
    detector, table = build(name)
    assert isinstance(detector, Detector)
    whole = stream(1, 2000)
    for at in range(0, 2000, 100):
        batch = whole.take(slice(at, at + 100))
        batch.slot = table.assign(batch.source, batch.stream, batch.entity)
        nats = detector.score(batch)
        assert nats.dtype == np.float32
        assert nats.shape == (100,)
        assert not (nats < 0).any()
        assert not np.isinf(nats).any()
        detector.learn(batch, nats)
    assert np.isfinite(nats).any()
    assert (nats > 0).any() or name == "new"


@pytest.mark.parametrize("name", NAMES)
def test_a_merge_leaves_no_count_of_the_loser(name: str) -> None:
    detector, table = build(name)
    for at in range(0, 1000, 100):
        batch = stream(3, 1000).take(slice(at, at + 100))
        batch.slot = table.assign(batch.source, batch.stream, batch.entity)
        if at == 900:
            detector.merged([(1, 2), (2, 50), (4, 50)])
        detector.learn(batch, detector.score(batch)) if at < 900 else None
    store = {"new": "_seen", "rare": "_shares", "markov": "_counts", "gap": "_histograms"}[name]
    keys, _ = getattr(detector, store).entries()
    fields = [keys & np.uint64(0x1FFFFF), keys >> np.uint64(21) & np.uint64(0x1FFFFF)] if name == "markov" else [keys]
    left = {int(k) & 0xFFFFFFFF for field in fields for k in field}
    assert not left & ({2, 3, 5} if name == "markov" else {1, 2, 4})
    assert (51 if name == "markov" else 50) in left
