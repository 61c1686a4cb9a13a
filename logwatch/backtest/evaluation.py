"""What voices reach against labels, beside an alarm all the time and one at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from logwatch.backtest.bootstrap import Figure, intervals
from logwatch.backtest.metrics import Ranking, area, area_under_roc, operating
from logwatch.types import Bool, Float32, Float64

ALL, RANDOM = "all", "random"
"""Names of what knows nothing: it always alerts, or as often as we do, at random."""

UNDEFINED = Figure(float("nan"))


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall; k points, from the highest score on."""

    precision: Float64
    recall: Float64


@dataclass(frozen=True, slots=True)
class Reached:
    """What one voice reaches."""

    voice: str
    precision: Figure = UNDEFINED
    recall: Figure = UNDEFINED
    f1: Figure = UNDEFINED
    average_precision: Figure = UNDEFINED
    area: float = float("nan")  # under the ROC curve, of cases
    told: int = 0  # cases or alarms
    found: int = 0  # anomalies
    delay: float | None = None  # median seconds from the beginning of an anomaly to its being found
    curve: Curve | None = None


class Heard(NamedTuple):
    """Cases [n] and what voices said of them; `random` and `all` are among the voices."""

    voices: tuple[str, ...]
    labels: Bool  # [n]
    said: Float32  # [n, voices]
    crossed: Bool  # [n, voices]


def beside(voices: Sequence[str], labels: Bool, said: Float32, crossed: Bool) -> Heard:
    """The same, with what knows nothing beside it: `random` alerts as often as the first voice."""
    n = len(labels)
    rng = np.random.default_rng(0)
    chance = rng.permutation(n).astype(np.float32)
    lucky = chance >= n - int(crossed[:, 0].sum())
    always = np.ones(n, np.float32)
    return Heard(
        (*voices, RANDOM, ALL),
        labels,
        np.column_stack([said, chance, always]),
        np.column_stack([crossed, lucky, always > 0]),
    )


def of_cases(heard: Heard, delays: Float64) -> list[Reached]:
    """What each voice reaches over cases.

    Args:
        delays: [n, voices] seconds from a case's beginning until each voice crossed in it; NaN: it did not.
    """
    labels = heard.labels.astype(np.float64)
    found = []
    for column, voice in enumerate(heard.voices):
        crossed, ranking = heard.crossed[:, column].astype(np.float64), Ranking(heard.said[:, column], heard.labels)

        def figures(weights: Float64, crossed: Float64 = crossed, ranking: Ranking = ranking) -> tuple[float, ...]:
            right = float((weights * crossed * labels).sum())
            told, there = float((weights * crossed).sum()), float((weights * labels).sum())
            return (*operating(right, told, right, there), ranking.average_precision(weights))

        precision, recall, f1, average = intervals(len(labels), figures)
        hits = heard.crossed[:, column] & heard.labels
        late = delays[hits, column] if column < delays.shape[1] else np.zeros(0)
        median = float(np.nanmedian(late)) if (~np.isnan(late)).any() else None
        told = int(heard.crossed[:, column].sum())
        curve = Curve(*ranking.curve())
        under = area_under_roc(np.nan_to_num(heard.said[:, column], nan=-1.0), heard.labels)
        right = int(hits.sum())
        found.append(Reached(voice, precision, recall, f1, average, under, told, right, median, curve))
    return found


class Sweep(NamedTuple):
    """Counts at each of t thresholds, from the highest on, by s stretches of time."""

    told: Float64  # [t, s] episodes that begin in each stretch
    right: Float64  # [t, s] of those that are of an anomaly
    found: Float64  # [t, s] anomalies that begin there and are found


def of_stretches(voice: str, sweep: Sweep, at_budget: Sweep, there: Float64, delays: Float64) -> Reached:
    """What a voice reaches over anomalies that last, stretches of time being what is drawn anew.

    Args:
        at_budget: of one threshold, the budget's.
        there: [s] anomalies that begin in each stretch.
        delays: seconds until each was found; NaN: it was not.
    """

    def figures(weights: Float64) -> tuple[float, ...]:
        there_now = float(weights @ there)
        told, right, found = (float(weights @ counts[0]) for counts in at_budget)
        return (*operating(right, told, found, there_now), area(*_curve(sweep, weights, there_now)))

    precision, recall, f1, average = intervals(len(there), figures)
    late = delays[~np.isnan(delays)]
    curve = Curve(*_curve(sweep, np.ones(len(there)), float(there.sum())))
    median = float(np.median(late)) if len(late) else None
    told, found = int(at_budget.told.sum()), int(at_budget.found.sum())
    return Reached(voice, precision, recall, f1, average, told=told, found=found, delay=median, curve=curve)


def _curve(sweep: Sweep, weights: Float64, there: float) -> tuple[Float64, Float64]:
    told, right, found = (counts @ weights for counts in sweep)
    precision = np.divide(right, told, out=np.zeros_like(right), where=told > 0)
    recall = found / there if there > 0 else np.full(len(found), np.nan)
    return precision, np.maximum.accumulate(recall) if len(recall) else recall
