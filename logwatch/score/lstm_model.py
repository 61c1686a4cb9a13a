"""The network of the log LSTM: its parameters in one flat vector, its loss, and its tables for scoring."""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from logwatch.score.lstm_gaps import BUCKETS, RUNGS
from logwatch.score.lstm_kernel import Weights, padded
from logwatch.types import Bool, Float32, Float64, Int32

HIDDEN = 64
"""Units: 512 bytes of state a key, and whole vectors for the element-wise functions."""

WIDTH = 32
"""Length of a template's vector."""

ABSENT = -1e30
"""Logit of a slot without a template: its probability is exactly zero."""

STRAY = 0.03
"""Share of events that come out of context: they are as likely as their template is frequent. Without it, what is kept
out of training is only ever pushed down, and its nats drift from seed to seed (average precision of the LSTM on HDFS
0.74-0.89 without, 0.87-0.93 with)."""

HAZARDS = 16
"""Columns of the product that predicts silence: a hazard for each rung, padded to a whole vector."""


class Shape(NamedTuple):
    """Sizes of one model."""

    capacity: int = 1024  # template slots
    hidden: int = HIDDEN
    width: int = WIDTH


class Parameters:
    """Named views [..] into one flat vector, so that the optimiser and the checkpoint see one array.

    The rows of the slots (`delta`, `bias`) come last: only the used ones are saved.
    """

    def __init__(self, shape: Shape, flat: Tensor | None = None) -> None:
        self.shape = shape
        c, h, w = shape
        sizes: dict[str, tuple[int, ...]] = {
            "w_in": (4 * h, w),
            "w_rec": (4 * h, h),
            "b_in": (4 * h,),
            "gap_in": (BUCKETS, w),
            "w_query": (h, w),
            "b_query": (w,),
            "w_silence": (h, HAZARDS),
            "b_silence": (HAZARDS,),
            "slots": (c, w + 1),  # per slot: what was learned beside the text's vector, and the bias
        }
        total = sum(math.prod(size) for size in sizes.values())
        self.flat = torch.zeros(total) if flat is None else flat
        if self.flat.numel() != total:
            raise ValueError(f"a model of this shape has {total} parameters, not {self.flat.numel()}")
        self._views: dict[str, Tensor] = {}
        at = 0
        for name, size in sizes.items():
            count = math.prod(size)
            self._views[name] = self.flat[at : at + count].view(size)
            at += count
        self.fixed = total - c * (w + 1)

    def __getitem__(self, name: str) -> Tensor:
        return self._views[name]

    def items(self) -> Iterable[tuple[str, Tensor]]:
        """All views by name, the slots last."""
        return self._views.items()

    @property
    def delta(self) -> Tensor:
        """[C, width]"""
        return self._views["slots"][:, :-1]

    @property
    def bias(self) -> Tensor:
        """[C]"""
        return self._views["slots"][:, -1]

    def used(self, rows: int) -> int:
        """Length of the prefix of `flat` that covers the first `rows` slots."""
        return self.fixed + rows * (self.shape.width + 1)

    def initialise(self, seed: int) -> None:
        """Draw the starting weights."""
        generator = torch.Generator().manual_seed(seed)
        h = self.shape.hidden
        for name, scale in (("w_in", h**-0.5), ("w_rec", h**-0.5), ("gap_in", 0.3), ("w_query", h**-0.5)):
            self[name].copy_((torch.rand(self[name].shape, generator=generator) * 2 - 1) * scale)
        self["b_in"][h : 2 * h] = 1.0  # remember by default
        self["w_silence"].copy_((torch.rand(h, HAZARDS, generator=generator) * 2 - 1) * h**-0.5)

    def weights(self) -> Weights:
        """Of the LSTM."""
        return self["w_in"], self["w_rec"], self["b_in"], torch.zeros_like(self["b_in"])

    def reset_slots(self, rows: Tensor, active: Tensor) -> None:
        """Start slots anew: nothing learned, and as unlikely as the least likely template that is known."""
        others = active.clone()
        others[rows] = False
        floor = self.bias[: len(others)][others].min() if bool(others.any()) else torch.tensor(0.0)
        self.delta[rows] = 0.0
        self.bias[rows] = floor


class Batch(NamedTuple):
    """Segments to learn from: B runs of at most T events, padded at their end."""

    slots: Tensor  # [B, T] int64
    gaps: Tensor  # [B, T] int64, gap bucket before the event
    learn: Tensor  # [B, T] bool: the event is a target
    interval: Tensor  # [B, T] int64: rung interval in which the next event came, or as far as silence is known
    ended: Tensor  # [B, T] bool: an event came there; False: all that is known is silence through the rungs before


