"""Versions of the model: judged beside their parent, kept within bounds, restored as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from logwatch.score.model_weights import Weights
from logwatch.score.versions import LEAST, NEWEST, ROWS, SHADOW, SPAN, SPARSE, Versions


def weights(value: float) -> Weights:
    return Weights(torch.full((4,), value), np.array([-1, 7], dtype=np.int64))


def live(versions: Versions, chunks: int = SPAN, own: float = 1.0, others: tuple[float, ...] = (1.0, 1.0)) -> None:
    """Chunks of 100 events with a sample each; nats an event."""
    there = (versions.parent is not None) + (versions.shadow is not None)
    for _ in range(chunks):
        versions.count(versions.open.end, versions.open.end + 100, 5, 9, 120.0, 100)
        versions.judge(200, own * 200, [other * 200 for other in others[:there]])


def test_a_version_is_kept_and_the_next_one_comes_from_it() -> None:
    versions = Versions(3)
    live(versions)
    assert versions.over
    assert not versions.open.worse  # it has no parent
    versions.close(weights(1.0))
    (first,) = versions.rows
    assert (first.number, first.parent, first.state, first.seed) == (1, 0, "kept", 3)
    assert (first.begin, first.end, first.events, first.nats) == (0, 1600, 1600, 120.0 * SPAN)
    assert (versions.open.number, versions.open.parent, versions.open.begin) == (2, 1, 1600)
    assert versions.parent is versions.weights[1]


@pytest.mark.parametrize(
    ("own", "parent", "worse"), [(1.0, 1.0, False), (1.14, 1.0, False), (1.16, 1.0, True), (float("nan"), 1.0, True)]
)
def test_a_version_is_worse_only_where_its_parent_does_clearly_better_on_the_same_events(
    own: float, parent: float, worse: bool
) -> None:
    versions = Versions(0)
    live(versions)
    versions.close(weights(1.0))
    live(versions, own=own, others=(parent,))
    assert versions.open.worse is worse


def test_after_a_roll_back_the_parent_goes_on() -> None:
    versions = Versions(0)
    for _ in range(2):
        live(versions)
        versions.close(weights(1.0))
    live(versions, own=9.0)
    versions.close(None)
    assert [row.state for row in versions.rows] == ["kept", "kept", "rolled back"]
    assert (versions.open.number, versions.open.parent) == (4, 2)
    with pytest.raises(LookupError):
        versions.find(3)


def test_a_model_from_elsewhere_takes_over_only_if_it_did_better_for_long_enough() -> None:
    for loss, better in ((0.9, True), (1.0, False), (float("nan"), False)):
        versions = Versions(0)
        live(versions, 3)
        versions.bring(weights(5.0), "abc")
        live(versions, SHADOW - 1, 1.0, (loss,))
        assert versions.better is None
        live(versions, 1, 1.0, (loss,))
        assert versions.better is better
    versions = Versions(0)
    live(versions, 3)
    versions.bring(weights(5.0), "abc")
    for _ in range(SHADOW + 3):
        versions.judge(LEAST // (SHADOW + 4), 1.0, [0.0])
    assert versions.better is None  # too few events


def test_what_takes_over_is_the_head_of_what_comes_after_it() -> None:
    versions = Versions(0)
    live(versions, 3)
    versions.bring(weights(5.0), "abc")
    assert versions.head is None
    versions.promote()
    assert [(row.number, row.state) for row in versions.rows] == [(1, "left"), (2, "kept")]
    for _ in range(3 * SPARSE):
        live(versions)
        versions.close(weights(1.0))
    assert versions.head is not None
    assert versions.head.flat[0] == 5.0
    assert versions.open.head == 2


def test_a_refused_model_leaves_nothing_but_its_row() -> None:
    versions = Versions(0)
    live(versions)
    versions.close(weights(1.0))
    versions.bring(weights(5.0), "abc")
    with pytest.raises(LookupError):
        versions.find(3)  # it is not ours to go back to yet
    versions.bring(weights(6.0), "def")  # the first is given up for it
    versions.refuse()
    assert [(row.state, row.bundle) for row in versions.rows[1:]] == [("refused", "abc"), ("refused", "def")]
    assert set(versions.weights) == {1}
    assert versions.open.parent == 1


def test_what_is_kept_is_bounded_and_reaches_back() -> None:
    versions = Versions(0)
    for _ in range(300):
        live(versions, 1)
        versions.close(weights(1.0))
    assert len(versions.rows) <= ROWS + len(versions.weights)
    assert len(versions.weights) <= NEWEST + SPARSE // 8
    assert min(versions.weights) < 300 - SPARSE // 2
    assert {row.number for row in versions.rows} >= set(versions.weights)


def _replace(versions: Versions) -> None:
    live(versions, 1, 2.0)
    versions.close(None if versions.parent is not None else weights(2.0))


ACTIONS: list[Callable[[Versions], Any]] = [
    lambda v: live(v, 2),
    lambda v: v.close(weights(float(v.open.number))),
    _replace,
    lambda v: v.bring(weights(8.0), "b" * 64),
    lambda v: v.shadow and v.promote(),
    lambda v: v.shadow and v.refuse(),
    lambda v: v.open.parent and v.back_to(min(n for n in v.weights if not v.shadow or n != v.shadow.number)),
]


@given(st.lists(st.sampled_from(ACTIONS), max_size=40), st.sets(st.integers(0, 40)))
def test_restored_from_their_cells_they_go_on_as_if_nothing_had_happened(
    actions: list[Callable[[Versions], Any]], stops: set[int]
) -> None:
    one, other, cells = Versions(1), Versions(1), {}
    for number, action in enumerate(actions):
        for versions in (one, other):
            action(versions)
        if number in stops:
            for name, cell in other.changes():
                if cell is None:
                    cells.pop(name, None)
                else:
                    cells[name] = cell
            other = Versions(1)
            other.restore(cells)
    assert list(one) == list(other)
    assert {n: w.flat.tolist() for n, w in one.weights.items()} == {
        n: w.flat.tolist() for n, w in other.weights.items()
    }
    assert len({version.number for version in one}) == len(list(one))
