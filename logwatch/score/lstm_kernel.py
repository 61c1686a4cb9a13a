"""The LSTM over ragged runs of events, bit-equal however the events are split into calls.

Rounding must not depend on what else is in the batch, or a different split would change a score in its last bit and,
through it, what is admitted to training. Three rules make it so (each is checked when a kernel is chosen):
the fused kernel is never run on fewer than two columns, matrix products never on a number of rows that is not a
multiple of 16, and element-wise functions only on whole vectors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from logwatch.types import Int64

ROWS = 16
"""Products of any multiple of this many rows round alike; products of 1 or 7 rows do not."""

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""Input [4H, I], recurrent [4H, H], two biases [4H]; gates in torch's order (input, forget, cell, output)."""

Kernel = Callable[[Tensor, Tensor, Tensor, Weights], tuple[Tensor, Tensor, Tensor]]
"""x [T, W, I], h [W, H], c [W, H] → outputs [T, W, H], h [W, H], c [W, H]."""


def padded(rows: int) -> int:
    """`rows` rounded up to a number for which products are exact."""
    return -(-rows // ROWS) * ROWS


WIDTHS = (2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Widths that the fused kernel is called with: each new shape costs it half a millisecond and some memory."""


def fused(x: Tensor, h: Tensor, c: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """The library's LSTM (oneDNN on CPUs), in few different shapes; never one column alone."""
    steps, width, inputs = x.shape
    wide = next((w for w in WIDTHS if w >= width), -(-width // WIDTHS[-1]) * WIDTHS[-1])
    if wide > width:
        more = wide - width
        x = torch.cat([x, x.new_zeros(steps, more, inputs)], dim=1)
        h, c = (torch.cat([part, part.new_zeros(more, part.shape[1])]) for part in (h, c))
    out, h, c = torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, False, False, False)
    return out[:, :width], h[0, :width], c[0, :width]


def stepwise(x: Tensor, h: Tensor, c: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """The same by one product per step: for machines whose fused kernel does not round alike at every width."""
    w_in, w_rec, b_in, b_rec = weights
    steps, width, _ = x.shape
    rows, hidden = padded(width), h.shape[1]
    pad = torch.zeros(rows - width, hidden)
    h, c = torch.cat([h, pad]), torch.cat([c, pad])
    wide = torch.zeros(steps, rows, x.shape[2])
    wide[:, :width] = x
    out = torch.empty(steps, rows, hidden)
    for t in range(steps):
        gates = torch.addmm(b_in + b_rec, wide[t], w_in.t()) + h @ w_rec.t()
        i, f, g, o = (part.contiguous() for part in gates.chunk(4, dim=1))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        out[t] = h
    return out[:, :width], h[:width], c[:width]


def is_exact(kernel: Kernel, inputs: int, hidden: int) -> bool:
    """Whether a few widths and a split give the bits that one wide call gives."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.5

    weights = (draw(4 * hidden, inputs), draw(4 * hidden, hidden), draw(4 * hidden), draw(4 * hidden))
    x, h, c = draw(5, 67, inputs), draw(67, hidden), draw(67, hidden)
    out, _, end = kernel(x, h, c, weights)
    for first, width in ((0, 1), (3, 2), (5, 3), (1, 16), (2, 33), (60, 7)):
        part = slice(first, first + width)
        head, h1, c1 = kernel(x[:2, part].contiguous(), h[part].clone(), c[part].clone(), weights)
        tail, _, c2 = kernel(x[2:, part].contiguous(), h1, c1, weights)
        same = torch.equal(torch.cat([head, tail]), out[:, part]) and torch.equal(c2, end[part])
        if not same:
            return False
    return True


def choose(inputs: int, hidden: int) -> Kernel:
    """The fastest kernel that is exact on this machine."""
    with torch.inference_mode():
        return fused if is_exact(fused, inputs, hidden) else stepwise


def run(
    kernel: Kernel, x: Tensor, lengths: Int64, h: Tensor, c: Tensor, weights: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """Advance each key over its own run of events.

    Args:
        kernel: from `choose`.
        x: [n, I] inputs, the runs of the keys one after the other.
        lengths: [K] events of each key, all > 0, adding up to n; K may be 0.
        h: [K, H] states before.
        c: [K, H] cells before.
        weights: of the LSTM.

    Returns:
        The state after each event [n, H], and h and c after each key's last [K, H].
    """
    starts = np.cumsum(lengths) - lengths
    after = torch.empty(len(x), h.shape[1])
    h, c = h.clone(), c.clone()
    # A run of 13 events is one call of 8 steps, one of 4 and one of 1, each shared with all runs that have that bit:
    # few calls, few shapes, and no padded steps, which would spoil the cell state.
    for bit in reversed(range(int(lengths.max(initial=0)).bit_length())):
        steps = 1 << bit
        who = np.flatnonzero(lengths & steps)
        if not len(who):
            continue
        begin = starts[who] + ((lengths[who] >> (bit + 1)) << (bit + 1))
        keys = torch.from_numpy(who)
        if len(who) == 1:  # the events lie one after the other: nothing to gather
            rows = slice(int(begin[0]), int(begin[0]) + steps)
            out, h[keys], c[keys] = kernel(x[rows].view(steps, 1, -1), h[keys], c[keys], weights)
            after[rows].view(steps, 1, -1).copy_(out)
            continue
        at = torch.from_numpy((np.arange(steps)[:, None] + begin[None, :]).reshape(-1))
        out, h[keys], c[keys] = kernel(x[at].view(steps, len(who), -1), h[keys], c[keys], weights)
        after[at] = out.reshape(-1, h.shape[1])
    return after, h, c
