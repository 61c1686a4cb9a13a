"""Points become closed steps, whatever the batches."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logwatch.samples import Points
from logwatch.score.series.closed_steps import ClosedSteps, Scores, StepGatherer

Row = tuple[int, int, int]
"""Source, slot, time."""


def scores(rows: list[Row], first: int = 0) -> Scores:
    """Points in steps of one second; the n-th says n % 7 and stands at position n."""
    source, slot, time = np.array(rows, np.int64).reshape(-1, 3).T
    at = np.arange(first, first + len(rows))
    said = (at % 7).astype(np.float32)
    points = Points(
        source.astype(np.int32), source.astype(np.int32), slot.astype(np.int32), time,
        np.ones(len(rows), np.int64), at.astype(np.float64), at, at + 1,
    )  # fmt: skip
    return Scores(points, said[:, None], said, (at - 1).astype(np.float64), (at + 1).astype(np.float64))


def told(steps: ClosedSteps) -> list[list[int]]:
    """Positions of the points of each step."""
    at = steps.scores.points.start.tolist()
    return [at[begin:end] for begin, end in zip(steps.begin.tolist(), steps.end.tolist(), strict=True)]


def gathered(rows: list[Row], splits: list[int], restart: bool = False) -> list[list[int]]:
    steps, at, turn, saved = StepGatherer(), 0, 0, dict[str, bytes]()
    out = []
    while at < len(rows):
        size = splits[turn % len(splits)]
        out += told(steps.add(scores(rows[at : at + size], at)))
        if restart:
            saved |= {name: cell for name, cell in steps.changes() if cell is not None}
            steps = StepGatherer()
            steps.restore(saved)
        at, turn = at + size, turn + 1
    return out


def test_a_step_is_closed_once_it_has_as_many_points_as_the_one_before() -> None:
    rows = [(0, 0, 10), (0, 1, 10), (0, 0, 20), (0, 1, 20), (0, 0, 30)]
    assert gathered(rows, [9]) == [[0, 1], [2, 3]]


def test_a_series_that_is_gone_closes_the_step_late_once() -> None:
    rows = [(0, 0, 10), (0, 1, 10), (0, 0, 20), (0, 0, 30), (0, 0, 40)]
    assert gathered(rows, [9]) == [[0, 1], [2], [3], [4]]


def test_a_new_series_is_a_step_of_its_own_and_belongs_to_the_next() -> None:
    rows = [(0, 0, 10), (0, 0, 20), (0, 1, 20), (0, 0, 30), (0, 1, 30)]
    assert gathered(rows, [9]) == [[0], [1], [2], [3, 4]]


def test_a_belated_point_is_a_step_of_its_own() -> None:
    rows = [(0, 0, 10), (0, 0, 20), (0, 1, 10), (0, 0, 30)]
    assert gathered(rows, [9]) == [[0], [1], [2], [3]]


def test_a_watermark_closes_what_it_has_passed() -> None:
    steps = StepGatherer()
    assert told(steps.add(scores([(0, 0, 10), (1, 5, 10)]))) == []
    assert told(steps.close(np.array([0]), np.array([9]))) == []
    assert told(steps.close(np.array([0]), np.array([10]))) == [[0]]
    assert told(steps.close(np.array([0, 1]), np.array([90, 90]))) == [[1]]


def test_the_top_of_a_step_is_the_point_that_says_most() -> None:
    given_ = scores([(0, 0, 10), (0, 1, 10), (0, 2, 10), (0, 0, 20)])
    given_.together[:] = [1.0, 5.0, 5.0, np.nan]
    steps = StepGatherer().add(given_)
    assert steps.scores.points.slot[steps.top()].tolist() == [1]


_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(1, 6)), max_size=40)


@given(rows=_rows, splits=st.lists(st.integers(1, 9), min_size=1, max_size=4), restart=st.booleans())
def test_batches_and_restarts_change_nothing(rows: list[Any], splits: list[int], restart: bool) -> None:
    assert gathered(rows, splits, restart) == gathered(rows, [100])


@given(rows=_rows)
def test_every_point_is_in_one_step(rows: list[Any]) -> None:
    steps = StepGatherer()
    out = told(steps.add(scores(rows))) + told(steps.close(np.array([0, 1]), np.array([99, 99])))
    assert sorted(at for step in out for at in step) == list(range(len(rows)))


def test_scores_come_back_from_their_arrays() -> None:
    one = scores([(0, 0, 10), (0, 1, 10)])
    back = Scores.of(one.arrays())
    for field in fields(Points):
        assert (getattr(one.points, field.name) == getattr(back.points, field.name)).all()
    assert (one.nats == back.nats).all()
