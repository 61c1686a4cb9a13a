"""The grid of a series: its step, its means, what is missing, late, or gone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.series.interval import LEARN, RELEARN, step_of
from logwatch.score.series.news import NewsKind
from logwatch.score.series.rates import HUGE
from logwatch.score.series.resample import MISSING
from logwatch.score.series.rounds import Rounds, steps
from logwatch.telemetry import DROPPED_SAMPLES, MARKED_SAMPLES
from logwatch.types import NO_TIME
from tests.score.series.simulated_series import DAY, SECOND, START, a_series, records, regular, run, same, wild

NO_SOURCE = np.zeros(1, np.int32)


def seconds(points: object) -> list[float]:
    return ((points.time - START) / SECOND).tolist()


def dropped(reason: str) -> float:
    return DROPPED_SAMPLES.value(reason=reason)


def kinds(series: object) -> list[NewsKind]:
    return [kind for kind, _ in series.news().rows()]


def test_values_on_a_regular_grid_come_out_as_they_are() -> None:
    values = np.arange(30.0) ** 2
    points = run(a_series(), regular(values))
    assert points.value.tolist() == values[:-1].tolist()
    assert seconds(points) == [10.0 * (i + 1) for i in range(29)]
    assert set(points.step.tolist()) == {10 * SECOND}


def test_a_point_is_placed_at_the_record_that_completed_it() -> None:
    points = run(a_series(), regular(range(12)))
    assert points.start[: LEARN - 1].tolist() == [(LEARN - 1) * 10] * (LEARN - 1)  # the step was learned there
    assert points.start[LEARN - 1 :].tolist() == [i * 10 for i in range(LEARN, 12)]
    assert (points.end == points.start + 9).all()


@pytest.mark.parametrize(
    ("interval", "step"),
    [
        (0.01, 1.0), (0.1, 0.1), (0.21, 0.2), (0.5, 0.5), (0.7, 1.0),
        (1.02, 1.0), (9.8, 10.0), (10.4, 10.0), (14.9, 15.0), (7.0, 7.0), (25.2, 25.0), (300.0, 300.0),
        (3601.0, 3600.0), (86_400.0, 86_400.0), (7 * 86_400.0, 7 * 86_400.0), (137.3, 137.0),
    ],
)  # fmt: skip
def test_the_step_is_a_usual_one_or_whole_seconds(interval: float, step: float) -> None:
    times = START + (np.arange(LEARN) * interval * SECOND).astype(np.int64)
    assert step_of(times[None]).tolist() == [step * SECOND]


def test_what_comes_when_something_happens_has_steps_of_a_second() -> None:
    times = START + np.cumsum(np.array([0.0, 0.5, 0.1, 0.9, 0.5, 0.3, 0.6, 0.5]) * SECOND).astype(np.int64)
    assert step_of(times[None]).tolist() == [SECOND]


def test_one_late_sample_of_a_quick_series_does_not_change_its_step() -> None:
    times = START + (np.array([0, 0.5, 1.0, 1.9, 2.0, 2.5, 3.0, 3.5]) * SECOND).astype(np.int64)
    assert step_of(times[None]).tolist() == [SECOND // 2]


def test_some_irregular_samples_do_not_change_the_step() -> None:
    times = START + np.array([0, 10, 20, 20.5, 80, 90, 100, 110]) * SECOND
    assert step_of(times.astype(np.int64)[None]).tolist() == [10 * SECOND]


def test_several_samples_of_a_step_become_their_mean() -> None:
    at = [(10.0 * i, 1.0) for i in range(1, 11)] + [(103.0, 3.0), (107.0, 8.0), (110.0, 1.0), (111.0, 0.0)]
    points = run(a_series(), records([("a", time, value) for time, value in at]))
    assert points.value.tolist() == [1.0] * 10 + [4.0]


def test_late_samples_count_within_the_open_step_and_are_dropped_after_it() -> None:
    at = [(10.0 * i, 0.0) for i in range(1, 11)] + [(109.0, 2.0), (102.0, 4.0), (98.0, 100.0), (120.0, 0.0)]
    before = dropped("late")
    points = run(a_series(), records([("a", time, value) for time, value in at]))
    assert points.value.tolist() == [0.0] * 10 + [3.0]
    assert dropped("late") - before == 1


def test_steps_without_samples_are_points_without_a_value() -> None:
    at = [*range(1, 12), 15, 16]
    points = run(a_series(), records([("a", 10.0 * i, float(i)) for i in at]))
    assert np.flatnonzero(np.isnan(points.value)).tolist() == [11, 12, 13]
    assert seconds(points) == [10.0 * i for i in range(1, 16)]


def test_jitter_around_the_end_of_a_step_leaves_no_holes() -> None:
    rng = np.random.default_rng(0)
    at = [("a", 10.0 * i + float(rng.uniform(-0.4, 0.4)), 5.0) for i in range(1, 200)]
    points = run(a_series(), records(at))
    assert (points.value == 5.0).all()


def test_a_silent_series_is_missing_while_its_source_goes_on() -> None:
    samples = [(name, 10.0 * i, 1.0) for i in range(1, 31) for name in ("a", "b") if name == "a" or i <= 20]
    series = a_series()
    points = run(series, records(samples))
    b = points.slot == 1
    assert np.isnan(points.value[b][20:]).all()
    assert seconds(points.take(np.flatnonzero(b)))[-1] == 290.0  # the watermark is 5 s behind


def test_a_series_vanishes_once_and_its_return_is_news() -> None:
    at = [*range(1, 21), *range(200, 211)]
    series = a_series()
    points = run(series, records([("b", 10.0 * i, 1.0) for i in range(1, 190)] + [("a", 10.0 * i, 1.0) for i in at]))
    assert kinds(series) == [NewsKind.VANISHED, NewsKind.RETURNED]
    a = points.slot == 1
    assert np.count_nonzero(np.isnan(points.value[a])) == MISSING
    assert seconds(points.take(np.flatnonzero(a)))[20 + MISSING] == 2000.0


def test_the_watermark_alone_completes_points_and_tells_of_what_vanished() -> None:
    series = a_series()
    run(series, regular(range(20)))
    assert kinds(series) == []
    mark = START + DAY
    points = series.close(NO_SOURCE, np.array([mark]))
    assert points.value[0] == 19.0
    assert np.isnan(points.value[1:]).all()
    assert len(points) == 1 + MISSING
    assert set(points.start.tolist()) == {190}  # where the source's last record stands
    assert kinds(series) == [NewsKind.VANISHED]
    assert not len(series.close(NO_SOURCE, np.array([mark + DAY])))


def test_series_one_after_the_other_in_a_file_are_not_late() -> None:
    samples = [(name, 60.0 * i, float(i)) for name in "abc" for i in range(1, 101)]
    before = dropped("late")
    points = run(a_series(), records(samples))
    assert dropped("late") == before
    for slot in range(3):
        assert points.value[points.slot == slot].tolist() == [float(i) for i in range(1, 100)]


def test_a_series_that_always_comes_in_belated_portions_is_waited_for() -> None:
    samples: list[tuple[str, float, float]] = []
    for portion in range(1, 30):
        samples += [("live", portion * 300.0 + i * 10, 0.0) for i in range(30)]
        samples += [("late", portion * 300.0 + i * 10, 7.0) for i in range(30)]  # 5 min behind
    before = dropped("late")
    series = a_series()
    points = run(series, records(samples))
    assert dropped("late") == before
    late = points.value[points.slot == 1]
    assert (late[~np.isnan(late)] == 7.0).all()
    assert np.count_nonzero(np.isnan(late)) == 0


@pytest.mark.parametrize(("old", "new"), [(10.0, 60.0), (60.0, 10.0), (300.0, 30.0)])
def test_a_series_whose_interval_changes_for_good_learns_its_step_anew(old: float, new: float) -> None:
    times = [old * i for i in range(1, 51)]
    times += [times[-1] + new * i for i in range(1, RELEARN + 50)]
    points = run(a_series(), records([("a", time, 1.0) for time in times]))
    assert points.step[0] == old * SECOND
    assert points.step[-1] == new * SECOND
    assert (np.diff(points.time) > 0).all()
    assert len(np.unique(points.step)) == 2


def test_what_is_not_finite_or_has_no_time_is_dropped_and_counted() -> None:
    stream = regular([1.0, np.nan, np.inf, -np.inf, *[1.0] * 20])
    stream.time[6] = NO_TIME
    counts = [dropped(reason) for reason in ("not_finite", "no_time")]
    points = run(a_series(), stream)
    assert [dropped("not_finite") - counts[0], dropped("no_time") - counts[1]] == [3, 1]
    assert set(points.value[~np.isnan(points.value)].tolist()) == {1.0}


def test_huge_values_are_cut_so_that_their_squares_stay_finite() -> None:
    before = MARKED_SAMPLES.value(mark="huge")
    points = run(a_series(), regular([1e308, -1e308] * 10))
    assert set(points.value.tolist()) == {HUGE, -HUGE}
    assert MARKED_SAMPLES.value(mark="huge") - before == 20
    assert np.isfinite(points.value.astype(np.float32) ** 2).all()


def test_no_samples_are_no_points() -> None:
    series = a_series()
    stream = regular(range(3))
    assert len(series.points(*stream.part(0, 0))) == 0
    assert len(series.close(np.zeros(0, np.int32), np.zeros(0, np.int64))) == 0
    assert len(series.news()) == 0


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_rounds_have_each_slot_once_and_its_points_in_order(seed: int) -> None:
    points = run(a_series(), wild(seed, 60))
    rounds = Rounds(points.slot)
    seen: dict[int, int] = {}
    for places, width in rounds:
        rows = rounds.order[places]
        assert points.slot[rows].tolist() == rounds.slots[:width].tolist()
        for slot, time in zip(points.slot[rows].tolist(), points.time[rows].tolist(), strict=True):
            assert seen.get(slot, 0) < time
            seen[slot] = time
    assert sorted(rounds.order.tolist()) == list(range(len(points)))
    assert rounds.back(points.time[rounds.order]).tolist() == points.time.tolist()


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_steps_hold_every_point_once_by_source_and_end(seed: int) -> None:
    points = run(a_series(), wild(seed, 60))
    rows = []
    for step in steps(points):
        assert (points.time[step.rows] == step.time).all()
        assert (points.source[step.rows] == step.source).all()
        assert len(np.unique(points.slot[step.rows])) == len(step.rows)
        rows += step.rows.tolist()
    assert sorted(rows) == list(range(len(points)))


def test_long_parts_equal_single_records() -> None:
    """With the real constants: `test_series_exact` has its own."""
    stream = wild(3, 700)
    same(run(a_series(), stream), run(a_series(), stream, range(700)))
