"""Metrics through the whole pipeline: found, explained, joined with the source's lines, whatever the batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, cycle, repeat
from pathlib import Path

import numpy as np
import pytest

from tests.metric_runs import DEAD, START, Run, service, sizes_of

ALL_AT_ONCE = 10**6


def test_metrics_tell_what_was_expected(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(service(logs=False), iter([ALL_AT_ONCE]))
    opened = [alert for alert in run.alerts if alert.state == "open"]
    dead = START + 10 * DEAD.start
    found = [alert for alert in opened if dead <= alert.last // 10**9 <= dead + 40]
    assert len(found) == 1
    assert len(opened) <= 2
    (alert,) = found
    assert alert.kind == "metric"
    assert alert.entity is not None
    assert alert.entity in alert.detail
    assert "expected" in alert.detail
    assert "saw 0" in alert.detail


def test_lines_and_metrics_of_a_source_join_in_one_incident(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(service(), iter([ALL_AT_ONCE]))
    dead = START + 10 * DEAD.start
    around = [alert for alert in run.alerts if dead <= alert.last // 10**9 <= dead + 120 and alert.state != "end"]
    assert {alert.kind for alert in around} >= {"metric", "event"}
    assert len({alert.incident for alert in around}) == 1


def _mixed_sizes(seed: int) -> Iterator[int]:
    """Batches of 1, 7 and 4096 records, in turns: most records come in large ones, or it takes a minute."""
    rng = random.Random(seed)
    while True:
        yield from repeat(1, rng.randint(1, 20))
        yield from repeat(7, rng.randint(1, 10))
        yield rng.choice((300, 4096))


@pytest.mark.parametrize(("logs", "late"), [(False, False), (True, False), (False, True)])
def test_batching_and_interruption_change_nothing(
    tmp_path: Path, logs: bool, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.metric_stages.CHUNK", 512)  # there are several
    lines = service(2, logs, late)
    whole = Run(tmp_path / "whole")
    whole.feed(lines, iter([ALL_AT_ONCE]))
    assert any(alert.kind == "metric" for alert in whole.alerts)
    parts, rng, at = Run(tmp_path / "parts"), random.Random(1), 0
    while at < len(lines):
        sizes = _mixed_sizes(at) if at < 2000 or 3600 < at < 4200 else sizes_of(at, 2500)
        at = parts.feed(lines, sizes, stop=min(at + rng.randint(500, 2000), len(lines)))
    np.testing.assert_array_equal(np.concatenate(parts.said), np.concatenate(whole.said))
    assert parts.points == whole.points
    assert parts.told() == whole.told()


def test_what_was_there_before_the_first_start_teaches_in_silence(tmp_path: Path) -> None:
    lines = service(logs=False)
    run = Run(tmp_path)
    run.feed(lines, cycle([4000]), warm=len(lines))
    assert run.alerts == []


def test_where_a_batch_begins_does_not_move_the_end_of_the_silence(tmp_path: Path) -> None:
    lines, warm = service(logs=False), 3 * (DEAD.start - 5)
    for number in range(3 * 1100, 3 * 1106):  # an earlier fault, which nobody is to hear of
        stream, line = lines[number]
        lines[number] = stream, line if b"in_flight" not in line else line[: line.rindex(b",")] + b",0"
    told = []
    for number, sizes in enumerate((iter([ALL_AT_ONCE]), chain([warm - 1], repeat(900)))):
        run = Run(tmp_path / str(number))
        run.feed(lines, sizes, warm=warm)
        told.append(run.told())
        assert all(alert.first >= (START + 10 * (DEAD.start - 6)) * 10**9 for alert in run.alerts)
    assert told[0] == told[1]
    assert told[0]


def test_a_stream_whose_first_batch_is_a_header_alone_is_one_of_metrics(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(service(logs=False)[:3000], chain([1, 1], repeat(500)))
    assert run.said
