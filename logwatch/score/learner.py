"""Training beside scoring: one step per chunk, in a background thread, repeatable; and the steps of the log LSTM.

A step is a pure function of its inputs (weights, segments, step number): a step in flight is not saved, its inputs
are, and it is run again after a restart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from logwatch.score.lstm_model import Batch, Parameters, Shape, loss
from logwatch.spent import timed
from logwatch.types import Bool, Float32

RATE = 4e-3
"""Learning rate of AdamW for the log LSTM; with `BATCH`, over twelve seeds on HDFS: F1 at the budget 0.885, with 64
segments at 3e-3 0.869, at 4e-3 0.865; the average precision is 0.938 with each."""

DECAY = 0.1
"""Weight decay of AdamW."""

CLIP = 1.0
"""Largest norm of a gradient."""

BATCH = 32
"""Segments per gradient step."""

SAMPLE, LEAST = 16, 4
"""New segments of a step, at most and at least, that versions are compared on before it learns them, …"""

SPARSE = 16
"""… one of so many of all its segments: about a twentieth of the step's cost."""


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


@dataclass(frozen=True)
class Outcome:
    """What a step made, and how the model and its rivals did on a sample of its new segments."""

    model: Model
    events: int = 0  # of the sample
    nats: tuple[float, ...] = ()  # of these, summed: the model's, then each rival's; none without rivals


def run(step: Step, model: Model, rivals: Sequence[Tensor], shape: Shape) -> Outcome:
    """Compare `model` with its rivals [P] on new segments, then train it on the step's."""
    torch.set_num_threads(1)  # one thread: the order of additions is fixed
    base, active = torch.from_numpy(step.base), torch.from_numpy(step.active)
    told = _judge(step, (model.flat, *rivals), base, active, shape) if rivals else (0, ())
    return Outcome(train(step, model, base, active, shape), *told)


def _judge(
    step: Step, models: Sequence[Tensor], base: Tensor, active: Tensor, shape: Shape
) -> tuple[int, tuple[float, ...]]:
    size = min(SAMPLE, max(LEAST, len(step.batch.slots) // SPARSE))
    rows = slice(0, step.fresh, max(1, step.fresh // size))
    sample = Batch(*(part[rows][:size] for part in step.batch))
    events = int(sample.learn.sum())
    with torch.no_grad():
        each = tuple(float(loss(Parameters(shape, flat), base, active, sample)[1]) * events for flat in models)
    return events, each


def train(step: Step, model: Model, base: Tensor, active: Tensor, shape: Shape) -> Model:
    """The model after one pass over the step's segments, in an order that its number and seed say.

    Args:
        base: [V, width] text vectors of the slots, where the weights are.
        active: [V], there too.
    """
    flat, first, second = model.flat.clone(), model.first.clone(), model.second.clone()
    small = shape._replace(capacity=len(base))  # the rows of slots never used stay zero
    used = Parameters(small).flat.numel()
    steps = model.steps
    order = np.random.default_rng([step.seed, step.number]).permutation(len(step.batch.slots))
    for at in range(0, len(order), BATCH):
        rows = torch.from_numpy(order[at : at + BATCH]).to(flat.device)
        leaf = flat[:used].clone().requires_grad_()
        value, _ = loss(Parameters(small, leaf), base, active, Batch(*(part[rows] for part in step.batch)))
        (gradient,) = torch.autograd.grad(value, leaf)
        steps += 1
        with torch.no_grad():
            if bool(gradient.isfinite().all()):  # else one freak batch would blind the model for good
                adamw(flat[:used], gradient, first[:used], second[:used], steps, RATE)
    return replace(model, flat=flat, first=first, second=second, steps=steps)


def adamw(flat: Tensor, gradient: Tensor, first: Tensor, second: Tensor, steps: int, rate: float) -> None:
    """One step in place (Loshchilov and Hutter, Decoupled weight decay regularization, 2019)."""
    norm = float(torch.linalg.vector_norm(gradient))
    if norm > CLIP:
        gradient = gradient * (CLIP / norm)
    first.mul_(0.9).add_(gradient, alpha=0.1)
    second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
    scale = rate / (1.0 - 0.9**steps)
    root = second.sqrt().div_((1.0 - 0.999**steps) ** 0.5).add_(1e-8)
    flat.mul_(1.0 - rate * DECAY).addcdiv_(first, root, value=-scale)


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
        self._pending = _pool().submit(timed, "lstm", step)

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

    def start(self, step: Step, model: Model, rivals: Sequence[Tensor]) -> None:
        """Begin a step; the one before must have been collected."""
        self.submit(partial(run, step, model, rivals, self._shape))
