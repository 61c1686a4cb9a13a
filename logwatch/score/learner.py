"""Training beside scoring: one step per chunk, in a background thread, repeatable; and the steps of the log LSTM.

A step is a pure function of its inputs (weights, segments, step number): a step in flight is not saved, its inputs
are, and it is run again after a restart.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from logwatch.score.lstm_model import Batch, Parameters, Shape, loss
from logwatch.types import Bool, Float32

RATE = 3e-3
"""Learning rate of AdamW."""

DECAY = 0.1
"""Weight decay of AdamW."""

CLIP = 1.0
"""Largest norm of a gradient."""

BATCH = 64
"""Segments per gradient step."""

WORSE = 1.1
"""A version is rolled back where its loss on new data exceeds its predecessor's by this factor and …"""

WORSE_BY = 0.05
"""… by this many nats an event."""


@dataclass(frozen=True)
class Model:
    """Weights and the optimiser's state. Never changed in place."""

    flat: Tensor  # [P]
    first: Tensor  # [P] running mean of the gradient
    second: Tensor  # [P] running mean of its square
    steps: int = 0  # gradient steps taken
    lineage: int = 0  # rises when weights are replaced rather than trained: states made before are rebuilt

    @staticmethod
    def fresh(shape: Shape, seed: int) -> Model:
        """A new model."""
        parameters = Parameters(shape)
        parameters.initialise(seed)
        zero = torch.zeros_like(parameters.flat)
        return Model(parameters.flat, zero, zero.clone())


@dataclass(frozen=True)
class Step:
    """Everything that one training step depends on, beside the model it starts from."""

    number: int  # of the chunk at whose end it began
    seed: int
    base: Float32  # [V, width] text vectors of the slots
    active: Bool  # [V]
    fresh: int  # the first `fresh` segments are new, the others replayed
    batch: Batch  # [N] segments
    judge: bool = False  # compare with the previous version on the new segments before learning them


@dataclass(frozen=True)
class Outcome:
    """What a step made."""

    model: Model
    rolled_back: bool = False


def run(step: Step, model: Model, previous: Tensor | None, shape: Shape) -> Outcome:
    """Train `model` on the step's segments; with `judge`, return to `previous` [P] where that is clearly better."""
    torch.set_num_threads(1)  # one thread: the order of additions is fixed
    base, active = torch.from_numpy(step.base), torch.from_numpy(step.active)
    if step.judge and previous is not None:
        new = Batch(*(part[: step.fresh] for part in step.batch))
        now, then = (_judge(flat, base, active, new, shape) for flat in (model.flat, previous))
        if now > WORSE * then + WORSE_BY:
            zero = torch.zeros_like(previous)
            return Outcome(Model(previous.clone(), zero, zero.clone(), 0, model.lineage + 1), rolled_back=True)
    return Outcome(_train(step, model, base, active, shape))


def _judge(flat: Tensor, base: Tensor, active: Tensor, batch: Batch, shape: Shape) -> float:
    with torch.no_grad():
        return float(loss(Parameters(shape, flat), base, active, batch)[1])


def _train(step: Step, model: Model, base: Tensor, active: Tensor, shape: Shape) -> Model:
    flat, first, second = model.flat.clone(), model.first.clone(), model.second.clone()
    small = shape._replace(capacity=len(base))  # the rows of slots never used stay zero
    used = Parameters(small).flat.numel()
    steps = model.steps
    order = np.random.default_rng([step.seed, step.number]).permutation(len(step.batch.slots))
    for at in range(0, len(order), BATCH):
        rows = torch.from_numpy(order[at : at + BATCH])
        leaf = flat[:used].clone().requires_grad_()
        value, _ = loss(Parameters(small, leaf), base, active, Batch(*(part[rows] for part in step.batch)))
        (gradient,) = torch.autograd.grad(value, leaf)
        steps += 1
        with torch.no_grad():
            if bool(gradient.isfinite().all()):  # else one freak batch would blind the model for good
                adamw(flat[:used], gradient, first[:used], second[:used], steps)
    return replace(model, flat=flat, first=first, second=second, steps=steps)


def adamw(flat: Tensor, gradient: Tensor, first: Tensor, second: Tensor, steps: int) -> None:
    """One step in place (Loshchilov and Hutter, Decoupled weight decay regularization, 2019)."""
    norm = float(torch.linalg.vector_norm(gradient))
    if norm > CLIP:
        gradient = gradient * (CLIP / norm)
    first.mul_(0.9).add_(gradient, alpha=0.1)
    second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
    scale = RATE / (1.0 - 0.9**steps)
    root = second.sqrt().div_((1.0 - 0.999**steps) ** 0.5).add_(1e-8)
    flat.mul_(1.0 - RATE * DECAY).addcdiv_(first, root, value=-scale)


_POOL: list[ThreadPoolExecutor] = []


def _pool() -> ThreadPoolExecutor:
    """The threads of all trainers of the process: one a lane would be many that mostly sleep."""
    if not _POOL:
        _POOL.append(ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="logwatchd-learn"))
    return _POOL[0]


class Background:
    """Runs steps one at a time in the background. `collect` is the only point where scoring waits for it."""

    def __init__(self) -> None:
        self._pending: Future[Outcome] | None = None

    def submit(self, step: Callable[[], Outcome]) -> None:
        """Begin a step; the one before must have been collected."""
        if self._pending is not None:
            raise RuntimeError("a training step is still in flight")
        self._pending = _pool().submit(step)

    def collect(self) -> Outcome | None:
        """The outcome of the step in flight, waited for; None where there is none. An error of the step is raised."""
        pending, self._pending = self._pending, None
        return None if pending is None else pending.result()

    def close(self) -> None:
        """Drop the step in flight; wait for it where it runs already. Safe to call twice."""
        pending, self._pending = self._pending, None
        if pending is not None and not pending.cancel():
            wait([pending])


class Trainer(Background):
    """Runs steps of the log LSTM."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape

    def start(self, step: Step, model: Model, previous: Tensor | None) -> None:
        """Begin a step; the one before must have been collected."""
        self.submit(partial(run, step, model, previous, self._shape))
