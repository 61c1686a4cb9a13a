"""Tails of nats: bins, ageing weights, and the generalised-Pareto end of a histogram.

Everything works on many rows at once; a row is one histogram over the bins of `EDGES`.

Ageing is by forward decay (Cormode et al., ICDE 2009): a new unit is added with a growing weight instead of shrinking
all that is stored, so that learning touches one bin. A generalised-Pareto end on streaming quantiles is the idea of
SPOT (Siffer et al., KDD 2017); its estimator by probability-weighted moments is that of Hosking and Wallis (1987).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Float32, Float64, Int64

BINS = 64
STEP = 0.079  # bins widen by 8 %: 0.08 nats at 0, 0.9 at 10, and the last one begins at 144 nats
EDGES: Float32 = np.expm1(np.arange(BINS) * STEP).astype(np.float32)  # [BINS] lower edges
TOP = float(np.expm1(BINS * STEP))  # where the last bin would end: a threshold above everything

LOG_FLOOR = -30 * float(np.log(10.0))  # scores end at 30 decades
TAIL = 0.03  # the tail begins where this share of the units is left
TAIL_POINTS = 20.0  # but not with fewer units than these: the estimator needs some
TAIL_MOST = 0.5
BODY = (0.2, 0.05)  # shares between which the scale of a short past is measured
XI = (1e-3, 0.3)  # never an end point (it would make p zero), never so heavy that the threshold leaves all data behind
XI_PRIOR = 100.0  # tail units that an exponential tail counts for: few units must not extrapolate by decades

RESCALE = 40.0  # log of the weight at which a row is scaled back: e^40 times 1e5 units is far inside float32


def bin_of(nats: NDArray[np.floating]) -> Int64:
    """Bin [n] of each value; exact at the edges, so that an atom always falls into the same bin."""
    found: Int64 = np.searchsorted(EDGES, nats, side="right") - 1
    return np.maximum(found, 0)


def log_weight(n: Float64, memory: float, power: Float64 | float = 2.0) -> Float64:
    """Logarithm of the weight of the n-th unit: grows as n^power at first (a bad start is forgotten), then by 1/memory.

    With n² the last third of a young stream carries 70 % of the weight, at the price of 45 % of the effective sample;
    with n the last half carries 75 %, at the price of 25 %.
    """
    knee = power * memory
    early: Float64 = power * np.log(np.clip(n, 1.0, knee) / knee)
    return early + np.maximum(n - knee, 0.0) / memory


def survival(hist: NDArray[np.floating]) -> Float64:
    """Mass at or above the lower edge of each bin [r, BINS], float64, from histograms [r, BINS]."""
    mass: Float64 = np.cumsum(hist[:, ::-1], axis=1, dtype=np.float64)[:, ::-1]
    return np.maximum(mass, 0.0)


@dataclass(slots=True)
class Fit:
    """Upper ends of r histograms: from bin `start` on P(S ≥ s) = share · (1 + xi (s − u) / sigma)^(−1/xi)."""

    log_survival: Float32  # [r, BINS] ln P(S ≥ lower edge)
    start: Int64  # [r] bin whose lower edge is u
    log_share: Float64  # [r] ln P(S ≥ u)
    sigma: Float64  # [r] nats
    xi: Float64  # [r]
    body: Float64  # [r] nats that a fifth of the units reach
    scale: Float64  # [r] nats an e-fold from there to a twentieth: few outliers in a short past hardly move it
    edges: Float32 = field(default_factory=lambda: EDGES)  # lower edges of the bins

    def log_sf(self, nats: Float64) -> Float64:
        """ln P(S ≥ nats) [r] by the generalised-Pareto end; below u as at u."""
        return log_sf(nats - self.edges[self.start], self.log_share, self.sigma, self.xi)

    def quantile(self, log_p: Float64) -> Float64:
        """Nats [r] at which ln P(S ≥ nats) = `log_p`; u where that is already rarer."""
        depth = np.maximum(self.log_share - log_p, 0.0)
        found: Float64 = self.edges[self.start] + np.expm1(self.xi * depth) / self.xi * self.sigma
        return found

    def extrapolate(self, log_p: Float64) -> Float64:
        """As `quantile`, by an exponential tail from the body, which a few outliers hardly move."""
        found: Float64 = self.body + self.scale * np.maximum(np.log(BODY[0]) - log_p, 0.0)
        return found


def fit(hist: NDArray[np.floating], units: Float64, sigma_least: Float64, edges: Float32 = EDGES) -> Fit:
    """Fit generalised-Pareto ends by probability-weighted moments, all rows at once.

    Args:
        hist: [r, bins] weights, any scale, each row with some mass.
        units: [r] effective number of units behind each row.
        sigma_least: [r] nats; a source that was constant must not claim that anything else is impossible.
        edges: [bins] lower edges of the bins.
    """
    mass = survival(hist)
    share = mass / mass[:, :1]
    level = np.clip(TAIL_POINTS / units, TAIL, TAIL_MOST)
    start = np.minimum(np.count_nonzero(share >= level[:, None], axis=1) - 1, len(edges) - 2)
    at_start = share[np.arange(len(share)), start]
    tail = share / at_start[:, None]
    width = np.where(np.arange(len(edges) - 1) >= start[:, None], np.diff(edges), 0.0)
    left, right = tail[:, :-1], tail[:, 1:]
    mean = (width * (left + right)).sum(axis=1) / 2.0  # the integral of S
    square = (width * (left * left + left * right + right * right)).sum(axis=1) / 3.0  # the integral of S²
    points = at_start * units
    shape = 2.0 - mean / np.maximum(mean - square, 1e-9)
    xi = np.clip(shape * points / (points + XI_PRIOR), *XI)
    sigma = np.maximum(mean * (1.0 - xi), sigma_least)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(share), LOG_FLOOR)
    body = _reached(logs, BODY[0], edges)
    scale = np.maximum((_reached(logs, BODY[1], edges) - body) / np.log(BODY[0] / BODY[1]), sigma_least)
    return Fit(logs.astype(np.float32), start, np.log(at_start), sigma, xi, body, scale, edges)


def _reached(logs: Float64, share: float, edges: Float32) -> Float64:
    """Nats [r] that a share of the units reach, by interpolation in ln P."""
    rows = np.arange(len(logs))
    goal = np.log(share)
    low = np.minimum(np.count_nonzero(logs >= goal, axis=1) - 1, len(edges) - 2)
    fall = logs[rows, low] - logs[rows, low + 1]
    part = np.clip((logs[rows, low] - goal) / np.maximum(fall, 1e-9), 0.0, 1.0)
    found: Float64 = edges[low] + part * (edges[low + 1] - edges[low])
    return found


def log_sf(over: Float64, log_share: Float64, sigma: Float64, xi: Float64) -> Float64:
    """ln P(S ≥ u + over) of generalised-Pareto ends [n]; `over` in nats, negative values count as 0."""
    depth: Float64 = np.log1p(xi * np.maximum(over, 0.0) / sigma) / xi
    return np.maximum(log_share - depth, LOG_FLOOR)
