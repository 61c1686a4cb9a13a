"""What is news about a series, and what only repeats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.news import AGAIN, BLOCK, BLOCKS, LEVELS, News


def news_of(nats: list[float], values: NDArray[np.float64] | None = None, distance: float = 1.0) -> list[float]:
    """News of one series; values differ widely unless given."""
    table = KeyTable(News.FIELDS, 1)
    table.assign(np.zeros(1, np.int32), np.zeros(1, np.int32), [None])
    news = News(table)
    shown = np.arange(len(nats)) * 100.0 if values is None else values
    slot, found = np.zeros(1, np.int32), []
    for at, rows in enumerate(zip(nats, shown.tolist(), strict=True)):
        nat, value, apart = (np.array([x], np.float32) for x in (*rows, distance))
        found.append(float(news.of(slot, nat, value, apart, np.array([at]))[0]))
    return found


def test_only_a_surprise_above_the_recent_ones_is_news() -> None:
    assert news_of([1.0, 3.0, 2.0, 3.0, 4.0]) == [1.0, 3.0, 0.0, 0.0, 4.0]


def test_a_surprise_is_news_again_after_the_recent_maximum_has_passed() -> None:
    for gap, again in ((BLOCK * (BLOCKS - 1) - 1, False), (BLOCK * BLOCKS, True)):
        assert (news_of([3.0] + [0.0] * gap + [2.0])[-1] > 0) == again


def test_a_level_that_was_news_before_is_less_so() -> None:
    apart = [0.0] * (BLOCK * BLOCKS)
    nats = [10.0, *apart, 10.0, *apart, 10.0]
    values = np.array([500.0, *apart, 500.05, *apart, 501.0])
    found = news_of(nats, values)
    assert found[0] == 10.0
    assert found[len(apart) + 1] == np.float32(AGAIN) * np.float32(10.0)
    assert found[-1] == 10.0  # a tenth of the distance is the limit


def test_a_small_surprise_leaves_no_known_level() -> None:
    apart = [0.0] * (BLOCK * BLOCKS)
    assert news_of([3.0, *apart, 10.0], np.array([500.0, *apart, 500.0]))[-1] == 10.0


def test_the_oldest_known_level_is_forgotten_first() -> None:
    apart = [0.0] * (BLOCK * BLOCKS)
    levels = [100.0 * (k + 1) for k in range(LEVELS + 1)]
    nats = [x for _ in levels for x in (10.0, *apart)]
    values = [x for level in levels for x in (level, *apart)]
    second = news_of([*nats, 10.0], np.array([*values, levels[1]]))[-1]
    first = news_of([*nats, 10.0], np.array([*values, levels[0]]))[-1]
    assert second < first == 10.0


def test_a_missing_value_is_news_and_no_level() -> None:
    assert news_of([10.0, 11.0], np.array([np.nan, np.nan])) == [10.0, 11.0]
