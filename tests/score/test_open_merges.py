"""Templates that merge in the middle of a chunk: a source that knew one of them knows the other from that event on."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.detector_configs import NewConfig, RareConfig
from logwatch.score.detectors.merges import OpenMerges, Untold
from logwatch.score.detectors.novelty import Novelty
from logwatch.score.detectors.rare import Rare
from logwatch.score.keys import KeyTable
from logwatch.types import EventBatch
from tests.score.simulated import events

MINE, THEIRS, OTHER = 7, 3, 1
"""A template of source 0, one of source 1, into which it is merged, and one of both."""


def novelty(untold: Untold) -> Novelty:
    return Novelty(NewConfig(), untold=untold)


def rare(untold: Untold) -> Rare:
    keys = KeyTable(Rare.FIELDS.dtype, capacity=16)
    return Rare(RareConfig(), keys, lambda numbers: np.zeros(len(numbers), np.bool_), untold)


def batch(first: int, source: list[int], template: list[int]) -> EventBatch:
    made = events(source, [None] * len(source), (np.arange(len(source)) + first) * 10**9 + 10**18, template)
    made.first = first
    made.slot[:] = 0
    return made


@pytest.mark.parametrize("make", [novelty, rare])
def test_a_template_of_a_source_that_is_merged_into_one_of_another_source_is_no_news(
    make: Callable[[Untold], Novelty | Rare],
) -> None:
    merges: list[tuple[int, int, int]] = []
    detector = make(lambda: merges)
    for chunk in range(40):
        known = batch(64 * chunk, [0, 1] * 32, [MINE, THEIRS, OTHER, OTHER] * 16)
        detector.learn(known, detector.score(known))
    at = 64 * 40
    merges.append((at + 1, MINE, THEIRS))
    nats = detector.score(batch(at, [0, 0, 1], [THEIRS, THEIRS, THEIRS]))
    assert nats[0] > 2  # before the merge it was no template of this source
    assert nats[2] < 1
    nats = detector.score(batch(at + 3, [0, 0], [THEIRS, OTHER]))
    assert nats[0] < 1


def test_templates_that_were_given_up_are_no_template_of_their_source() -> None:
    untold = [(5, 9, 0), (6, 4, 2), (7, 2, 1), (9, 8, 1)]
    rows = list(OpenMerges(lambda: untold).losers(batch(5, [0] * 4, [1, 0, 1, 1]), np.arange(4)))
    assert [(held.tolist(), loser) for held, loser in rows] == [([2, 3], 2), ([2, 3], 4)]


ids = st.integers(1, 5)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1), ids), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(2, 5)), max_size=3, unique_by=lambda merge: merge[1]),
    st.lists(st.integers(1, 29), max_size=4),
)
def test_sub_batches_change_nothing(
    lines: list[tuple[int, int]], merged: list[tuple[int, int]], splits: list[int]
) -> None:
    start, n = 128, len(lines)
    untold = [(start + at, loser, loser - 1) for at, loser in sorted(merged)]
    template = [line for _, line in lines]
    for row in range(n):  # as they arrive: the winner's id from the merge on
        for event, loser, winner in untold:
            template[row] = winner if start + row >= event and template[row] == loser else template[row]
    whole = batch(start, [source for source, _ in lines], template)
    for make in (novelty, rare):
        found = []
        for places in ([0, n], sorted({0, n, *(at for at in splits if at < n)}), list(range(n + 1))):
            detector = make(lambda: untold)
            known = batch(0, [0, 1] * 64, [1, 2, 3, 4] * 32)
            detector.learn(known, detector.score(known))
            parts = [whole.take(slice(a, b)) for a, b in itertools.pairwise(places)]
            found.append(np.concatenate([detector.score(part) for part in parts]).tolist())
            detector.merged([(loser, winner) for _, loser, winner in untold])
            detector.learn(whole, np.array(found[-1], np.float32))
            found[-1] += detector.score(batch(start + n, [0, 1] * 5, [1, 2, 3, 4, 5] * 2)).tolist()
        assert found[0] == found[1] == found[2]
