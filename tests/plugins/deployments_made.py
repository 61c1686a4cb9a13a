"""Deployments made up for tests: some leak memory and fail, in some the queue only looks bad."""

from __future__ import annotations

import numpy as np

from logwatch.api import LabelledWindow, MetricWindow
from logwatch.types import Float32

SECOND = 10**9
START = 1_760_000_000 * SECOND
NAMES = ("load", "memory", "waiting", "written")
STEPS, LENGTH, HORIZON = 16, 60, 30
RANKS = np.linspace(0, 1, 17)
FAULTS = ("leak", "slow leak", "late leak")


def deployment(number: int) -> tuple[Float32, str]:
    """Values [4, 60], a second apart, and the fault that ends it with the last one; empty: it goes on."""
    rng = np.random.default_rng(number)
    values = rng.normal([[5], [50], [3], [100]], [[0.5], [1], [0.3], [5]], (4, LENGTH)).astype(np.float32)
    if number % 3 == 1:
        values[2, 30 + number % 7 :] += 3
    if number % 2:
        return values, ""
    values[1, 30:] += np.linspace(0, 40, 30, dtype=np.float32)
    return values, FAULTS[number // 2 % len(FAULTS)]


def windows(count: int = 24) -> list[LabelledWindow]:
    """Windows of deployments, five seconds apart."""
    made = []
    for number in range(count):
        values, fault = deployment(number)
        for end in range(STEPS, LENGTH + 1, 5):
            lead = float(LENGTH - end) if fault else 0.0
            first = end - STEPS
            before = values[:, :first]
            past = np.quantile(before, RANKS, axis=1).T.astype(np.float32) if first >= STEPS else None
            start = START + first * SECOND
            part = MetricWindow(f"d{number}", NAMES, start, SECOND, values[:, first:end], past)
            failing = bool(fault) and lead <= HORIZON
            made.append(LabelledWindow(part, failing, f"d{number}", f"g{number}", fault, lead))
    return made
