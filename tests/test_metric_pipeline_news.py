"""What is noticed of series beside their values: said once, counted, and what turns into something else begins anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from logwatch.app.session import Session
from logwatch.score.series.news import NewsKind
from logwatch.score.series.rates import STEADY
from logwatch.telemetry import SERIES_NEWS
from tests.metric_runs import METRICS, START, Line, Run, sizes_of, stamp

HEADER: Line = (METRICS, b"time,name,labels,value")


def _line(step: int, name: str, value: float) -> Line:
    return METRICS, f"{stamp(10 * step + 2)},{name},,{value}".encode()


@pytest.fixture
def counted() -> Callable[[], dict[str, float]]:
    """How often each kind of news came about."""
    kinds = [kind.name.lower() for kind in NewsKind]
    before = {kind: SERIES_NEWS.value(news=kind) for kind in kinds}
    return lambda: {kind: n for kind in kinds if (n := SERIES_NEWS.value(news=kind) - before[kind])}


class Points(Run):
    """Notes how many points the detectors of a series have learned."""

    learned: dict[str, int]

    def inspect(self, session: Session) -> None:
        metrics = session.pipeline.stages.metrics
        points = metrics.table.view("series_points")
        self.learned = {str(metrics.series.name(slot)): int(points[slot, 0]) for slot in metrics.table.in_use()}


def _counter(steps: int) -> list[Line]:
    """A count that no format and no name tells to be one, beside a gauge."""
    rng, total, lines = random.Random(0), 0, [HEADER]
    for step in range(steps):
        total += rng.randint(90, 110)
        lines += [_line(step, "served", total), _line(step, "load", rng.randint(1, 9))]
    return lines


def test_what_was_learned_of_a_series_begins_anew_when_it_turns_out_to_be_a_counter(
    tmp_path: Path, counted: Callable[[], dict[str, float]]
) -> None:
    lines = _counter(STEADY + 300)
    run = Points(tmp_path)
    with capture_logs() as said:
        run.feed(lines, repeat(500))
    assert run.learned["load"] > STEADY
    assert 290 <= run.learned["served"] <= 300
    assert counted() == {"turned": 1}
    (line,) = [one for one in said if "turned out" in one["event"]]
    assert (line["source"], line["series"], line["count"]) == ("app", "served", 1)
    turned = (START + 10 * (STEADY - 1)) * 10**9
    assert not any(alert.last >= turned for alert in run.alerts)  # its rate is no shift of its level


def test_where_a_batch_ends_does_not_move_the_turn(tmp_path: Path) -> None:
    lines = _counter(STEADY + 60)
    whole, parts = Points(tmp_path / "whole"), Points(tmp_path / "parts")
    whole.feed(lines, repeat(10**6))
    turn = 2 * STEADY - 12
    parts.feed(lines, repeat(700), stop=turn)
    for stop in range(turn + 1, turn + 24):  # one by one, and interrupted, around it
        parts.feed(lines, repeat(1), stop=stop)
    parts.feed(lines, sizes_of(1, 100))
    np.testing.assert_array_equal(np.concatenate(parts.said), np.concatenate(whole.said))
    assert parts.points == whole.points
    assert parts.learned == whole.learned


def test_a_series_that_vanishes_and_comes_back_is_said_once_each(
    tmp_path: Path, counted: Callable[[], dict[str, float]]
) -> None:
    lines = [HEADER]
    for step in range(400):
        lines.append(_line(step, "load", step % 7))
        lines += [_line(step, "gone", step % 5)] if not 100 <= step < 300 else []
    with capture_logs() as said:
        Run(tmp_path).feed(lines, repeat(50))
    told = [(one["event"].split(":")[0], one["series"]) for one in said if "series" in one]
    assert told == [("series vanished", "gone"), ("series are back", "gone")]
    assert counted() == {"vanished": 1, "returned": 1}


def test_refused_series_are_said_once_with_the_reason(tmp_path: Path, counted: Callable[[], dict[str, float]]) -> None:
    rng = random.Random(1)
    lines = [HEADER, *(_line(step, f"m{rng.randint(0, 50)}", 1.0) for step in range(300))]
    with capture_logs() as said:
        Run(tmp_path, max_series=("--max-series", "5")).feed(lines, repeat(20))
    (line,) = [one for one in said if "dropped" in one["event"]]
    assert (line["log_level"], line["source"], line["reason"]) == ("warning", "app", "max_series")
    assert line["series"].startswith("m")
    assert "max_series" in line["fix"]
    assert counted() == {"refused": 1}
