"""Drift: which templates moved, by the source's own time; the same wherever chunks are restored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.score.drift import EVERY, Drift, Moved, divergence
from logwatch.types import NO_TIME, EventBatch
from tests.score.simulated import SECOND, events

CHUNK = 256


def chunks(
    templates: Any, seconds: float = 4.0, source: int = 0, timed: bool = True, begin: int = 0
) -> list[EventBatch]:
    """A source that says these templates, one every so many seconds."""
    templates = np.asarray(templates)
    time = (1.6e18 + (begin + np.arange(len(templates))) * seconds * SECOND).astype(np.int64)
    time = time if timed else np.full(len(templates), NO_TIME)
    cut = range(0, len(templates), CHUNK)
    return [
        events(np.full(len(t), source), [None] * len(t), w, t)
        for t, w in ((templates[at : at + CHUNK], time[at : at + CHUNK]) for at in cut)
    ]


def usual(count: int, seed: int = 0, shift: int = 0) -> Any:
    return np.random.default_rng(seed).choice(6, count, p=[0.4, 0.3, 0.1, 0.1, 0.06, 0.04]) + shift


def learn(drift: Drift, batches: list[EventBatch]) -> list[Moved]:
    found: list[Moved] = []
    drift.on_moved = found.append
    for batch in batches:
        drift.learn(batch)
    return found


def test_a_source_that_goes_on_as_before_does_not_drift() -> None:
    for seed in range(5):
        drift = Drift()
        assert learn(drift, chunks(usual(40_000, seed))) == []
        assert drift.told()[0].drift < 0.02


def test_what_moved_is_told_once_with_the_templates_and_their_shares() -> None:
    drift, before = Drift(), usual(20_000)
    after = np.where(usual(4_000, 2) == 1, 9, usual(4_000, 2))  # template 1 became template 9
    found = learn(drift, chunks(np.concatenate([before, after])))
    assert len(found) == 1
    moved = {move.template: move for move in found[0].templates}
    assert list(moved)[:2] in ([1, 9], [9, 1])
    assert moved[9].now > moved[9].before
    assert moved[1].now < moved[1].before
    now = {move.template: move for move in drift.told()[0].templates}
    assert now[1].now < 0.02
    assert now[9].now == pytest.approx(0.3, abs=0.03)


def test_a_new_habit_is_the_past_a_day_later_and_can_move_again() -> None:
    drift, calm = Drift(), usual(20_000)
    other = usual(40_000, 3, shift=20)
    found = learn(drift, chunks(np.concatenate([calm, other])))
    assert len(found) == 1
    assert not drift.told()[0].moved
    found = learn(drift, chunks(usual(6_000, 4, shift=40), begin=60_000))
    assert len(found) == 1


def test_the_clock_is_the_sources_own_and_events_without_a_time_pass_for_a_second() -> None:
    moved = np.concatenate([usual(20_000), usual(5_000, 2, shift=20)])
    fast, slow, untimed = Drift(), Drift(), Drift()
    assert learn(fast, chunks(moved, seconds=0.01)) == []  # all of it within four minutes
    assert len(learn(slow, chunks(moved, seconds=4.0))) == 1
    assert len(learn(untimed, chunks(moved, timed=False))) == 1


def test_too_few_events_say_nothing() -> None:
    drift = Drift()
    assert learn(drift, chunks(np.concatenate([usual(400), usual(400, 1, 20)]), seconds=60.0)) == []
    assert drift.told() == []


def test_sources_are_looked_at_apart() -> None:
    drift = Drift()
    calm, moving = chunks(usual(24_000)), chunks(np.concatenate([usual(20_000), usual(4_000, 1, 20)]), source=1)
    found = learn(drift, [batch for pair in zip(calm, moving, strict=True) for batch in pair])
    assert [one.source for one in found] == [1]
    assert [(one.source, one.moved) for one in drift.told()] == [(0, False), (1, True)]


def test_templates_that_turn_out_to_be_one_did_not_move() -> None:
    drift = Drift()
    learn(drift, chunks(usual(20_000)))
    drift.merged([(1, 30)])
    after = np.where(usual(4_000, 2) == 1, 30, usual(4_000, 2))
    assert learn(drift, chunks(after, begin=20_000)) == []
    shares = {move.template for move in drift.told()[0].templates}
    assert 1 not in shares


def test_restored_it_goes_on_to_the_last_bit() -> None:
    batches = chunks(np.concatenate([usual(12_000), usual(6_000, 1, 20)]))
    whole, parts, cells = Drift(), Drift(), {}
    learn(whole, batches)
    rng = np.random.default_rng(0)
    for batch in batches:
        learn(parts, [batch])
        if rng.random() < 0.3:
            for name, cell in parts.changes():
                if cell is None:
                    cells.pop(name, None)
                else:
                    cells[name] = cell
            parts = Drift()
            parts.restore(cells)
    assert parts.told() == whole.told()
    assert len(batches) > 2 * EVERY


def test_divergence_is_0_for_the_same_and_1_for_nothing_in_common() -> None:
    one, other = np.array([5000.0, 3000.0, 0.0, 0.0]), np.array([0.0, 0.0, 7000.0, 1.0])
    assert divergence(one, 3 * one)[1] == 0.0
    assert divergence(one, other)[1] == pytest.approx(1.0, abs=0.001)
    assert divergence(one, other)[0].argmax() == 2
