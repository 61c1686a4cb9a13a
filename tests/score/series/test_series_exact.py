"""Points do not depend on batches, nor on interruptions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.samples import Points
from logwatch.score.series import interval, rates, resample, table
from logwatch.score.series.news import News
from logwatch.score.series.series import Series
from tests.score.series.simulated_series import SECOND, Stored, Stream, a_series, joined, same, wild

ROWS = 240


@pytest.fixture(autouse=True, scope="module")
def _soon() -> object:
    """What takes long otherwise happens often here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interval, "RELEARN", 5)
        patch.setattr(rates, "STEADY", 9)
        patch.setattr(resample, "MISSING", 6)
        patch.setattr(table, "NEW_PER_MINUTE", 2)
        patch.setattr(table, "LEARNING", 1)
        yield


class Run:
    """A stream through series whose chunks end at fixed rows, with ticks at fixed rows."""

    def __init__(self, stream: Stream, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.stream = stream
        self.chunks = set(rng.integers(1, ROWS, 3).tolist())
        self.ticks = set(rng.integers(1, ROWS, 4).tolist())
        self.spilled = Stored()
        self.fresh = lambda: a_series(most=7, capacity=9, fetch=self.spilled.get, ttl=1800 * SECOND)

    def points(self, splits: set[int], kills: set[int]) -> tuple[Points, News]:
        """All points, given in parts that end before `splits`, and restored before `kills`."""
        series, parts, told = self.fresh(), [], []
        kept: tuple[Stored, ...] = Stored(), Stored()
        ends = sorted({0, *splits, *kills, *self.chunks, *self.ticks, ROWS})
        for a, b in pairwise(ends):
            if a in kills:
                self._save(series, kept)
                series = self.fresh()
                series.table.restore(kept[0])
                series.restore(kept[1])
            if a in self.chunks:
                series.evict(series.leaving())
            if a in self.ticks:
                marks = np.array([series.watermark(0), series.watermark(1)])
                parts.append(series.close(np.arange(2, dtype=np.int32), np.where(marks > 0, marks + 77 * SECOND, 0)))
                told.append(series.news())
            parts.append(series.points(*self.stream.part(a, b)))
            told.append(series.news())
        return joined(parts), joined(told, News)

    def _save(self, series: Series, kept: tuple[Stored, ...]) -> None:
        kept[0].write(series.table.changes())
        kept[1].write(series.changes())
        self.spilled.write(series.table.spilled.changes())


rows = st.sets(st.integers(1, ROWS - 1), max_size=12)


@settings(max_examples=12)
@given(st.integers(0, 2**32), rows, rows)
def test_any_split_and_any_restart_give_the_same_points_and_news(seed: int, splits: set[int], kills: set[int]) -> None:
    stream = wild(seed, ROWS)
    points, news = Run(stream, seed).points(set(range(ROWS)), set())
    others = Run(stream, seed).points(splits, kills)
    same(news, others[1])
    same(points, others[0])


def test_the_streams_of_these_tests_have_everything() -> None:
    kinds: set[int] = set()
    for seed in range(6):
        points, news = Run(wild(seed, ROWS), seed).points(set(), set())
        assert len(points) > 100
        assert np.isnan(points.value).any()
        kinds |= set(news.kind.tolist())
    assert kinds == {0, 1, 2, 3, 4}
