"""Training on history: several passes over segments, until the newest of them are no longer foretold better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from logwatch.score.learner import Model, Step, train
from logwatch.score.lstm_model import Batch, Parameters, Shape, loss

if TYPE_CHECKING:
    from logwatch.types import Int64

PATIENCE = 2
"""Passes without a gain before the training ends."""

BLOCK = 1024
"""Segments that are judged at once."""


@dataclass(frozen=True)
class Fitted:
    """The best of all passes."""

    flat: Tensor  # [P]
    losses: tuple[float, ...]  # on what was held out, after each pass, nats an event
    best: int  # pass, from 1
    device: str


def device() -> str:
    """A GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def fit(
    study: Step, lesson: Int64, held_out: Int64, shape: Shape, passes: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Fitted:  # fmt: skip
    """Train a new model.

    Args:
        study: all segments.
        lesson: rows of them that teach.
        held_out: rows that only judge, at least one.
        progress: told of passes done.
    """
    torch.set_num_threads(1)  # one thread: the order of additions is fixed
    where = device()
    base, active = torch.from_numpy(study.base).to(where), torch.from_numpy(study.active).to(where)
    batch = Batch(*(part.to(where) for part in study.batch))
    taught, judged = (_rows(batch, torch.from_numpy(rows).to(where)) for rows in (lesson, held_out))
    model = _moved(Model.fresh(shape, study.seed), where)
    best, losses = model, []
    for number in range(1, passes + 1):
        model = train(replace(study, number=number, batch=taught), model, base, active, shape)
        losses.append(_judge(model.flat, base, active, judged, shape))
        progress(number)
        if losses[-1] == min(losses):
            best = model
        elif number - int(np.argmin(losses)) - 1 >= PATIENCE:
            break
    return Fitted(best.flat.cpu(), tuple(losses), int(np.argmin(losses)) + 1, where)


def _moved(model: Model, where: str) -> Model:
    flat, first, second = (part.to(where) for part in (model.flat, model.first, model.second))
    return replace(model, flat=flat, first=first, second=second)


def _rows(batch: Batch, rows: Tensor) -> Batch:
    return Batch(*(part[rows] for part in batch))


def _judge(flat: Tensor, base: Tensor, active: Tensor, batch: Batch, shape: Shape) -> float:
    p, total, count = Parameters(shape, flat), 0.0, 0
    with torch.no_grad():
        for at in range(0, len(batch.slots), BLOCK):
            block = Batch(*(part[at : at + BLOCK] for part in batch))
            events = int(block.learn.sum())
            total += float(loss(p, base, active, block)[1]) * events
            count += events
    return total / max(1, count)
