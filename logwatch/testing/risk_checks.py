"""What every assessor of risk keeps: a probability or None for every window, and always the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from logwatch.api import Assessor, MetricWindow, Risk
from logwatch.testing.errors import expect
from logwatch.testing.samples import SECOND, START

STEPS = 60


def check_risk(make: Callable[[], Assessor], windows: Sequence[MetricWindow] = ()) -> None:
    """Hold an assessor against its contract.

    Args:
        make: builds it.
        windows: of the kind that it was made for: beside the samples.

    Raises:
        NotConforming: a window changed; a probability outside [0, 1], a horizon that is not above 0, drivers that are
            no metrics of the window; or another answer when asked again, or in another order.
    """
    all_of = [*sample_windows(), *windows]
    assessor, again = make(), make()
    said = []
    for window in all_of:
        kept = window.values.copy()
        said.append(assessor.assess(window))
        expect(np.array_equal(window.values, kept, equal_nan=True), "assess changed the values that it was given")
        _check_answer(window, said[-1])
    backwards = [again.assess(window) for window in reversed(all_of)][::-1]
    expect(repr(backwards) == repr(said), "the answer to a window depends on the windows before it")


def _check_answer(window: MetricWindow, risk: Risk | None) -> None:
    if risk is None:
        return
    expect(isinstance(risk, Risk), f"assess returned {type(risk).__name__}, neither a Risk nor None")
    expect(0 <= risk.probability <= 1, f"a probability of {risk.probability}")
    expect(0 < risk.horizon < math.inf, f"a horizon of {risk.horizon} s")
    for metric, share in risk.drivers:
        expect(metric in window.metrics, f"the driver {metric!r} is no metric of the window")
        expect(0 <= share <= 1, f"a share of {share} for {metric!r}")


def sample_windows(seed: int = 0) -> Iterator[MetricWindow]:
    """Calm, rising, flat, missing and absurd values, and a window without a metric."""
    rng = np.random.default_rng(seed)
    calm = rng.normal(10, 1, (3, STEPS)).astype(np.float32)
    rising = calm + np.linspace(0, 50, STEPS, dtype=np.float32)
    holes = calm.copy()
    holes[:, ::3] = np.nan
    huge = np.full((3, STEPS), 1e38, np.float32)
    values = [calm, rising, np.zeros((3, STEPS), np.float32), holes, np.full((3, STEPS), np.nan, np.float32), huge]
    names = ("cpu", 'memory{kind="used"}', "requests")
    for one in values:
        yield MetricWindow("sample", names, START, 15 * SECOND, one)
    yield MetricWindow("sample", (), START, 15 * SECOND, np.zeros((0, STEPS), np.float32))
