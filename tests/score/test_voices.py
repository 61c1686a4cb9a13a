"""Voices: each detector alone at the same budget, and the vote without the LSTM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.config.values import Budget
from logwatch.decide.budget import BudgetThresholds
from logwatch.score.calibration import Calibration
from logwatch.score.voices import SOURCES, WITHOUT, Voices
from logwatch.types import Kind, UnitBatch

DETECTORS = ("lstm", "new", "rare", "set", "rate", "silence")
T0 = 1_700_000_000 * 10**9
CHUNK = 256


def units(nats: Any, first: int, kind: Any = Kind.EVENT, source: Any = 0, step: float = 30.0) -> UnitBatch:
    """Units [m], `step` seconds apart."""
    m = len(nats)
    at = np.arange(first, first + m, dtype=np.int64)
    time = T0 + (at * step * 1e9).astype(np.int64)

    def wide(value: Any, dtype: Any) -> Any:
        return np.array(np.broadcast_to(value, m), dtype=dtype)

    return UnitBatch(
        wide(kind, np.uint8), wide(True, np.bool_), wide(source, np.int32), wide(source, np.int32),
        wide(-1, np.int32), at, at.astype(np.int32), time, time, at, at + 1, np.asarray(nats, np.float32), DETECTORS,
    )  # fmt: skip


def thresholds(budget: str) -> BudgetThresholds:
    return BudgetThresholds(lambda source: Budget.parse(budget))


def said(rng: np.random.Generator, m: int) -> Any:
    nats = np.full((m, len(DETECTORS)), np.nan)
    nats[:, :3] = rng.exponential(1.0, (m, 3))
    return nats


def bit(masks: Any, name: str, voices: Voices) -> Any:
    return np.flatnonzero(masks >> np.uint64(voices.names.index(name)) & np.uint64(1))


def run(voices: Voices, batches: list[UnitBatch], budget: str) -> tuple[Any, Any]:
    """Masks of all units, and which crossed the whole's own threshold."""
    whole, masks, crossed = Calibration(DETECTORS, thresholds(budget)), [], []
    for batch in batches:
        scored = whole.score(batch)
        crossing = scored.nats >= scored.z
        whole.learn(batch, crossing)
        masks.append(voices.learn(batch, crossing))
        crossed.append(crossing)
    return np.concatenate(masks), np.concatenate(crossed)


def stream(seed: int, chunks: int = 60) -> list[UnitBatch]:
    rng = np.random.default_rng(seed)
    return [units(said(rng, CHUNK), first * CHUNK) for first in range(chunks)]


def test_a_detector_alone_keeps_the_budget_of_its_source() -> None:
    voices = Voices(DETECTORS, thresholds("2/day"), lstm_votes=True)
    batches = stream(0, 120)  # ten days and more
    masks, crossed = run(voices, batches, "2/day")
    days = len(masks) * 30 / 86_400
    for name in ("lstm", "new", "rare", WITHOUT):
        assert len(bit(masks, name, voices)) <= 3 * 2 * days, name
    assert bit(masks, "whole", voices).tolist() == np.flatnonzero(crossed).tolist()


def test_the_vote_without_the_lstm_finds_what_others_say_and_not_what_the_lstm_says() -> None:
    voices, batches = Voices(DETECTORS, thresholds("2/day"), lstm_votes=True), stream(1)
    batches[50].nats[17, 0] = 60.0
    batches[55].nats[17, 1:3] = 60.0
    batches[55].nats[17, 0] = 0.0
    masks, _ = run(voices, batches, "2/day")
    by_lstm, by_others = 50 * CHUNK + 17, 55 * CHUNK + 17
    assert by_lstm in bit(masks, "lstm", voices)
    assert by_lstm not in bit(masks, WITHOUT, voices)
    assert by_lstm not in bit(masks, "rare", voices)
    assert by_others in bit(masks, WITHOUT, voices)
    assert by_others in bit(masks, "new", voices)
    assert by_others in bit(masks, "rare", voices)
    assert by_others not in bit(masks, "lstm", voices)


@pytest.mark.parametrize("budget", ["2/day", "1%"])
def test_a_vote_that_hears_the_same_as_the_whole_finds_the_same(budget: str) -> None:
    batches = stream(2)
    for batch in batches:
        batch.nats[:, 0] = np.nan  # the LSTM says nothing: the whole is the vote without it
    rng = np.random.default_rng(3)
    faults = rng.choice(np.arange(20, 60), 12, replace=False)
    for chunk in faults.tolist():
        batches[chunk].nats[40:44, 1] = 40.0
    voices = Voices(DETECTORS, thresholds(budget), lstm_votes=True)
    masks, crossed = run(voices, batches, budget)
    told, without = np.flatnonzero(crossed), bit(masks, WITHOUT, voices)
    planted = np.concatenate([np.arange(40, 44) + chunk * CHUNK for chunk in faults.tolist()])
    assert set(planted) <= set(told)
    assert set(planted) <= set(without)
    assert len(without) <= 1.5 * len(told)


