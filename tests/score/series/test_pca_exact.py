"""The PCA of a source gives bit-equal results however its steps are batched, and after any restart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import StateCorrupt
from logwatch.samples import Points
from logwatch.score.series.closed_steps import ClosedSteps, Scores
from logwatch.score.series.pca import SourcePca
from logwatch.score.series.pca_source import PcaScores


def load(steps: int, metrics: int, seed: int, missing: float = 0.0) -> np.ndarray:
    """Values [steps, metrics] that follow two common causes; some are missing."""
    rng = np.random.default_rng(seed)
    causes = np.cumsum(rng.normal(size=(steps, 2)), axis=0)
    values = causes @ rng.normal(size=(2, metrics)) + rng.normal(size=(steps, metrics)) * 0.3 + 100.0
    values[rng.random(values.shape) < missing] = np.nan
    return values


def comes_and_goes(values: np.ndarray, seed: int) -> np.ndarray:
    """Some metrics begin late, some end early; the first one stays."""
    rng = np.random.default_rng(seed)
    for metric in range(1, values.shape[1]):
        begin, end = np.sort(rng.integers(0, len(values), 2))
        if rng.random() < 0.3:
            values[:begin, metric] = np.nan
        if rng.random() < 0.3:
            values[end:, metric] = np.nan
    return values


def one_by_one(pca: SourcePca, values: np.ndarray) -> PcaScores:
    """Each step with only the metrics that it has."""
    parts = []
    for step in values:
        there = np.flatnonzero(~np.isnan(step))
        parts.append(pca.score(7, 60, there.astype(np.int32), step[None, there]))
    return joined(parts)


def joined(parts: list[PcaScores]) -> PcaScores:
    return PcaScores(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def same(left: PcaScores, right: PcaScores) -> None:
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("metrics", "most"), [(1, 16), (3, 16), (38, 64), (40, 32), (70, 256)])
def test_one_step_at_a_time_equals_one_call(metrics: int, most: int) -> None:
    values = comes_and_goes(load(700, metrics, seed=metrics, missing=0.05), seed=metrics)
    slots = np.arange(metrics, dtype=np.int32) + 5
    whole = SourcePca(most_metrics=most).score(7, 60, slots, values)
    single = SourcePca(most_metrics=most)
    parts = [single.score(7, 60, slots, values[row : row + 1]) for row in range(len(values))]
    same(joined(parts), whole)
    assert np.isfinite(whole.nats[-300:]).any()


def test_a_metric_that_is_not_named_equals_one_that_is_missing() -> None:
    values = comes_and_goes(load(600, 20, seed=1, missing=0.1), seed=2)
    whole = SourcePca(most_metrics=32).score(7, 60, np.arange(20, dtype=np.int32), values)
    same(one_by_one(SourcePca(most_metrics=32), values), whole)


@given(st.lists(st.integers(1, 120), min_size=1, max_size=8), st.integers(0, 9), st.sampled_from([2, 17, 33]))
@settings(max_examples=15)
def test_any_batches_and_restarts_give_the_same_scores(sizes: list[int], seed: int, metrics: int) -> None:
    values = comes_and_goes(load(sum(sizes), metrics, seed, missing=0.02), seed)
    slots = np.random.default_rng(seed).permutation(1000)[:metrics].astype(np.int32)
    whole = SourcePca(most_metrics=16).score(7, 60, slots, values)
    store: dict[str, bytes] = {}
    pca, parts, at = SourcePca(most_metrics=16), [], 0
    for size in sizes:
        parts.append(pca.score(7, 60, slots, values[at : at + size]))
        at += size
        commit(pca, store)
        pca = SourcePca(most_metrics=16)
        pca.restore(store)
    same(joined(parts), whole)


def commit(pca: SourcePca, store: dict[str, bytes]) -> int:
    """Write what changed, as a checkpoint does; returns the bytes."""
    written = 0
    for name, cell in pca.changes():
        if cell is None:
            del store[name]
        else:
            store[name] = cell
            written += len(cell)
    return written


@given(
    st.lists(st.lists(st.floats(allow_infinity=False), min_size=3, max_size=3), min_size=1, max_size=40),
    st.integers(1, 17),
)
@settings(max_examples=60)
def test_any_values_give_nats_or_no_opinion(pattern: list[list[float]], size: int) -> None:
    values = np.tile(np.array(pattern), (-(-400 // len(pattern)), 1))
    slots = np.arange(3, dtype=np.int32)
    whole = SourcePca().score(0, 60, slots, values)
    known = whole.nats[~np.isnan(whole.nats)]
    assert ((known >= 0.0) & (known < 70.0)).all()
    assert ((whole.shares >= 0.0) & (whole.shares <= 1.0)).all()
    pca = SourcePca()
    same(joined([pca.score(0, 60, slots, values[at : at + size]) for at in range(0, len(values), size)]), whole)


def test_cells_that_do_not_fit_together_are_refused() -> None:
    pca, store = SourcePca(), {}
    pca.score(0, 60, np.arange(20, dtype=np.int32), load(50, 20, seed=6))
    commit(pca, store)
    del store["0/3c/model"]
    with pytest.raises(StateCorrupt):
        SourcePca().restore(store)


def test_a_source_that_was_forgotten_and_comes_back_is_written_once() -> None:
    slots, values = np.arange(4, dtype=np.int32), load(40, 4, seed=7)
    pca = SourcePca(room=16 * 16)
    for source in (0, 1):
        pca.score(source, 60, slots, values)
    list(pca.changes())
    pca.bound()
    pca.score(0, 60, slots, values)
    names = [name for name, _ in pca.changes()]
    assert sorted(names) == ["0/3c/model", "0/3c/steps"]


def test_sources_do_not_touch_each_other() -> None:
    slots = np.arange(12, dtype=np.int32)
    values = {source: load(500, 12, seed=source) for source in range(3)}
    alone = {source: SourcePca().score(source, 60, slots, values[source]) for source in values}
    pca, parts = SourcePca(), {source: [] for source in values}
    for at in range(0, 500, 25):
        for source in values:
            parts[source].append(pca.score(source, 60, slots, values[source][at : at + 25]))
    for source in values:
        same(joined(parts[source]), alone[source])


def test_scores_do_not_look_ahead() -> None:
    values, slots = load(800, 10, seed=3), np.arange(10, dtype=np.int32)
    whole = SourcePca().score(0, 60, slots, values)
    changed = values.copy()
    changed[500:] = 1e308
    again = SourcePca().score(0, 60, slots, changed)
    same(PcaScores(*(array[:500] for array in again)), PcaScores(*(array[:500] for array in whole)))


def test_nothing_is_written_where_nothing_changed_and_steps_alone_are_small() -> None:
    pca, slots, values = SourcePca(), np.arange(38, dtype=np.int32), load(400, 38, seed=4)
    store: dict[str, bytes] = {}
    pca.score(0, 60, slots, values[:384])
    model = commit(pca, store)
    assert commit(pca, store) == 0
    pca.score(0, 60, slots, values[384:387])
    assert commit(pca, store) < model / 10


def test_what_is_forgotten_is_deleted_and_stays_so() -> None:
    slots, values = np.arange(16, dtype=np.int32), load(300, 16, seed=5)
    store: dict[str, bytes] = {}
    pca = SourcePca(room=2 * 16 * 16)
    for source in range(2):
        pca.score(source, 60, slots, values)
    commit(pca, store)
    pca.score(0, 60, slots, values[:1])
    pca.score(2, 60, slots, values)  # room for two: 1 was silent for longest
    pca.bound()
    commit(pca, store)
    assert {name.split("/")[0] for name in store} == {"0", "2"}
    back = SourcePca(room=2 * 16 * 16)
    back.restore(store)
    for each in (back, pca):
        each.score(1, 60, slots, values)  # begins anew, and 0 goes
        each.bound()
    same(back.score(0, 60, slots, values), pca.score(0, 60, slots, values))
    same(back.score(2, 60, slots, values), pca.score(2, 60, slots, values))


def closed_steps(values: np.ndarray, source: np.ndarray) -> ClosedSteps:
    """Steps [n] of sources [n], each with the metrics that it has."""
    there = [np.flatnonzero(~np.isnan(step)) for step in values]
    size = np.array([len(one) for one in there])
    slot = np.concatenate(there).astype(np.int32) + np.repeat(source * 100, size).astype(np.int32)
    value = np.concatenate([step[one] for step, one in zip(values, there, strict=True)])
    none, long = np.zeros(len(slot), np.int32), np.zeros(len(slot), np.int64)
    points = Points(np.repeat(source, size).astype(np.int32), none, slot, long, long + 60, value, long, long)
    end = np.cumsum(size)
    blank = np.zeros(len(slot), np.float32)
    return ClosedSteps(Scores(points, blank[:, None], blank, value, value), end - size, end)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6), st.integers(0, 9))
@settings(max_examples=8)
def test_closed_steps_of_many_sources_give_the_same_in_any_batches(sizes: list[int], seed: int) -> None:
    values = load(sum(sizes), 8, seed, missing=0.02)
    values[:, 0] = 1.0  # no step is empty
    source = np.random.default_rng(seed).integers(0, 3, len(values))
    whole = SourcePca().score_closed(closed_steps(values, source))
    alone = SourcePca()
    for number in range(3):
        rows = np.flatnonzero(source == number)
        slots = np.arange(8, dtype=np.int32) + 100 * number
        same(alone.score(number, 60, slots, values[rows]), PcaScores(*(array[rows] for array in whole)))
    pca, parts, store, at = SourcePca(), [], {}, 0
    for size in sizes:
        parts.append(pca.score_closed(closed_steps(values[at : at + size], source[at : at + size])))
        at += size
        commit(pca, store)
        pca = SourcePca()
        pca.restore(store)
    same(joined(parts), whole)
