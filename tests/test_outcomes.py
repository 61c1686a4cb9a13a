"""Which deployments must be held out together, and which windows of metrics are labelled how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from logwatch.api import MetricWindow
from logwatch.app.outcomes import Outcome, overlapping
from logwatch.app.training import label

SECOND = 10**9


def outcome(start: int, end: int, source: str = "web", failed_at: int | None = None) -> Outcome:
    at = None if failed_at is None else failed_at * SECOND
    return Outcome(source, f"{source}@{start}", start * SECOND, end * SECOND, at, "leak" if failed_at else "")


def window(end: int, source: str = "web", step: int = SECOND) -> MetricWindow:
    return MetricWindow(source, ("cpu",), end * SECOND - 10 * step, step, np.zeros((1, 10), np.float32))


def test_deployments_that_overlap_one_through_another_share_a_group() -> None:
    found = overlapping([outcome(0, 10), outcome(30, 40), outcome(9, 20), outcome(19, 25), outcome(25, 30)])
    assert found[0] == found[2] == found[3]
    assert len({found[0], found[1], found[4]}) == 3


def test_a_window_fails_where_the_failure_comes_within_the_horizon() -> None:
    one = outcome(0, 100, failed_at=90)
    found = label([window(end) for end in (0, 20, 30, 60, 90, 91, 100)], [one], horizon=60)
    assert [(int(each.window.end / SECOND), each.failing, each.lead) for each in found] == [
        (20, False, 70.0), (30, True, 60.0), (60, True, 30.0), (90, True, 0.0),
    ]  # fmt: skip


def test_windows_of_other_sources_of_other_times_and_of_other_steps_are_left_aside() -> None:
    some = [window(20), window(30), window(50, "db"), window(500), window(40, step=5 * SECOND)]
    found = label(some, [outcome(0, 100), replace(outcome(0, 100), source="cache")], horizon=60)
    assert [each.window.end // SECOND for each in found] == [20, 30]
    assert not any(each.failing for each in found)