def test_windows_speak_of_rates_and_sets_of_visits() -> None:
    rng = np.random.default_rng(5)
    voices = Voices(DETECTORS, thresholds("2/day"), lstm_votes=True)
    batches = []
    for first in range(40):
        nats = said(rng, CHUNK)
        kind = np.where(np.arange(CHUNK) % 4 == 0, Kind.WINDOW, Kind.EVENT)
        nats[kind == Kind.WINDOW, 4] = rng.exponential(1.0, CHUNK // 4)
        batches.append(units(nats, first * CHUNK, kind))
    batches[35].nats[8, 4] = 60.0
    batches[35].nats[12, 1] = 60.0  # the sum of a window: what events said
    masks, _ = run(voices, batches, "2/day")
    assert 35 * CHUNK + 8 in bit(masks, "rate", voices)
    assert 35 * CHUNK + 8 in bit(masks, WITHOUT, voices)
    assert 35 * CHUNK + 12 not in bit(masks, "new", voices)


def test_a_silence_is_taken_at_its_word_with_the_whole_budget() -> None:
    voices, batches = Voices(DETECTORS, thresholds("2/day"), lstm_votes=True), stream(6)
    batches[50].kind[5] = Kind.SILENCE
    batches[50].nats[5] = [np.nan] * 5 + [19.0]
    batches[50].kind[6] = Kind.SILENCE
    batches[50].nats[6] = [np.nan] * 5 + [6.0]
    masks, _ = run(voices, batches, "2/day")
    assert bit(masks, "silence", voices).tolist() == [50 * CHUNK + 5]


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 39))
def test_restored_voices_judge_to_the_last_bit_as_if_nothing_had_happened(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    batches = []
    for first in range(40):
        kind = rng.choice([Kind.EVENT, Kind.EVENT, Kind.VISIT, Kind.WINDOW, Kind.SILENCE], CHUNK)
        batch = units(said(rng, CHUNK), first * CHUNK, kind, rng.integers(0, 3, CHUNK), step=3.0)
        batch.final[rng.random(CHUNK) < 0.3] = False
        batch.nats[rng.random(CHUNK) < 0.02] += 12
        batches.append(batch)
    whole = Voices(DETECTORS, thresholds("5/hour"), lstm_votes=True)
    expected = [whole.learn(batch, batch.nats[:, 0] > 9) for batch in batches]
    part, cells = Voices(DETECTORS, thresholds("5/hour"), lstm_votes=True), dict[str, bytes | None]()
    for at, batch in enumerate(batches):
        if at == cut:
            cells |= dict(part.changes())
            part = Voices(DETECTORS, thresholds("5/hour"), lstm_votes=True)
            part.restore({name: cell for name, cell in cells.items() if cell is not None})
        elif at % 7 == 0:
            cells |= dict(part.changes())
        assert part.learn(batch, batch.nats[:, 0] > 9).tolist() == expected[at].tolist()


def test_voices_keep_their_past_where_detectors_come_and_go() -> None:
    batches = stream(7)
    voices = Voices(DETECTORS, thresholds("2/day"), lstm_votes=True)
    for batch in batches[:50]:
        voices.learn(batch, np.zeros(CHUNK, np.bool_))
    cells = {name: cell for name, cell in voices.changes() if cell is not None}
    fewer = Voices(("new", "rare", "rate", "silence"), thresholds("2/day"), lstm_votes=True)
    fewer.restore(cells)
    batch = batches[50]
    batch.nats[3, 1] = 60.0
    batch.nats[4, 2] = 60.0
    batch.nats, batch.detectors = batch.nats[:, [1, 2, 4, 5]], ("new", "rare", "rate", "silence")
    masks = fewer.learn(batch, np.zeros(CHUNK, np.bool_))
    assert bit(masks, "new", fewer).tolist() == [3]
    assert bit(masks, "rare", fewer).tolist() == [4]


def test_sources_beyond_the_bound_have_no_voices() -> None:
    voices = Voices(DETECTORS, thresholds("2/day"), lstm_votes=True)
    for batch in stream(8, 10):
        batch.source[:] = SOURCES
        assert not voices.learn(batch, np.zeros(CHUNK, np.bool_)).any()
    assert list(voices.changes()) == []
