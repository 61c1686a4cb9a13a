"""Training steps: repeatable, judged, never overtaken; the replay buffer and the budget of learning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from logwatch.score.learn_budget import LEAST, LearningBudget
from logwatch.score.learn_segments import LENGTH, SEGMENT, candidates, runs_of
from logwatch.score.learner import Model, Step, Trainer, run
from logwatch.score.lstm_model import Batch, Parameters, Shape, loss
from logwatch.score.replay_buffer import ReplayBuffer
from logwatch.types import NO_TIME

SHAPE = Shape(capacity=16, hidden=16, width=16)


def step(number: int = 1) -> Step:
    """Segments that repeat 1 2 3 4."""
    slots = torch.arange(12).repeat(32, 1) % 4 + 1
    yes = torch.ones(32, 12, dtype=torch.bool)
    batch = Batch(slots, torch.ones(32, 12, dtype=torch.int64), yes, torch.zeros(32, 12, dtype=torch.int64), yes)
    base = np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)
    active = np.array([False, True, True, True, True, False])
    return Step(number, 7, base, active, 16, batch)


def loss_of(flat: torch.Tensor) -> float:
    s = step()
    with torch.no_grad():
        return float(loss(Parameters(SHAPE, flat), torch.from_numpy(s.base), torch.from_numpy(s.active), s.batch)[1])


def trained(times: int) -> Model:
    model = Model.fresh(SHAPE, 0)
    for number in range(times):
        model = run(step(number), model, (), SHAPE).model
    return model


def test_training_lowers_the_loss_and_leaves_the_old_model_alone() -> None:
    start = Model.fresh(SHAPE, 0)
    before = start.flat.clone()
    model = trained(60)
    assert torch.equal(Model.fresh(SHAPE, 0).flat, before)
    assert loss_of(model.flat) < 0.5 * loss_of(before)
    assert model.steps == 60


def test_a_step_is_a_function_of_its_inputs() -> None:
    one, other = trained(3), trained(3)
    assert torch.equal(one.flat, other.flat)
    assert torch.equal(one.second, other.second)


def test_rows_of_unused_slots_stay_zero() -> None:
    rows = Parameters(SHAPE, trained(5).flat)["slots"]
    assert rows[:6].any()
    assert not rows[6:].any()


def test_a_model_and_its_rivals_are_compared_before_the_model_learns_the_sample() -> None:
    good, bad = trained(60), Model.fresh(SHAPE, 1)
    found = run(step(), bad, (good.flat, bad.flat), SHAPE)
    own, better, same = found.nats
    assert own == same
    assert better < 0.5 * own
    assert found.events == 4 * 12
    assert own / found.events == pytest.approx(loss_of(bad.flat), rel=0.01)
    assert torch.equal(found.model.flat, run(step(), bad, (), SHAPE).model.flat)


def test_a_step_runs_beside_and_is_collected_once() -> None:
    trainer = Trainer(SHAPE)
    assert trainer.collect() is None
    trainer.start(step(), Model.fresh(SHAPE, 0), ())
    with pytest.raises(RuntimeError, match="in flight"):
        trainer.start(step(), Model.fresh(SHAPE, 0), ())
    outcome = trainer.collect()
    assert outcome is not None
    assert torch.equal(outcome.model.flat, run(step(), Model.fresh(SHAPE, 0), (), SHAPE).model.flat)
    assert trainer.collect() is None
    trainer.close()


def test_what_fails_in_the_thread_is_raised_where_it_is_collected() -> None:
    trainer = Trainer(SHAPE)
    broken = Step(1, 7, step().base, np.ones(3, dtype=np.bool_), 16, step().batch)
    trainer.start(broken, Model.fresh(SHAPE, 0), ())
    with pytest.raises(RuntimeError):
        trainer.collect()
    trainer.close()


@given(st.lists(st.integers(0, 30), max_size=20))
def test_the_replay_buffer_holds_the_newest_and_goes_on_from_its_cells(sizes: list[int]) -> None:
    buffer, cells, count = ReplayBuffer(20, block=8), {}, 0
    for size in sizes:
        segments = np.zeros(size, dtype=SEGMENT)
        segments["seen"] = np.arange(count, count + size)
        count += size
        buffer.append(segments)
        cells |= {name: cell for name, cell in buffer.changes() if cell is not None}
        buffer = ReplayBuffer(20, block=8)
        buffer.restore(cells)
    held = buffer.take(np.arange(len(buffer)))["seen"]
    assert held.tolist() == list(range(max(0, count - 20), count))


def test_only_touched_blocks_are_written() -> None:
    buffer = ReplayBuffer(64, block=8)
    buffer.append(np.zeros(40, dtype=SEGMENT))
    assert len(list(buffer.changes())) == 6
    buffer.append(np.zeros(3, dtype=SEGMENT))
    assert [name for name, _ in buffer.changes()] == ["0005", "count"]
    assert list(buffer.changes()) == []


def test_the_budget_is_a_function_of_event_time() -> None:
    budget = LearningBudget(cap=100.0)
    second = 10**9
    assert budget.spend(5 * second, 4096, 500) == 0  # no time has passed yet
    assert budget.spend(9 * second, 4096, 500) == 400 + LEAST
    assert budget.spend(99 * second, 4096, 500) == 500
    spent = [budget.spend(99 * second, 4096, 500) for _ in range(80)]
    assert sum(spent) == pytest.approx(80 * LEAST, abs=32)
    assert budget.spend(0, 4096, 500) < 500  # time going back is worth no more


@pytest.mark.parametrize(("events", "most"), [(1024, 256), (64, 256), (4096, 512)])
def test_training_costs_a_line_no_more_however_many_keys_there_are(events: int, most: int) -> None:
    budget = LearningBudget(cap=1e9)
    budget.spend(10**9, events, 10_000)
    assert budget.spend(2 * 10**9, events, 10_000) == most


def test_lines_without_any_time_are_learned_by_their_number() -> None:
    budget = LearningBudget(cap=100.0)
    assert budget.spend(NO_TIME, 5000, 500) == 100


def test_a_freak_batch_does_not_spoil_the_weights() -> None:
    broken = step()
    broken.base[2] = np.inf
    assert run(broken, Model.fresh(SHAPE, 0), (), SHAPE).model.flat.isfinite().all()


def test_a_key_that_spoke_much_offers_several_overlapping_segments() -> None:
    slots = np.array([3] * 60 + [1] * 5 + [3] * 4, dtype=np.int32)
    runs = runs_of(slots)
    assert runs.slots.tolist() == [1, 3]
    key, back = candidates(runs)
    # 64 events: windows of 24 that end 0, 16, 32, 48 before the last; stream order of their ends.
    assert sorted(back[key == 1].tolist()) == [0, 16, 32, 48]
    ends = [runs.order[runs.starts[k] + runs.lengths[k] - 1 - b] for k, b in zip(key, back, strict=True)]
    assert ends == sorted(ends)
    assert LENGTH == 24
