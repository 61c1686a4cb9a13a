"""What the models are worth on deployments that they have not seen: held out by group, and by kind of fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32, LabelledWindow
from logwatch_cnn_risk.election import CNN, ROWS, Recipe
from logwatch_cnn_risk.folds import FOLDS, folds_of
from logwatch_cnn_risk.frames import Frames
from logwatch_cnn_risk.measure import Bools, auc, gate, interval
from logwatch_cnn_risk.models import BOOSTED, LOGISTIC, NAMES, RULE, fit_models
from logwatch_cnn_risk.progress import Progress, part_of

SIMPLER = (RULE, LOGISTIC, BOOSTED, ROWS, CNN)
AS_WELL = 0.005
"""A simpler model serves where its AUC is lower by less."""


@dataclass(frozen=True)
class Truth:
    """What became of n windows."""

    failing: Bools
    deployments: NDArray[Any]
    groups: NDArray[Any]
    faults: NDArray[Any]  # "" where it did not fail
    lead: Float32

    @staticmethod
    def of(windows: Sequence[LabelledWindow]) -> Truth:
        """Of labelled windows."""
        return Truth(
            np.array([one.failing for one in windows], bool),
            np.array([one.deployment for one in windows]),
            np.array([one.group for one in windows]),
            np.array([one.fault for one in windows]),
            np.array([one.lead for one in windows], np.float32),
        )

    def of_rows(self, rows: Bools) -> Truth:
        """Of some of the windows."""
        return Truth(
            self.failing[rows], self.deployments[rows], self.groups[rows], self.faults[rows], self.lead[rows]
        )  # fmt: skip


def by_group(some: Frames, truth: Truth, seed: int, recipe: Recipe, told: Progress) -> dict[str, Float32]:
    """Probabilities [n] by each model that has seen nothing of the window's group."""
    fold = folds_of(truth.groups, truth.failing, seed)
    return _held([fold == one for one in np.unique(fold)], some, truth, seed, recipe, told)


def by_fault(some: Frames, truth: Truth, seed: int, recipe: Recipe, told: Progress) -> dict[str, dict[str, float]]:
    """AUC of each model for each kind of fault that was in no group of its training; NaN: there are too few."""
    kinds = sorted(set(truth.faults.tolist()) - {""})
    parts = [kinds[at::FOLDS] for at in range(min(FOLDS, len(kinds)))]
    found: dict[str, dict[str, float]] = {name: {} for name in NAMES}
    for number, part in enumerate(parts):
        test = np.isin(truth.groups, truth.groups[np.isin(truth.faults, part)])
        if _too_few(truth, ~test):
            continue
        p = _fold(some, truth, test, seed, recipe, part_of(told, number / len(parts), 1 / len(parts)))
        for name in NAMES:
            for kind in part:
                rows = ~truth.failing[test] | (truth.faults[test] == kind)
                found[name][kind] = auc(p[name][rows], truth.failing[test][rows])
    return found


def _too_few(truth: Truth, train: Bools) -> bool:
    bad = np.unique(truth.groups[train & truth.failing])
    return len(bad) < 2 or len(np.unique(truth.groups[train])) < 3


def _fold(some: Frames, truth: Truth, test: Bools, seed: int, recipe: Recipe, told: Progress) -> dict[str, Float32]:
    train = ~test
    models = fit_models(some.take(train), truth.failing[train], truth.groups[train], seed, recipe, told)
    return models.probabilities(some.take(test))


def _held(
    tests: Sequence[Bools], some: Frames, truth: Truth, seed: int, recipe: Recipe, told: Progress
) -> dict[str, Float32]:
    found = {name: np.full(len(some), np.nan, np.float32) for name in NAMES}
    for number, test in enumerate(tests):
        p = _fold(some, truth, test, seed, recipe, part_of(told, number / len(tests), 1 / len(tests)))
        for name, values in p.items():
            found[name][test] = values
    return found


def figures(p: Float32, truth: Truth, seed: int) -> dict[str, float]:
    """Of one model's probabilities [n]."""
    low, high = interval(p, truth.failing, truth.groups, seed)
    caught, lead = gate(p, truth.deployments, truth.faults != "", truth.lead)
    brier = float(((p - truth.failing) ** 2).mean())
    return {
        "auc": auc(p, truth.failing), "auc_low": low, "auc_high": high,
        "caught": caught, "lead": lead, "brier": brier,
    }  # fmt: skip


def best(models: dict[str, dict[str, float]]) -> str:
    """The model that serves: the simplest of those that are as good as the best."""
    most = max(one["auc"] for one in models.values())
    return next(name for name in SIMPLER if models[name]["auc"] >= most - AS_WELL)
