"""The LSTM switched off for some sources: they cost nothing, and the others do not notice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.score.chosen_sources import ChosenSources
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.lstm import LogLstm, columns
from logwatch.score.lstm_model import Shape
from logwatch.types import EventBatch

SMALL = Shape(capacity=48, hidden=16, width=16)
SECOND = 10**9
CHUNK = 128
EVENTS = 2048


def events(first: int, rows: Any) -> EventBatch:
    """Sources 0 and 1 in turn, irregularly, each walking through templates."""
    at = np.arange(EVENTS)
    source = (np.random.default_rng(0).random(EVENTS) < 0.5).astype(np.int32)
    template = (np.cumsum(source) * source + np.cumsum(1 - source) * (1 - source)) % 7
    time = 10**18 + at * SECOND
    n = len(at[rows])
    return EventBatch(
        first, source[rows], source[rows], source[rows], time[rows], time[rows], np.zeros(n, np.int8),
        template[rows].astype(np.int32), at[rows], at[rows] + 1, np.zeros(n, np.uint8), [None] * n, [""] * n,
    )  # fmt: skip


class Run:
    def __init__(self, on: set[int], *, bare: bool = False) -> None:
        self.on, self.bare = on, bare
        self.cells: dict[str, bytes] = {}
        self.table = KeyTable(columns(SMALL), 100)
        self.table.assign(np.array([0, 1], np.int32), np.array([0, 1], np.int32), [None, None])
        self.nats: list[Any] = []
        self.silence: list[Any] = []
        self.open()

    def open(self) -> None:
        self.lstm = LogLstm(LstmConfig(learn_cap=1e9, seed=3), self.table, lambda i: f"step {i}", SMALL)
        self.detector: Any = self.lstm if self.bare else ChosenSources(self.lstm, lambda n: np.isin(n, list(self.on)))

    def restart(self, on: set[int]) -> None:
        self.cells |= {name: cell for name, cell in self.detector.changes() if cell is not None}
        self.detector.close()
        self.on = on
        self.open()
        self.detector.restore(self.cells)

    def score(self, begin: int, end: int) -> None:
        batch = events(begin, slice(begin, end))
        self.detector.begin(batch)
        self.nats.append(self.detector.score(batch))
        self.silence.append(self.detector.silence)
        self.table.rows["last"][batch.slot] = batch.time

    def learn(self, end: int) -> None:
        nats = np.concatenate(self.nats)[end - CHUNK : end]
        self.detector.learn(events(end - CHUNK, slice(end - CHUNK, end)), nats)

    def chunks(self, begin: int, end: int, step: int = CHUNK) -> Run:
        for chunk in range(begin, end, CHUNK):
            for at in range(chunk, chunk + CHUNK, step):
                self.score(at, min(at + step, chunk + CHUNK))
            self.learn(chunk + CHUNK)
        return self

    def said(self) -> Any:
        return np.concatenate(self.nats)


SOURCE = events(0, slice(None)).source


def test_all_on_is_the_lstm_itself() -> None:
    assert Run({0, 1}).chunks(0, EVENTS).said().tobytes() == Run({0, 1}, bare=True).chunks(0, EVENTS).said().tobytes()


def test_a_source_without_it_is_neither_scored_nor_learned() -> None:
    run = Run({1}).chunks(0, EVENTS)
    assert np.isnan(run.said()[SOURCE == 0]).all()
    assert np.isnan(np.concatenate(run.silence)[SOURCE == 0]).all()
    assert not np.isnan(run.said()[CHUNK:][SOURCE[CHUNK:] == 1]).any()
    assert run.lstm.seen_events == np.count_nonzero(SOURCE == 1)
    assert run.table.view("lstm_seen")[0] == 0
    assert not run.table.view("lstm_h")[0].any()
    assert Run(set()).chunks(0, EVENTS).lstm.trained_events == 0


@pytest.mark.parametrize("step", [1, 7, 50])
def test_any_split_gives_the_same_bits(step: int) -> None:
    whole, split = Run({1}).chunks(0, 1024), Run({1}).chunks(0, 1024, step)
    assert split.said().tobytes() == whole.said().tobytes()
    assert split.table.rows.tobytes() == whole.table.rows.tobytes()


def test_a_switch_takes_hold_with_the_next_chunk_and_a_restart_without_one_changes_nothing() -> None:
    run, steady = Run({0, 1}).chunks(0, 512), Run({0, 1}).chunks(0, 640)
    run.score(512, 570)
    run.restart({1})
    run.score(570, 640)  # the open chunk goes on as it began
    assert run.said().tobytes() == steady.said().tobytes()
    run.learn(640)
    run.chunks(640, 1024)
    assert np.isnan(run.said()[640:][SOURCE[640:1024] == 0]).all()
    kept = run.said().tobytes()
    run.restart({1})
    assert not np.isnan(run.said()[640:][SOURCE[640:1024] == 1]).any()
    run.restart({0, 1})
    run.chunks(1024, 1280)
    assert run.said().tobytes().startswith(kept)
    again = run.said()[1024 + CHUNK :][SOURCE[1024 + CHUNK : 1280] == 0]
    assert not np.isnan(again).any()


def test_what_was_expected_is_told_of_the_sources_that_have_it() -> None:
    run = Run({1}).chunks(0, 1024)
    run.score(1024, 1100)
    told = run.detector.expected(list(range(76)))
    assert [bool(row) for row in told] == (SOURCE[1024:1100] == 1).tolist()
