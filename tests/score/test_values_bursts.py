"""`values`: odd values of a field that come together, and fields whose odd values always do."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.values import ValuesOdd
from logwatch.score.detectors.values_bursts import ODD, WINDOW, Bursts
from logwatch.types import NO_TIME, EventBatch, Float32, Float64

KEYS = np.array([11, 12], np.uint64)
EACH = 50
"""Values of a field in a window."""
FAR = ODD + 2.0


class Windows:
    """Feeds windows of values of two fields; a chunk ends after each."""

    def __init__(self) -> None:
        self.bursts, self.number = Bursts(1024), 0

    def __call__(self, odd: int, field: int = 0, nats: float = FAR, parts: int = 1) -> Float64:
        """Nats of a window of values, of which the last ones are so odd."""
        said = np.where(np.arange(EACH) < EACH - odd, 1.0, nats)
        of, at = np.full(EACH, field), np.full(EACH, self.number * WINDOW) + np.arange(EACH)
        cuts = np.array_split(np.arange(EACH), parts)
        out = np.concatenate([self.bursts.look(KEYS, of[cut], said[cut], at[cut]) for cut in cuts])
        self.number += 1
        self.bursts.learn(self.number)
        return out


def steady(odd_each: int = 0, every: int = 1) -> Windows:
    windows = Windows()
    for number in range(60):
        windows(odd_each if number % every == 0 else 0)
    return windows


def test_several_odd_values_within_seconds_are_worth_more_than_each() -> None:
    nats = steady()(6)
    assert np.isnan(nats[: EACH - 5]).all()  # the first odd one is not together with another
    assert (np.diff(nats[-5:]) > 0).all()
    assert nats[-1] > FAR


def test_a_field_whose_odd_values_come_in_bursts_is_used_to_it() -> None:
    assert np.nanmax(steady(6, every=4)(6)) < 2
    assert np.nanmax(steady(6, every=4)(6, field=0)) < np.nanmax(steady()(6))


def test_usual_values_do_not_dilute_what_the_odd_ones_say_by_much() -> None:
    few, many = steady(), steady()
    many.bursts.look(KEYS, np.zeros(5 * EACH, int), np.ones(5 * EACH), np.full(5 * EACH, 60 * WINDOW))
    one, other = few(6)[-1], many(6)[-1]
    assert 0.5 * one < other < one


def test_nothing_is_said_of_fields_that_are_new_or_without_time() -> None:
    windows = steady()
    assert np.isnan(windows(6, field=1)).all()
    still = np.full(6, NO_TIME)
    assert np.isnan(windows.bursts.look(KEYS, np.zeros(6, int), np.full(6, FAR), still)).all()


@pytest.mark.parametrize("parts", [2, 7, EACH])
def test_cuts_change_nothing(parts: int) -> None:
    np.testing.assert_array_equal(steady(1)(6, parts=parts), steady(1)(6))


def test_a_restart_within_a_window_changes_nothing() -> None:
    plain, stopped = steady(1), steady(1)
    for windows in (plain, stopped):
        windows.bursts.look(KEYS, np.zeros(3, int), np.full(3, FAR), np.full(3, 60 * WINDOW))
    cells = {name: cell for name, cell in stopped.bursts.changes("burst/") if cell is not None}
    stopped.bursts = Bursts(1024)
    stopped.bursts.restore("burst/", cells)
    for odd in (2, 0, 6):
        np.testing.assert_array_equal(stopped(odd), plain(odd))


def lines(first: int, texts: list[str]) -> EventBatch:
    """Ten lines a second."""
    n = len(texts)
    zero, number = np.zeros(n, np.int32), np.arange(first, first + n, dtype=np.int64)
    time = 160_000_000 * WINDOW + number * 10**8
    return EventBatch(
        first, zero, zero, zero, time, time, np.zeros(n, np.int8), zero, number, number + 1, np.zeros(n, np.uint8),
        [None] * n, texts, None,
    )  # fmt: skip


def score(texts: list[str]) -> Float32:
    """Nats of the last lines, after 4,000 with status 200."""
    detector = ValuesOdd(ValuesConfig())
    for chunk in range(4):
        batch = lines(chunk * 1000, ["GET status=200"] * 1000)
        detector.learn(batch, detector.score(batch))
    return detector.score(lines(4000, texts))


def test_a_burst_of_a_status_is_worth_more_than_one() -> None:
    alone, burst = score(["GET status=503"]), score(["GET status=503", "GET status=200"] * 6)
    assert burst[0] == alone[0] > 0
    assert burst[10] > alone[0] + 2
    assert burst[11] == 0  # the line beside says nothing
