"""The long-memory tail of a source's PCA scores, on a logarithmic scale: it needs no unit and survives any outlier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score import tail
from logwatch.types import Bool, Float32, Float64

LOW, STEP, BINS = -7.0, 0.05, 330
EDGES: Float32 = (LOW + STEP * np.arange(BINS)).astype(np.float32)
"""Lower edges of the bins of ln(score): from a thousandth of a deviation to 256 metrics at their clip."""
NOTHING = float(np.exp(LOW))
LEAST = 128.0
"""Scores before there is an opinion."""
KINSHIP = 10.0
"""Successive scores overlap: so many count as one independent score."""


class ScoreTail:
    """Histograms of scores ≥ 0: a long one for their probability, a recent one of steps' own residuals for the gate.

    The gate must not look at the scores themselves: they remember, and would keep good steps out after a bad one.

    Args:
        memory: scores that the long one remembers.
        recent: scores that the recent one remembers.
        gate: share of the recent steps, the highest, that are not usual, [0, 1); 0: all are.
    """

    def __init__(self, memory: float, recent: float, gate: float) -> None:
        self._memory: Float64 = np.array([memory, recent])
        self._gate = gate
        self.seen = 0.0
        self.hist: Float64 = np.zeros((2, BINS))  # the long one, the recent one
        self.curve: Float32 = np.zeros(BINS, np.float32)  # ln P(score ≥ lower edge), as last fitted
        self.end: Float64 = np.array([0.0, 0.0, 0.0, 0.0, np.inf])
        """As last fitted: threshold, ln share beyond it, sigma (0: not fitted), xi; the highest usual score."""

    def log_p(self, scores: Float64) -> Float64:
        """ln P(S ≥ score) [n] ≤ 0; NaN before there are enough scores."""
        threshold, log_share, sigma, xi, _ = self.end
        if sigma == 0.0:
            return np.full(len(scores), np.nan)
        at = np.log(np.maximum(scores, NOTHING))
        body: Float64 = np.interp(at, EDGES, self.curve)
        return np.where(at < threshold, body, tail.log_sf(at - threshold, log_share, sigma, xi))

    def usual(self, own: Float64) -> Bool:
        """Which steps [n] are below the gate; all of them before there are enough."""
        usual: Bool = own <= self.end[4]
        return usual

    def learn(self, scores: Float64, own: Float64) -> None:
        """Add scores [n] and own residuals [n] of steps."""
        self.seen += len(scores)
        self.hist *= np.where(self.seen > self._memory, np.exp(-len(scores) / self._memory), 1.0)[:, None]
        for hist, values in zip(self.hist, (scores, own), strict=True):
            at = np.searchsorted(EDGES, np.log(np.maximum(values, NOTHING)), side="right") - 1
            hist += np.bincount(np.maximum(at, 0), minlength=BINS)

    def begin_anew(self) -> None:
        """Forget all scores, but not what was fitted: it serves until there are enough again."""
        self.seen = 0.0
        self.hist[:] = 0.0

    def renew(self) -> None:
        """Fit the end and the gate anew."""
        if self.seen < LEAST:
            return
        units = min(self.seen, self._memory[0]) / KINSHIP
        fit = tail.fit(self.hist[:1], np.array([units]), np.array([STEP]), EDGES)
        self.curve = fit.log_survival[0]
        mass = tail.survival(self.hist[1:])[0]
        gate = np.interp(self._gate * mass[0], mass[::-1], EDGES[::-1]) if self._gate else np.inf
        end = EDGES[fit.start[0]], fit.log_share[0], fit.sigma[0], fit.xi[0]
        self.end = np.array([*end, np.exp(gate)])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its state."""
        return {"hist": self.hist, "curve": self.curve, "end": self.end, "seen": np.array([self.seen])}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """From `arrays`."""
        self.hist, self.curve, self.end = (arrays[name].copy() for name in ("hist", "curve", "end"))
        self.seen = float(arrays["seen"][0])
