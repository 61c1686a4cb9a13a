"""The score of each source by minute: what is kept, and in which pieces it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.web.score_lines import MINUTES, MOST_SOURCES, ScoreLines

MINUTE = 60 * 10**9


def kept(names: list[str], rows: list[tuple[int, int, float]]) -> ScoreLines:
    """Lines of (source, minute, score)."""
    lines = ScoreLines()
    source, minute, score = (np.array(column) for column in zip(*rows, strict=True))
    lines.lane(names).add(source.astype(np.int32), minute.astype(np.int64) * MINUTE, score.astype(np.float64))
    return lines


def test_a_minute_has_the_highest_score_and_how_much_was_judged() -> None:
    lines = kept(["a", "b"], [(0, 7, 1.0), (0, 7, 3.0), (1, 7, 9.0), (0, 8, 2.0), (0, 8, float("nan"))])
    assert lines.lines(["a"])["a"].points() == [(420, 3.0, 2), (480, 2.0, 1)]
    assert lines.lines(["b", "nobody"]).keys() == {"b"}


def test_the_last_four_hours_are_kept_by_time_whatever_comes_late() -> None:
    rows = [(0, minute, float(minute)) for minute in range(MINUTES + 10)] + [(0, 3, 30.0), (0, MINUTES, 1.0)]
    points = kept(["a"], rows).lines(["a"])["a"].points()
    assert [time // 60 for time, _, _ in points] == list(range(10, MINUTES + 10))
    assert points[MINUTES - 10] == (MINUTES * 60, float(MINUTES), 2)


def test_what_is_asked_for_does_not_change_when_more_comes() -> None:
    lines = ScoreLines()
    lane = lines.lane(["a"])
    lane.add(np.zeros(1, np.int32), np.array([MINUTE]), np.array([2.0]))
    before = lines.lines(["a"])["a"]
    lane.add(np.zeros(1, np.int32), np.array([MINUTE]), np.array([5.0]))
    assert before.points() == [(60, 2.0, 1)]
    assert lines.lines(["a"])["a"].points() == [(60, 5.0, 2)]


def test_a_source_that_is_not_judged_yet_has_no_points() -> None:
    lines = ScoreLines()
    lines.row("a")
    assert lines.lines(["a"])["a"].points() == []


def test_all_sources_come_a_few_at_a_time_by_name() -> None:
    names = ["d", "a", "c", "b", "e"]
    lines = kept(names, [(at, 1, 1.0) for at in range(5)])
    found, after = [], ""
    while page := lines.names(after, 2):
        found += page
        after = page[-1]
    assert found == sorted(names)


def test_sources_beyond_the_most_have_no_line() -> None:
    count = MOST_SOURCES + 2
    lines = kept([f"s{at}" for at in range(count)], [(at, 1, float(at % 7)) for at in range(count)])
    assert lines.lines([f"s{MOST_SOURCES - 1}"])[f"s{MOST_SOURCES - 1}"].points() == [
        (60, pytest.approx((MOST_SOURCES - 1) % 7), 1)
    ]
    assert lines.lines([f"s{MOST_SOURCES}"]) == {}
