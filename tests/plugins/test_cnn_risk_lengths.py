"""Windows that are longer, shorter, finer or coarser than those of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.types import MetricWindow
from logwatch_cnn_risk.lengths import newest, unreadable
from logwatch_cnn_risk.plugin import CnnRisk, Config
from logwatch_cnn_risk.weights import SHIPPED, shipped_names

SECOND = 10**9
NAMES = tuple(sorted(shipped_names()))
STEPS = 120
"""Of half a second each: the minute that the shipped weights were trained on."""


def window(steps: int = STEPS, step: int = SECOND // 2, seed: int = 0) -> MetricWindow:
    values = np.random.default_rng(seed).random((len(NAMES), steps)).astype(np.float32)
    return MetricWindow("shop", NAMES, 0, step, values)


def asked(one: MetricWindow, model: str = "row-shared") -> tuple[float, str, np.ndarray]:
    found = CnnRisk(Config.model_validate({"weights": SHIPPED, "model": model})).assess(one)
    assert found is not None
    assert found.heat is not None
    return found.probability, found.detail, found.heat


@pytest.mark.parametrize("model", ["cnn", "row-shared", "logistic"])
def test_of_a_longer_window_the_newest_part_answers_as_it_would_alone(model: str) -> None:
    alone = window()
    longer = replace(alone, values=np.concatenate([window(480, seed=1).values, alone.values], axis=1))
    p, said, heat = asked(longer, model)
    assert p == asked(alone, model)[0]
    assert "it read the last 60 s, as in training" in said
    assert heat.shape == longer.values.shape
    assert not heat[:, :480].any()
    np.testing.assert_array_equal(heat[:, 480:], asked(alone, model)[2])


def test_steps_of_another_length_within_the_same_time_are_gathered() -> None:
    fine = window()
    fine = replace(fine, values=fine.values.repeat(4, axis=1), step=fine.step // 4)
    coarse = replace(fine, values=fine.values[:, ::4], step=fine.step * 4)
    assert asked(fine)[0] == pytest.approx(asked(coarse)[0], abs=0.02)
    assert "by the model" in asked(window(30, 2 * SECOND))[1]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (window(60), "training had windows of 60 s, this one has 30 s"),
        (window(STEPS, 30 * SECOND), "this one has 3600 s in steps of 30 s: too coarse"),
        (window(8, 10 * SECOND), "this one has 80 s in steps of 10 s: too coarse"),
    ],
)
def test_what_is_too_short_or_too_coarse_is_judged_by_the_rule_which_says_so(one: MetricWindow, said: str) -> None:
    _, detail, heat = asked(one)
    assert "by the rule" in detail
    assert said in detail
    assert heat.shape == one.values.shape


def test_many_windows_of_any_length_are_answered_as_each_alone() -> None:
    some = [window(), window(600, seed=1), window(60), window(8, 10 * SECOND), window(30, 2 * SECOND)]
    plugin = CnnRisk(Config(weights=SHIPPED))
    for one, found in zip(some, plugin.assess_many(some), strict=True):
        alone = plugin.assess(one)
        assert alone is not None
        assert found is not None
        assert (found.probability, found.detail) == (alone.probability, alone.detail)


def test_a_longer_window_whose_newest_part_was_not_measured_has_no_answer() -> None:
    longer = window(1300)
    longer.values[:, -13:] = np.nan  # a hundredth of it, and more than a tenth of what is read
    assert CnnRisk(Config(weights=SHIPPED)).assess(longer) is None


@given(st.integers(1, 400), st.integers(1, 10**11), st.floats(1e-3, 1e6), st.integers(4, 30))
def test_the_newest_part_ends_where_the_window_ends(steps: int, step: int, seconds: float, columns: int) -> None:
    whole = MetricWindow("s", ("a",), 7, step, np.arange(steps, dtype=np.float32)[None])
    part = newest(whole, seconds)
    assert part.end == whole.end
    assert part.values[0, -1] == steps - 1
    assert part is whole or abs((part.end - part.start) / 1e9 - seconds) <= step / 1e9
    if not unreadable(whole, seconds, columns):
        assert part.values.shape[1] >= columns / 2
