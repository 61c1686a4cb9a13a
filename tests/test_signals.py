"""Which records are metrics: as their source says, or as they look; what is neither is kept as a dead letter."""

from __future__ import annotations

import json
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from logwatch.app.session import LETTERS, Session
from logwatch.telemetry import DEAD_LETTERS
from tests.metric_runs import LOG, METRICS, Line, Run, stamp

LINES: list[Line] = [(LOG, f"{stamp(i)} INFO request {i} served".encode()) for i in range(40)]
VALUES: list[Line] = [
    (METRICS, json.dumps({"time": stamp(10 * i), "name": "load", "value": i % 7}).encode()) for i in range(40)
]


class Looked(Run):
    """Notes how many lines and series there were."""

    lines = series = 0

    def inspect(self, session: Session) -> None:
        self.lines, self.series = session.pipeline.seen, len(session.pipeline.stages.metrics.table)


@pytest.mark.parametrize(
    ("table", "stream", "lines", "series"),
    [
        ({}, LINES, 40, 0),
        ({}, VALUES, 0, 1),
        ({"signal": "logs"}, VALUES, 40, 0),
        ({"signal": "metrics"}, VALUES, 0, 1),
        ({"format": "csv"}, [(METRICS, b"time,name,value"), *((METRICS, b"5,a,1") for _ in "12")], 0, 0),
        ({"signal": "metrics"}, LINES, 0, 0),
        ({"format": "influx"}, LINES, 0, 0),  # the format tells the signal
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_the_source_says_or_the_first_lines_tell(
    tmp_path: Path, table: dict[str, Any], stream: list[Line], lines: int, series: int, size: int
) -> None:
    run = Looked(tmp_path, table)
    run.feed(stream, repeat(size))
    assert (run.lines, run.series) == (lines, series)


@pytest.mark.parametrize(
    ("table", "reason"), [({"signal": "metrics"}, "not_metrics"), ({"format": "influx"}, "not_influx")]
)
def test_what_is_no_metric_of_a_source_of_metrics_is_counted_and_kept(
    tmp_path: Path, table: dict[str, Any], reason: str
) -> None:
    before = DEAD_LETTERS.value(reason=reason)
    secret = [(METRICS, b"password=hunter2 is no metric")]
    Run(tmp_path, table).feed([*LINES, *secret], repeat(7))
    letters = [json.loads(line) for line in (tmp_path / LETTERS).read_text().splitlines()]
    assert {letter["reason"] for letter in letters} == {reason}
    assert [letter["text"] for letter in letters[:-1]] == [line.decode() for _, line in LINES]
    assert "hunter2" not in letters[-1]["text"]
    assert letters[3]["position"] == {"file": "log", "offset": 3}
    assert DEAD_LETTERS.value(reason=reason) - before == len(LINES) + 1


def test_metrics_among_dead_letters_are_read(tmp_path: Path) -> None:
    run = Looked(tmp_path, {"signal": "metrics"})
    run.feed([line for pair in zip(LINES, VALUES, strict=True) for line in pair], repeat(9))
    assert (run.lines, run.series) == (0, 1)
    assert len((tmp_path / LETTERS).read_text().splitlines()) == len(LINES)


def test_lines_of_a_source_with_a_format_of_metrics_do_not_stop_the_log_side(tmp_path: Path) -> None:
    """They were taken for lines by an earlier run, under another configuration."""
    Run(tmp_path).feed(LINES[:20], repeat(5))
    run = Looked(tmp_path, {"format": "csv", "signal": "metrics"})
    run.feed(LINES, repeat(5))
    assert run.lines == 20
