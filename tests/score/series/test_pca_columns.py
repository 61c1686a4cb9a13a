"""Columns of a source's metrics: bounded, and in the end given to those that vary."""

from __future__ import annotations

import numpy as np

from logwatch.cells import unpack
from logwatch.score.series.pca import SourcePca
from logwatch.score.series.pca_source import GONE
from logwatch.telemetry import DROPPED


def dropped() -> float:
    return DROPPED.value(reason="pca_metrics")


def holders(pca: SourcePca) -> set[int]:
    """Slots that have a column, as the cell of source 0 has them."""
    cell = dict(pca.changes())["0/3c/steps"]
    assert cell is not None
    return set(unpack(cell)[0]["slots"].tolist()) - {-1}


def test_columns_are_bounded_and_samples_beyond_are_counted() -> None:
    pca, slots = SourcePca(most_metrics=32), np.arange(40, dtype=np.int32)
    before = dropped()
    values = np.random.default_rng(0).normal(size=(100, 40))
    values[:, 35] = np.nan  # nothing is lost of what was never there
    pca.score(0, 60, slots, values)
    assert holders(pca) == set(range(32))
    assert dropped() - before == 100 * 7


def test_in_the_end_those_that_vary_have_the_columns_whatever_their_order() -> None:
    pca, slots = SourcePca(most_metrics=32), np.arange(90, dtype=np.int32)
    values = np.full((int(GONE) * 6, 90), 3.0)
    vary = [2, 31, 47, 60, 88, 89]
    values[:, vary] = np.random.default_rng(1).normal(size=(len(values), len(vary)))
    for at in range(0, len(values), 500):
        pca.score(0, 60, slots, values[at : at + 500])
    found = holders(pca)
    assert set(vary) < found
    assert len(found) == 32


def test_metrics_that_are_gone_make_room_only_where_it_is_needed() -> None:
    pca, rng = SourcePca(most_metrics=16), np.random.default_rng(2)
    first, second = np.arange(16, dtype=np.int32), np.arange(8, 24, dtype=np.int32)
    pca.score(0, 60, first, rng.normal(size=(200, 16)))
    pca.score(0, 60, first[8:], rng.normal(size=(2000, 8)))
    assert holders(pca) == set(range(16))
    pca.score(0, 60, second, rng.normal(size=(200, 16)))
    assert holders(pca) == set(range(8, 24))


def test_a_slot_that_changes_hands_begins_anew() -> None:
    rng = np.random.default_rng(3)
    slots = np.arange(4, dtype=np.int32)
    pca = SourcePca()
    pca.score(0, 60, slots, rng.normal(size=(1000, 4)))
    pca.release(slots[1:2])
    values = rng.normal(size=(60, 4))
    values[:, 1] += 1e6  # another series: not news
    scores = pca.score(0, 60, slots, values)
    assert (scores.nats < 12.0).all()
    assert not (scores.drivers == 1).any()


def test_slots_that_nobody_has_are_released_without_ado() -> None:
    pca = SourcePca()
    pca.release(np.arange(2, dtype=np.int32))
    assert list(pca.changes()) == []
