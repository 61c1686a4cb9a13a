"""A window becomes an image: finite, in range, and by nothing but the window and the past that it holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from logwatch.heatmap.image import CHANGE, INNER, LEVEL, MISSING, image
from logwatch.heatmap.past import QUANTILES, quantiles_of
from logwatch.types import Float32, MetricWindow

SECOND = 10**9
FLOATS = st.floats(width=32) | st.sampled_from([0.0, 1.0, 1.0000001, -3e38, 3e38, 1e-38])


def window(values: object, past: Float32 | None = None) -> MetricWindow:
    rows = np.atleast_2d(np.asarray(values, np.float32))
    return MetricWindow("s", tuple(f"m{row:03d}" for row in range(len(rows))), 0, SECOND, rows, past)


def past_of(values: object) -> Float32:
    return quantiles_of(np.atleast_2d(np.asarray(values, np.float32)))


@given(arrays(np.float32, (3, 9), elements=FLOATS), arrays(np.float32, (3, 20), elements=FLOATS))
def test_an_image_is_finite_and_in_range_whatever_the_values(values: Float32, before: Float32) -> None:
    made = image(window(values, quantiles_of(before)))
    assert made.shape == (3, 3, 9)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert made[LEVEL].min() >= 0
    assert made[LEVEL].max() <= 1
    assert np.abs(made[CHANGE]).max() <= 1
    np.testing.assert_array_equal(made[MISSING] == 1, ~np.isfinite(values))


@given(arrays(np.float32, (1, 9), elements=st.floats(-1e6, 1e6, width=32)))
def test_a_larger_value_never_has_a_lower_level(values: Float32) -> None:
    level = image(window(values, past_of(np.linspace(-100, 100, 64))))[LEVEL, 0]
    assert (np.diff(level[np.argsort(values[0], kind="stable")]) >= -1e-6).all()


def test_levels_are_ranks_in_the_past_and_go_on_beyond_it() -> None:
    past = past_of(np.arange(1, 130))
    level = image(window([1, 65, 129, 130, 1000, 0, -1000], past))[LEVEL, 0]
    np.testing.assert_allclose(level[:3], [INNER, 0.5, 1 - INNER], atol=1e-6)
    assert 1 - INNER < level[3] < level[4] < 1
    assert INNER > level[5] > level[6] > 0


def test_a_level_is_the_share_of_the_past_that_is_smaller() -> None:
    rng = np.random.default_rng(0)
    before = rng.gamma(2.0, size=4096).astype(np.float32)
    values = rng.gamma(2.0, size=100).astype(np.float32)
    level = image(window(values, past_of(before)))[LEVEL, 0]
    share = (before[None] < values[:, None]).mean(axis=1)
    inside = (values > before.min()) & (values < before.max())
    np.testing.assert_allclose((level[inside] - INNER) / (1 - 2 * INNER), share[inside], atol=0.03)


def test_values_that_are_always_the_same_are_usual_and_any_other_is_not() -> None:
    past = past_of(np.full(64, 5.0))
    made = image(window([5, 5, 5.1, 4.9], past))
    np.testing.assert_allclose(made[LEVEL, 0, :2], 0.5)
    assert made[LEVEL, 0, 2] > 0.95
    assert made[LEVEL, 0, 3] < 0.05
    assert made[CHANGE, 0, 2] > 0.95


def test_a_value_shared_by_half_of_the_past_stands_in_the_middle_of_that_half() -> None:
    past = past_of([*[0.0] * 64, *range(1, 65)])
    level = image(window([0.0], past))[LEVEL, 0, 0]
    assert abs((level - INNER) / (1 - 2 * INNER) - 0.25) < 0.05


def test_what_is_missing_is_neutral_and_masked_and_changes_reach_over_it() -> None:
    past = past_of(np.arange(129))
    made = image(window([10, np.nan, np.inf, 20, 20], past))
    np.testing.assert_array_equal(made[MISSING, 0], [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(made[LEVEL, 0, 1:3], [0.5, 0.5])
    np.testing.assert_array_equal(made[CHANGE, 0, [0, 1, 2, 4]], 0)
    spread = 0.75 * 128
    x = 4 * 10 / spread
    np.testing.assert_allclose(made[CHANGE, 0, 3], x / (1 + x), atol=1e-5)


def test_a_metric_without_a_past_is_measured_by_the_window_itself() -> None:
    values = np.stack([np.arange(20), np.arange(20)])
    known = np.stack([np.full(17, np.nan), np.linspace(100, 200, 17)]).astype(np.float32)
    made = image(window(values, known))
    alone = image(window(values[:1]))
    np.testing.assert_array_equal(made[:, :1], alone)
    assert made[LEVEL, 1].max() < INNER
    assert alone[LEVEL, 0, -1] == 1 - np.float32(INNER)


def test_each_row_depends_on_its_own_metric_alone() -> None:
    rng = np.random.default_rng(1)
    values, past = rng.normal(size=(7, 30)).astype(np.float32), past_of(rng.normal(size=(7, 64)))
    whole = window(values, past)
    order = rng.permutation(7)
    turned = replace(whole, values=values[order], past=past[order])
    np.testing.assert_array_equal(image(turned), image(whole)[:, order])


def test_no_metrics_and_no_values_are_images_too() -> None:
    assert image(window(np.zeros((0, 5)), np.zeros((0, 17), np.float32))).shape == (3, 0, 5)
    made = image(window(np.full((2, 4), np.nan)))
    assert (made[MISSING] == 1).all()
    assert (made[LEVEL] == 0.5).all()
    assert image(window([[7.0]]))[LEVEL, 0, 0] == 0.5


def test_plug_ins_reach_it_through_the_api_alone() -> None:
    from logwatch import api

    assert api.image is image
    assert api.MetricWindow is MetricWindow


def test_the_window_is_left_as_it_was() -> None:
    rng = np.random.default_rng(2)
    values, past = rng.normal(size=(3, 20)).astype(np.float32), past_of(rng.normal(size=(3, 64)))
    values[1, 3] = np.nan
    given_ = window(values.copy(), past.copy())
    image(given_)
    np.testing.assert_array_equal(given_.values, values)
    np.testing.assert_array_equal(given_.past, past)


@given(arrays(np.float32, (2, 40), elements=st.floats(width=32)))
def test_quantiles_are_values_in_order_and_want_enough_of_them(values: Float32) -> None:
    found = quantiles_of(values)
    for row, finite in zip(found, np.isfinite(values), strict=True):
        if finite.sum() < 16:
            assert np.isnan(row).all()
            continue
        assert (np.diff(row) >= 0).all()
        assert set(row.tolist()) <= set(values[values == values].tolist())
    assert len(QUANTILES) == found.shape[1]
