"""One training step of the forecaster: a pure function of its segments and the model before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from logwatch.score.learner import Model, Outcome, adamw
from logwatch.score.series.lstm_columns import HISTORY, marks_of
from logwatch.score.series.lstm_features import GUESSES, INPUTS, LAGS, features
from logwatch.score.series.lstm_model import Parameters, loss
from logwatch.score.series.lstm_recipe import Step
from logwatch.score.series.lstm_runs import Segments

RATE = 3e-3
"""Learning rate of AdamW."""

BATCH = 32
"""Segments per gradient step."""

WARM = 4
"""First points of a segment: context only, the state before them is not known."""

FAR = 1e4
"""Changes are cut here, in usual ones."""


class Batch(NamedTuple):
    """Segments as the network sees them, time first."""

    inputs: Tensor  # [T, N, INPUTS]
    guesses: Tensor  # [T, N, GUESSES]
    came: Tensor  # [T, N] change to the value after, in usual changes
    learn: Tensor  # [T, N] bool


def batch_of(segments: Segments) -> Batch:
    """All but the last point of segments [N], each with the one after it."""
    n, steps = len(segments), HISTORY - LAGS - 1
    values = segments["values"].astype(np.float64)
    windows = sliding_window_view(values, LAGS + 1, axis=1)[:, :steps, ::-1]  # [N, T, LAGS + 1], the newest first
    missing, barred = marks_of(segments["missing"]), marks_of(segments["barred"])
    back = np.arange(steps, 0, -1)
    found = features(
        windows.reshape(n * steps, LAGS + 1).T,
        np.repeat(segments["scale"], steps, axis=0),
        missing[:, LAGS:-1].reshape(-1),
        (segments["time"][:, None] - back * segments["step"][:, None]).reshape(-1),
        np.repeat(segments["step"], steps),
    )
    unit = segments["scale"][:, 2].astype(np.float64)
    came = np.clip(np.diff(values[:, LAGS:], axis=1) / np.where(unit > 0, unit, 1.0)[:, None], -FAR, FAR)
    learn = ~missing[:, LAGS + 1 :] & ~barred[:, LAGS + 1 :] & (unit > 0)[:, None]
    learn[:, :WARM] = False

    def turned(part: NDArray[Any], *width: int) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(part.reshape(n, steps, *width).swapaxes(0, 1)))

    return Batch(
        turned(found.inputs, INPUTS), turned(found.guesses, GUESSES), turned(came.astype(np.float32)), turned(learn)
    )


def run(step: Step, model: Model) -> Outcome:
    """Train `model` on the step's segments."""
    torch.set_num_threads(1)  # one thread: the order of additions is fixed
    batch = batch_of(step.segments)
    flat, first, second = model.flat.clone(), model.first.clone(), model.second.clone()
    steps = model.steps
    order = np.random.default_rng([step.seed, step.number]).permutation(len(step.segments))
    for at in range(0, len(order), BATCH):
        rows = torch.from_numpy(order[at : at + BATCH])
        leaf = flat.clone().requires_grad_()
        value = loss(Parameters(leaf), *(part[:, rows] for part in batch))
        (gradient,) = torch.autograd.grad(value, leaf)
        steps += 1
        with torch.no_grad():
            if bool(gradient.isfinite().all()):  # else one freak batch would blind the model for good
                adamw(flat, gradient, first, second, steps, RATE)
    return Outcome(replace(model, flat=flat, first=first, second=second, steps=steps))
