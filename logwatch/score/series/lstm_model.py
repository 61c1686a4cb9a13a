"""The network of the forecaster: quantiles of a series' next value, as a change from the last.

It begins as persistence: the last value, with the band of a Laplace distribution of the usual change.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from logwatch.score.lstm_kernel import Weights
from logwatch.score.series.lstm_columns import HIDDEN, QUANTILES
from logwatch.score.series.lstm_features import GUESSES, INPUTS, MOVED
from logwatch.types import Float32, Float64

OUTPUTS = 16
"""Columns of the last product: weights of the guesses, an offset, four gaps between quantiles; padded."""

LEAST_GAP = 1e-3
"""Between quantiles, in usual changes."""

LEAST_MOVED = 0.3
"""Usual changes added to how far a segment moves on the whole, by which its loss is divided: a calm stretch counts
nearly as much as a lively one (ratio to the best simple forecast on NAB 0.84; undivided 0.86)."""

INNER, OUTER = math.log(2.0), math.log(10.0)
"""Nats of the quantiles 0.75 and 0.95, either side: of twice the tail beyond them."""

_SIZES: dict[str, tuple[int, ...]] = {
    "w_in": (4 * HIDDEN, INPUTS),
    "w_rec": (4 * HIDDEN, HIDDEN),
    "b_in": (4 * HIDDEN,),
    "w_out": (HIDDEN + INPUTS, OUTPUTS),
    "b_out": (OUTPUTS,),
}
PARAMETERS = sum(math.prod(size) for size in _SIZES.values())


class Parameters:
    """Named views into one flat vector [PARAMETERS], so that the optimiser and the checkpoint see one array."""

    def __init__(self, flat: Tensor) -> None:
        self._views: dict[str, Tensor] = {}
        at = 0
        for name, size in _SIZES.items():
            self._views[name] = flat[at : at + math.prod(size)].view(size)
            at += math.prod(size)

    def __getitem__(self, name: str) -> Tensor:
        return self._views[name]

    def weights(self) -> Weights:
        """Of the LSTM."""
        return self["w_in"], self["w_rec"], self["b_in"], torch.zeros_like(self["b_in"])


def initial(seed: int) -> Tensor:
    """Starting weights [PARAMETERS]."""
    flat = torch.zeros(PARAMETERS)
    p, generator = Parameters(flat), torch.Generator().manual_seed(seed)
    for name in ("w_in", "w_rec"):
        p[name].copy_((torch.rand(p[name].shape, generator=generator) * 2 - 1) * HIDDEN**-0.5)
    p["b_in"][HIDDEN : 2 * HIDDEN] = 1.0  # remember by default
    p["b_out"][0] = 3.0  # the last value
    # A Laplace distribution whose mean distance is 1: quantiles at ln 2 and ln 10.
    for column, gap in enumerate((INNER, INNER, OUTER - INNER, OUTER - INNER), GUESSES + 1):
        p["b_out"][column] = math.log(math.expm1(gap))
    return flat


def readout(p: Parameters, h: Tensor, x: Tensor) -> Tensor:
    """Outputs [n, OUTPUTS] after states h [n, HIDDEN] and inputs x [n, INPUTS]; n a multiple of 16 to be exact."""
    return torch.addmm(p["b_out"], torch.cat([h, x], dim=1), p["w_out"])


def quantiles(out: Tensor, guesses: Tensor, x: Tensor) -> Tensor:
    """Of the change to come [5, n], in usual changes, rising. What the network says of distances is in units that grow
    with the root of how much the series moves at the moment (on our recordings 0.99 of the best simple one, else 1.01).

    Args:
        out: [n, OUTPUTS]
        guesses: [n, GUESSES]
        x: [n, INPUTS]
    """
    columns, guessed = out.t().contiguous(), guesses.t().contiguous()  # element by element, on whole vectors
    unit = torch.exp(0.5 * x[:, MOVED].contiguous())
    shares = torch.exp(columns[:GUESSES] - columns[:GUESSES].amax(dim=0))
    total, middle = shares[0], shares[0] * guessed[0]
    for one in range(1, GUESSES):
        total = total + shares[one]
        middle = middle + shares[one] * guessed[one]
    middle = middle / total + columns[GUESSES] * unit
    below, above, far_below, far_above = F.softplus(columns[GUESSES + 1 : GUESSES + 5]) * unit + LEAST_GAP
    low, high = middle - below, middle + above
    return torch.stack([low - far_below, low, middle, high, high + far_above])


def pinball(found: Tensor, came: Tensor) -> Tensor:
    """Mean pinball loss [n] of quantiles [5, n] where values [n] came."""
    level = torch.tensor(QUANTILES)[:, None]
    apart = came - found
    return torch.maximum(level * apart, (level - 1) * apart).mean(dim=0)


def loss(p: Parameters, x: Tensor, guesses: Tensor, came: Tensor, learn: Tensor) -> Tensor:
    """Mean pinball loss over what is learned, in how far each segment moves.

    Args:
        p: parameters.
        x: [T, B, INPUTS]
        guesses: [T, B, GUESSES]
        came: [T, B] change to the next value, in usual changes.
        learn: [T, B] bool.
    """
    zero = torch.zeros(1, x.shape[1], HIDDEN)
    after, _, _ = torch.lstm(x, (zero, zero), p.weights(), True, 1, 0.0, True, False, False)
    rows = learn.reshape(-1).nonzero().squeeze(1)
    inputs = x.reshape(-1, INPUTS)[rows]
    out = readout(p, after.reshape(-1, HIDDEN)[rows], inputs)
    lost = pinball(quantiles(out, guesses.reshape(-1, GUESSES)[rows], inputs), came.reshape(-1)[rows])
    moved = (came.abs() * learn).sum(dim=0) / learn.sum(dim=0).clamp(min=1) + LEAST_MOVED
    return (lost / moved.expand_as(came).reshape(-1)[rows]).sum() / max(1, len(rows))


def surprise(found: Float32, value: Float32, most: float) -> Float32:
    """−ln of the two-sided tail probability [n] of values [n] under forecasts [n, 5], 0 to `most`; beyond the outermost
    quantiles the tails are exponential."""
    whole: Float64 = found.astype(np.float64)
    apart = value.astype(np.float64) - whole[:, 2]
    up = apart > 0
    near = np.where(up, whole[:, 3] - whole[:, 2], whole[:, 2] - whole[:, 1])
    far = np.where(up, whole[:, 4] - whole[:, 3], whole[:, 1] - whole[:, 0])
    apart = np.abs(apart)
    tiny = np.finfo(np.float32).tiny
    nats = INNER * np.minimum(apart / np.maximum(near, tiny), 1.0)
    nats += (OUTER - INNER) * np.maximum(apart - near, 0.0) / np.maximum(far, tiny)
    said: Float32 = np.minimum(nats, most).astype(np.float32)
    return said
