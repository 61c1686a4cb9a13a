"""Networks that answer together, what each build is worth, and boosted stumps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from logwatch.types import Float32
from logwatch_cnn_risk.boosted import boost
from logwatch_cnn_risk.committee import Committee
from logwatch_cnn_risk.election import BUILDS, CNN, network, shares
from logwatch_cnn_risk.explain import grad_cam
from logwatch_cnn_risk.measure import auc
from logwatch_cnn_risk.networks import log_loss

M, C = 6, 30


def truths(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(n) < 0.4


def test_members_of_every_build_answer_by_their_weights() -> None:
    torch.manual_seed(0)
    members = [network(build, M, C, 8) for build in BUILDS[CNN]]
    weights = torch.linspace(0.2, 0.8, len(members))
    frames = torch.randn(3, 7, M, C)
    both = Committee(members, weights).eval()
    each = [float(weight) * one(frames) for weight, one in zip(weights, both.members, strict=True)]
    torch.testing.assert_close(both(frames), torch.stack(each).sum(0))


def test_heat_of_a_committee_is_of_the_members_that_speak() -> None:
    torch.manual_seed(0)
    members = [network(build, M, C, 8) for build in BUILDS[CNN]]
    frame = np.random.default_rng(0).normal(size=(7, M, C)).astype(np.float32)
    frame[2] = 0
    first = torch.zeros(len(members))
    first[0] = 1.0
    alone = grad_cam(Committee(members[:1], torch.ones(1)).eval(), frame)
    np.testing.assert_allclose(grad_cam(Committee(members, first).eval(), frame), alone, atol=1e-6)


def test_the_better_build_is_worth_more_and_equals_are_worth_the_same() -> None:
    rng, failing = np.random.default_rng(0), truths(600)
    good = (2 * failing - 1 + rng.normal(size=600)).astype(np.float32)
    noise = rng.normal(size=600).astype(np.float32)
    worth = shares(np.stack([good, noise], axis=1), failing)
    assert worth[0] > 0.7
    assert worth.sum() == pytest.approx(1)
    np.testing.assert_allclose(shares(np.stack([good, good], axis=1), failing), [0.5, 0.5], atol=1e-6)


@given(arrays(np.float32, (8, 3), elements=st.floats(-30, 30, width=32)), arrays(np.bool_, 8))
def test_shares_are_shares_whatever_the_logits_are(logits: Float32, failing: np.ndarray) -> None:
    worth = shares(logits, failing)
    assert (worth >= 0).all()
    assert worth.sum() == pytest.approx(1, abs=1e-5)


def test_stumps_find_thresholds_of_two_features_among_noise() -> None:
    x = np.random.default_rng(0).normal(size=(1200, 40)).astype(np.float32)
    failing = (x[:, 3] > 0.5) | (x[:, 7] < -1)
    made = boost(x[:800], failing[:800], 0)
    assert auc(made.logits(x[800:]), failing[800:]) > 0.97
    told = np.abs(made.beyond - made.below)
    by_feature = np.bincount(made.feature.astype(int), told, 40)
    assert set(np.argsort(-by_feature)[:2].tolist()) == {3, 7}


def test_each_round_of_stumps_lowers_the_loss_of_training() -> None:
    x, failing = np.random.default_rng(1).normal(size=(300, 5)).astype(np.float32), truths(300)
    losses = [log_loss(boost(x, failing, 0, rounds).logits(x), failing) for rounds in (1, 10, 40)]
    share = failing.mean()
    none = log_loss(np.full(300, np.log(share / (1 - share)), np.float32), failing)
    assert none > losses[0] > losses[1] > losses[2]


def test_stumps_are_the_same_again_and_others_by_another_seed() -> None:
    x, failing = np.random.default_rng(1).normal(size=(200, 30)).astype(np.float32), truths(200)
    one, again, other = boost(x, failing, 0), boost(x, failing, 0), boost(x, failing, 1)
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one.feature, other.feature)


@given(arrays(np.float32, (12, 4), elements=st.floats(-1e6, 1e6, width=32)), arrays(np.bool_, 12))
def test_stumps_are_finite_whatever_the_features_are(features: Float32, failing: np.ndarray) -> None:
    assert np.isfinite(boost(features, failing, 0, 10).logits(features)).all()
