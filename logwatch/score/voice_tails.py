"""Tails and openings of single voices: those of `calibration` in coarser bins, aged by event time alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score import tail, tail_openings
from logwatch.score.calibration import SIGMA_LEAST, Curves
from logwatch.score.calibration_clock import BLOCK_S
from logwatch.score.tail import BINS, EDGES
from logwatch.types import Bool, Float32, Float64, Int64

JOINED = 2
"""Bins of `tail` that are one here."""
COARSE = BINS // JOINED
COARSE_EDGES: Float32 = EDGES[::JOINED]
LOUD = np.float32(5.0)
"""Nats from which on every value is counted: most thresholds lie above."""
SAMPLED = 16
"""Of what single events say below that, one in so many is counted, for so many."""

VOICE = np.dtype(
    [
        *tail_openings.BLOCK,
        ("z", "<f8"),  # threshold in nats; inf before the first fit
        ("units", "<f4", (2, COARSE)),  # unflagged, flagged
        ("opens", "<f4", (3, COARSE)),
    ]
)
FRESH = {**tail_openings.FRESH, "z": np.inf}


def bin_of(nats: Float32, flagged: Bool | None) -> Int64:
    """Place [n] in `units` of values ≥ 0; at the edges it may differ by a bin. None: none is flagged."""
    fine = (np.log1p(nats) * np.float32(1 / tail.STEP)).astype(np.int64)
    place: Int64 = np.minimum(fine, BINS - 1) // JOINED
    return place if flagged is None else place + np.where(flagged, COARSE, 0)


def curves(
    data: NDArray[Any], source: Int64, kind: int, kinds: Bool, weight: Float64, aged: Float64, per_second: Float64
) -> Curves:
    """What thresholds of rows [r] may be chosen from, each with some units.

    Args:
        data: [r] of VOICE.
        kinds: [r, 5] kinds that the sources have shown.
        weight: [r] of a unit and of an opening now.
        aged: [r] seconds of event time that the openings stand for.
    """
    now, units, opens = weight[:, None], data["units"], data["opens"]
    unflagged = tail.survival(units[:, 0]) / now
    everything = unflagged + tail.survival(units[:, 1]) / now
    calm = unflagged[:, 0] >= 1.0
    fitted = np.where(calm[:, None], units[:, 0], units.sum(axis=1))
    least = np.full(len(source), SIGMA_LEAST[kind])
    fit = tail.fit(fitted, np.where(calm, unflagged[:, 0], everything[:, 0]), least, COARSE_EDGES)
    return Curves(
        source, np.full(len(source), kind), kinds, COARSE_EDGES, unflagged, everything,
        tail.survival(opens[:, 0]) / now, tail.survival(opens[:, 1]) / now,
        tail.survival(opens[:, 2]) / now / (aged[:, None] / BLOCK_S), aged, per_second, fit,
    )  # fmt: skip
