"""Anomalies that last: which alarms are right, which anomalies are found, and what an alarm without end is worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.backtest.episodes import LONGEST, QUIET, episodes
from logwatch.backtest.stretches import SLACK, Stretches

SECOND = 10**9
HOUR = 3600 * SECOND


def array(*values: float) -> np.ndarray:
    return np.array([int(value) for value in values], np.int64)


def stretches(*times: tuple[int, int], until: int = 10 * HOUR) -> Stretches:
    start, end = (array(*(time[side] for time in times)) for side in (0, 1))
    return Stretches(np.zeros(len(times), np.int64), start, end, array(0), array(until))


def test_crossings_within_the_quiet_time_are_one_episode() -> None:
    found = episodes(array(0, 0, 0, 1), array(0, QUIET, 2 * QUIET + 1, 5))
    assert found.begin.tolist() == [0, 2 * QUIET + 1, 5]
    assert found.source.tolist() == [0, 0, 1]


def test_what_goes_on_for_longer_counts_anew() -> None:
    times = np.arange(0, 3 * LONGEST, QUIET)
    assert len(episodes(np.zeros(len(times), np.int64), times)) == 3


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10_000)), max_size=60), st.randoms())
def test_episodes_do_not_depend_on_the_order_and_hold_every_crossing(
    crossings: list[tuple[int, int]], random: object
) -> None:
    mixed = list(crossings)
    random.shuffle(mixed)
    one, other = (
        episodes(array(*(s for s, _ in some)), array(*(t * SECOND for _, t in some))) for some in (crossings, mixed)
    )
    assert all(a.tolist() == b.tolist() for a, b in zip(one, other, strict=True))
    for source, time in crossings:
        inside = (one.source == source) & (one.begin <= time * SECOND) & (one.end >= time * SECOND)
        assert inside.sum() == 1


def test_an_alarm_is_right_within_an_anomaly_and_a_minute_after_it() -> None:
    one = stretches((HOUR, 2 * HOUR))
    begin = array(HOUR - 1, HOUR, 2 * HOUR + SLACK - 1, 2 * HOUR + SLACK)
    assert one.touched(np.zeros(4, np.int64), begin, begin).tolist() == [False, True, True, False]


def test_an_alarm_that_began_before_an_anomaly_and_reaches_into_it_is_right() -> None:
    assert stretches((HOUR, 2 * HOUR)).touched(array(0), array(0), array(HOUR)).tolist() == [True]


def test_another_source_finds_nothing() -> None:
    source = np.zeros(1, np.int64)
    one = Stretches(source, array(HOUR), array(2 * HOUR), array(0, 0), array(5 * HOUR, 5 * HOUR))
    assert one.touched(array(1), array(HOUR), array(HOUR)).tolist() == [False]
    assert np.isnan(one.first(array(1), array(HOUR))).all()


def test_a_long_anomaly_that_holds_a_short_one_is_not_forgotten() -> None:
    one = stretches((0, 5 * HOUR), (HOUR, HOUR + SECOND))
    assert one.touched(array(0), array(4 * HOUR), array(4 * HOUR)).tolist() == [True]


def test_delay_is_from_the_beginning_to_the_first_crossing_in_it() -> None:
    late = stretches((HOUR, 2 * HOUR), (3 * HOUR, 4 * HOUR)).first(array(0, 0), array(HOUR + 7 * SECOND, 90 * SECOND))
    assert late[0] == 7.0
    assert np.isnan(late[1])


def test_an_alarm_without_end_is_right_no_more_often_than_anomalies_last() -> None:
    one = stretches((HOUR, 2 * HOUR))
    always = np.arange(0, 10 * HOUR, 10 * SECOND)
    counts, _ = one.counts(np.zeros(len(always), np.int64), always)
    assert counts.right.sum() / counts.told.sum() == pytest.approx(0.1, abs=0.01)


def test_lower_thresholds_never_find_less() -> None:
    rng = np.random.default_rng(0)
    time = np.sort(rng.integers(0, 10 * HOUR, 3000))
    said = rng.random(3000).astype(np.float32)
    sweep = stretches((HOUR, HOUR + SECOND), (5 * HOUR, 6 * HOUR)).sweep(np.zeros(3000, np.int64), time, said)
    found = sweep.found.sum(axis=1)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 2
