"""The product on a table of metrics: every step is said, causally, and a break in how metrics move is heard."""

from __future__ import annotations

import numpy as np

from logwatch.types import Float64
from tests.benchmarks.smd_judged import judged

BROKEN = slice(1300, 1320)


def table(steps: int) -> Float64:
    """Six metrics of one load, of which one leaves the others for a while."""
    rng = np.random.default_rng(5)
    load = np.sin(np.arange(1500) / 30) + 0.1 * rng.standard_normal(1500)
    values = load[:, None] * np.arange(1, 7) + 0.1 * rng.standard_normal((1500, 6))
    values[BROKEN, 2] *= -2.0
    return np.round(values[:steps], 4)


def test_both_voices_of_every_step_are_summed_and_a_break_is_heard() -> None:
    said = judged(table(1500))
    np.testing.assert_allclose(said.combined, said.series + said.pca, rtol=1e-5)
    assert (said.combined[300:] > 0).mean() > 0.9
    assert said.combined[BROKEN].max() == said.combined[300:].max()
    assert np.median(said.combined[BROKEN]) > np.quantile(said.combined[300 : BROKEN.start], 0.99)


def test_truncating_the_table_changes_no_earlier_step() -> None:
    whole, part = judged(table(1500)), judged(table(1310))
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one[:1310], other)
