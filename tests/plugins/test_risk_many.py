"""Many windows at once: the probability of each is that of the window alone, whatever comes with it."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.api import MetricWindow, declared
from logwatch.plugins.guarded import guarded
from logwatch.testing.risk_checks import sample_windows
from logwatch_cnn_risk.plugin import TELLING, CnnRisk, Config
from logwatch_cnn_risk.weights import SHIPPED, load


@pytest.fixture(scope="module")
def windows() -> list[MetricWindow]:
    """Of the metrics of the weights that ship, calm and wild, and of others."""
    learned, rng = load(SHIPPED), np.random.default_rng(0)
    names, steps = tuple(sorted(learned.models.names)), 120
    made = []
    for number in range(70):
        values = (10 + rng.normal(size=(len(names), steps)) * (1 + number % 5)).astype(np.float32)
        values[:, steps // 2 :] += np.float32(number % 7)
        past = np.sort(10 + rng.normal(size=(len(names), 17)), axis=1).astype(np.float32)
        step = int(learned.length / steps * 1e9)
        made.append(MetricWindow(f"s{number}", names, 10**18, step, values, past if number % 3 else None))
    return [*made, *sample_windows()]


def test_many_are_assessed_as_each_by_itself(windows: list[MetricWindow]) -> None:
    assessor = CnnRisk(Config())
    together, some = assessor.assess_many(windows), assessor.assess_many(windows[3:9])
    assert [one and one.probability for one in some] == [one and one.probability for one in together[3:9]]
    for at in (0, 1, 5, 40, *range(70, len(windows))):
        alone, one = assessor.assess(windows[at]), together[at]
        assert (alone is None) == (one is None)
        if alone is not None and one is not None:
            assert one.probability == pytest.approx(alone.probability, abs=1e-6)
            assert (one.horizon, one.detail) == (alone.horizon, alone.detail)
            if one.probability >= TELLING:
                assert one.drivers == alone.drivers


class _Short:
    def assess_many(self, windows: list[MetricWindow]) -> list[None]:
        return [None]


def test_a_wrong_number_of_answers_is_a_failure(windows: list[MetricWindow]) -> None:
    wrapped = guarded(declared()["risk", "cnn"], _Short())
    assert wrapped.assess_many(windows[:3]) == [None, None, None]
