"""Maxima over time: bounded, and the same however they came."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logwatch.backtest.news import VisitNews
from logwatch.backtest.timeline import SECOND, Timeline

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 300), st.floats(0, 9, width=32)), min_size=1, max_size=80)


def filled(rows: list[tuple[int, int, float]], cuts: int, most: int = 400_000) -> Timeline:
    line = Timeline(1, most)
    for part in np.array_split(np.arange(len(rows)), cuts):
        some = [rows[row] for row in part.tolist()]
        source = np.array([row[0] for row in some], np.int64)
        time = np.array([row[1] * SECOND for row in some], np.int64)
        said = np.array([[row[2]] for row in some], np.float32).reshape(-1, 1)
        line.add(source, time, said, np.ones((len(some), 3), np.int64))
    line.settle()
    return line


@given(ROWS, st.integers(1, 7))
def test_batches_do_not_matter(rows: list[tuple[int, int, float]], cuts: int) -> None:
    one, other = filled(rows, 1), filled(rows, cuts)
    assert one.time.tolist() == other.time.tolist()
    assert one.values.tolist() == other.values.tolist()
    assert one.counts.tolist() == other.counts.tolist()


@given(ROWS, st.integers(1, 7))
def test_memory_is_bounded_and_no_maximum_is_lost(rows: list[tuple[int, int, float]], cuts: int) -> None:
    line = filled(rows, cuts, most=20)
    assert len(line.time) <= 40
    assert line.counts[:, 0].sum() == len(rows)
    for source in {row[0] for row in rows}:
        assert line.values[line.source == source].max() == max(row[2] for row in rows if row[0] == source)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=40))
def test_only_what_is_above_all_before_in_the_same_visit_is_news(units: list[tuple[int, int, int]]) -> None:
    # A key's visits follow each other: a new one begins at a later position.
    units = sorted(units, key=lambda unit: unit[1])
    running: dict[tuple[int, int], int] = {}
    values, expected = [], []
    for slot, start, value in units:
        before = running.get((slot, start))
        now = value if before is None else max(before, value)
        expected.append(now if before is None or now > before else None)
        running[slot, start] = now
        values.append(now)
    news, found = VisitNews(1), []
    for part in np.array_split(np.arange(len(units)), 3):
        if len(part):
            told = news.of(
                np.array([units[row][0] for row in part], np.int32),
                np.array([units[row][1] for row in part], np.int64),
                np.array([[values[row]] for row in part], np.float32),
            )
            found += [None if np.isnan(value) else int(value) for value in told[:, 0]]
    assert found == expected
