"""Intervals by drawing the cases anew, with replacement; the same draws every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from logwatch.types import Float64

ROUNDS = 200
MOST = 10_000_000
"""Cases drawn in all: of very many, fewer rounds are as exact."""


class Figure(NamedTuple):
    """A figure with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def draws(count: int) -> Iterator[Float64]:
    """How often each of the cases [count] was drawn, by round."""
    rng = np.random.default_rng(0)
    for _ in range(max(20, min(ROUNDS, MOST // max(count, 1)))):
        yield np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)


def intervals(count: int, figures: Callable[[Float64], tuple[float, ...]]) -> tuple[Figure, ...]:
    """Figures of the cases, each with its interval; draws in which one is not defined say nothing of it.

    Args:
        count: cases; none: nothing is defined.
        figures: of weights [count], always as many.
    """
    if not count:
        return tuple(Figure(value) for value in figures(np.zeros(0)))
    values = figures(np.ones(count))
    drawn = np.array([figures(weights) for weights in draws(count)])
    found = []
    for column, value in enumerate(values):
        known = drawn[~np.isnan(drawn[:, column]), column]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
        found.append(Figure(value, float(low), float(high)))
    return tuple(found)
