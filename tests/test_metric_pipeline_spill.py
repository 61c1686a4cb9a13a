"""Series that leave memory: they come back as they were, whatever interrupts, and what is forgotten is swept."""

from __future__ import annotations

import random
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logwatch.app.session import Session
from logwatch.cells import SERIES, SPILLED
from logwatch.score.series.detectors.bank import NAMES
from tests.metric_runs import METRICS, Line, Run, sizes_of, stamp

COUNT = 12
OWN = 8 * (4 + len(NAMES))
"""Bytes of what is said of a point by its series' own detectors; after them comes what other series can move."""


def _stream(steps: int, seed: int = 0, count: int = COUNT) -> list[Line]:
    """Series that all speak once in ten seconds, in any order."""
    rng, lines = random.Random(seed), [(METRICS, b"time,name,labels,value")]
    for step in range(steps):
        for one in rng.sample(range(count), count):
            lines.append((METRICS, f"{stamp(10 * step + 2)},load,host=h{one},{rng.gauss(50, one + 1):.3f}".encode()))
    return lines


class Small(Run):
    """With room for few series."""

    def __init__(self, folder: Path, capacity: int, **flags: Any) -> None:
        super().__init__(folder, **flags)
        self.capacity = capacity
        self.spilled: dict[str, bytes] = {}  # at the end
        self.swept: dict[str, bytes] = {}  # after a sweep
        self.in_memory = 0

    def prepare(self, session: Session) -> None:
        session.pipeline.stages.metrics.table.capacity = self.capacity

    def inspect(self, session: Session) -> None:
        self.spilled = {k: v for k, v in session.store.cells(SPILLED).items() if k.startswith(SERIES)}
        self.in_memory = len(session.pipeline.stages.metrics.table)
        session.lanes.sweep()
        self.swept = {k: v for k, v in session.store.cells(SPILLED).items() if k.startswith(SERIES)}


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Series leave at a chunk's end."""
    monkeypatch.setattr("logwatch.metric_stages.CHUNK", 100)


def test_a_series_that_left_and_came_back_is_scored_as_if_it_had_stayed(tmp_path: Path) -> None:
    lines = _stream(300)
    stayed, left = Small(tmp_path / "stayed", 1000), Small(tmp_path / "left", 4)
    for run in (stayed, left):
        run.feed(lines, repeat(500))
    assert stayed.in_memory == COUNT
    assert not stayed.spilled
    assert left.spilled
    own = [{key: said[:8] + said[24:OWN] for key, said in run.points.items()} for run in (stayed, left)]
    assert own[0].keys() >= own[1].keys()  # of those out of memory, the last step is not closed yet
    assert len(own[1]) > 0.98 * len(own[0])
    assert {key: own[0][key] for key in own[1]} == own[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_interruption_changes_nothing_while_series_come_and_go(tmp_path: Path, seed: int) -> None:
    lines = _stream(120, seed)
    whole, parts = Small(tmp_path / "whole", 5), Small(tmp_path / "parts", 5)
    whole.feed(lines, repeat(10**6))
    rng, at = random.Random(seed), 0
    while at < len(lines):
        at = parts.feed(lines, sizes_of(at, 200), stop=min(at + rng.randint(50, 500), len(lines)))
    np.testing.assert_array_equal(np.concatenate(parts.said), np.concatenate(whole.said))
    assert parts.points == whole.points
    assert parts.spilled == whole.spilled
    assert parts.told() == whole.told()


def test_a_series_that_is_silent_for_key_ttl_is_swept_and_new_when_it_comes_back(tmp_path: Path) -> None:
    early, late = _stream(40, count=3), _stream(500, seed=1, count=2)[1:]
    again = [(METRICS, f"{stamp(5000 + 10 * step + 2)},load,host=h2,{step}.5".encode()) for step in range(30)]
    shift = len(_stream(40, count=2)) - 1
    lines = [*early, *late[shift:], *again]
    run = Small(tmp_path, 1000, key_ttl=("--key-ttl", "1h"))
    run.feed(lines, repeat(300), stop=len(lines) - len(again))
    assert run.in_memory == 2
    assert len(run.spilled) == 1  # it left; the next sweep finds it
    assert run.swept == {}
    back = Small(tmp_path, 1000, key_ttl=("--key-ttl", "1h"))
    back.feed(lines, repeat(300))
    assert back.in_memory == 3
    first = min(time for series, time in back.points.keys() - run.points.keys() if "h2" in series)
    assert first > 10**9 * int(np.datetime64(stamp(5000)[:-1], "s").astype(int))  # nothing is missing since it left
