"""Passes over history end where the held-out part gains nothing, and the best is kept; on a GPU as on a CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from logwatch.score.learner import Step
from logwatch.score.lstm_model import Batch, Shape
from logwatch.train import fit as fitting
from logwatch.train.fit import PATIENCE, fit

SHAPE = Shape(capacity=16, hidden=16, width=16)


def study(noise: float = 0.0, count: int = 400) -> Step:
    """Runs that repeat 1 2 3 4, with some noise."""
    rng = np.random.default_rng(0)
    slots = np.arange(12)[None, :] % 4 + 1 + np.zeros((count, 1), np.int64)
    slots = np.where(rng.random(slots.shape) < noise, rng.integers(1, 5, slots.shape), slots)
    yes = torch.ones(count, 12, dtype=torch.bool)
    zero = torch.zeros(count, 12, dtype=torch.int64)
    batch = Batch(torch.from_numpy(slots), zero + 1, yes, zero, yes)
    base = rng.normal(size=(6, 16)).astype(np.float32)
    return Step(1, 7, base, np.array([False, True, True, True, True, False]), 0, batch)


def test_what_is_held_out_judges_and_the_best_pass_is_kept() -> None:
    told: list[int] = []
    found = fit(study(0.3, 60), np.arange(40), np.arange(40, 60), SHAPE, 200, told.append)
    assert found.losses[found.best - 1] == min(found.losses)
    assert len(found.losses) == found.best + PATIENCE < 200
    assert told == list(range(1, len(found.losses) + 1))


def test_what_is_held_out_is_not_learned() -> None:
    one = study()
    other = Batch(*(part.clone() for part in one.batch))
    other.slots[300:] = 4
    again = fit(Step(1, 7, one.base, one.active, 0, other), np.arange(300), np.arange(300, 400), SHAPE, 1)
    first = fit(one, np.arange(300), np.arange(300, 400), SHAPE, 1)
    assert torch.equal(again.flat, first.flat)
    assert again.losses != first.losses


@pytest.mark.gpu
def test_a_gpu_learns_what_a_cpu_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    rows = np.arange(300), np.arange(300, 400)
    found = fit(study(), *rows, SHAPE, 4)
    monkeypatch.setattr(fitting, "device", lambda: "cpu")
    cpu = fit(study(), *rows, SHAPE, 4)
    assert found.device == "cuda"
    assert found.flat.device.type == "cpu"
    assert found.losses == pytest.approx(cpu.losses, rel=0.05)