def embedding(p: Parameters, base: Tensor) -> Tensor:
    """Vectors of the slots [V, width]: the text's, and what was learned."""
    return base + p.delta[: len(base)]


def loss(p: Parameters, base: Tensor, active: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """What is minimised (nats per event, scalar), and its part from templates alone.

    Args:
        p: parameters.
        base: [V, width] text vectors of the slots.
        active: [V] bool, slots that hold a template.
        batch: segments.
    """
    vectors = embedding(p, base)
    x = F.embedding(batch.slots.t(), vectors) + F.embedding(batch.gaps.t(), p["gap_in"])  # [T, B, width]
    zero = x.new_zeros(1, x.shape[1], p.shape.hidden)
    after, _, _ = torch.lstm(x, (zero, zero), p.weights(), True, 1, 0.0, True, False, False)  # [T, B, H]
    before = torch.cat([zero, after[:-1]])
    rows = batch.learn.t().reshape(-1).nonzero().squeeze(1)
    h = before.reshape(-1, p.shape.hidden)[rows]
    absent = torch.where(active, 0.0, ABSENT)
    logits = torch.addmm(p["b_query"], h, p["w_query"]) @ vectors.t() + p.bias[: len(base)] + absent
    count = max(1, len(rows))
    events = F.cross_entropy(logits, batch.slots.t().reshape(-1)[rows], reduction="sum") / count
    return events + _silence_loss(p, after, batch) / count, events


def _silence_loss(p: Parameters, after: Tensor, batch: Batch) -> Tensor:
    interval = batch.interval.t().reshape(-1)
    rows = (interval >= 0).nonzero().squeeze(1)
    h = after.reshape(-1, p.shape.hidden)[rows]
    hazards = torch.addmm(p["b_silence"][:4], h, p["w_silence"][:, :4])
    reached = interval[rows][:, None]
    rung = torch.arange(len(RUNGS), device=h.device)[None, :]
    spoke = (rung == reached) & batch.ended.t().reshape(-1)[rows][:, None]
    at_risk = (rung < reached) | spoke
    each = F.binary_cross_entropy_with_logits(hazards, spoke.float(), reduction="none")
    return (each * at_risk).sum()


def _stray(shares: Float64) -> Float64:
    return np.maximum(shares * STRAY, 1e-12)


class Tables:
    """What scoring needs of one set of parameters, folded into as few products as possible. Immutable; the parameters
    must be, too."""

    def __init__(self, p: Parameters, base: Float32, active: Bool, shares: Float64) -> None:
        size = len(active)
        columns = padded(size)
        vectors = embedding(p, torch.from_numpy(base[:size].copy()))
        self.inputs = vectors.contiguous()  # [V, width]
        self.gaps = p["gap_in"]  # [BUCKETS, width]
        self.weights = p.weights()
        self.out = torch.zeros(p.shape.hidden, columns)  # [H, V']
        self.out[:, :size] = (vectors @ p["w_query"].t()).t()
        self.out_bias = torch.full((columns,), ABSENT)
        here = torch.from_numpy(np.flatnonzero(active))
        self.out_bias[here] = (vectors @ p["b_query"] + p.bias[:size])[here]
        self.hazards = p["w_silence"]
        self.hazard_bias = p["b_silence"]
        self.known = bool(active.any())
        self.stray = _stray(shares)  # [V]

    def with_shares(self, shares: Float64) -> Tables:
        """The same with other shares [V] of the templates in the recent events."""
        other = copy(self)
        other.stray = _stray(shares)
        return other

    def events(self, h: Tensor) -> Tensor:
        """Log-probabilities [n, V'] of the next template after states h [n, H], n a multiple of 16."""
        return torch.log_softmax(torch.addmm(self.out_bias, h, self.out), dim=1)

    def surprise(self, h: Tensor, slots: Int32) -> Float32:
        """−log P [n] of templates `slots` [n] after states h [n or more, H], as many as a multiple of 16."""
        said = self.events(h).numpy()[np.arange(len(slots)), slots].astype(np.float64)
        nats: Float32 = -np.log(np.exp(said) * (1.0 - STRAY) + self.stray[slots]).astype(np.float32)
        return nats

    def silence(self, h: Tensor) -> Tensor:
        """−log P(silent through each rung) [n, 4] after states h [n, H], n a multiple of 16."""
        hazards = torch.addmm(self.hazard_bias, h, self.hazards)[:, : len(RUNGS)].contiguous()
        return torch.cumsum(F.softplus(hazards), dim=1)  # softplus(z) = −log(1 − sigmoid(z))
