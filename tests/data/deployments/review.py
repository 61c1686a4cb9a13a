"""How hard the task is: ``python -m tests.data.deployments.review [DIR]``.

Windows of 60 s, every 5 s, ending before the failure; positive where it comes within 60 s. The AUC of every single
metric's mean and slope, of a rule without labels, and of a logistic regression on all of them, held out by fold.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
STEPS, HOP = 120, 10
HORIZON = 120  # steps


def read(path: Path) -> tuple[list[str], Array]:
    """Names, and values (steps, metrics); gaps hold the value before."""
    with gzip.open(path, "rt") as file:
        names, *rows = csv.reader(file)
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
    for step in range(1, len(values)):
        values[step] = np.where(np.isnan(values[step]), values[step - 1], values[step])
    return names[1:], np.nan_to_num(values)


def statistics(window: Array) -> Array:
    """Mean, and slope over the window, of each metric; (2 · metrics)."""
    at = np.linspace(-1, 1, len(window))
    return np.concatenate([window.mean(0), at @ window / (at @ at)])


def departure(window: Array) -> float:
    """Mean over the metrics of |z|: the last 10 s against the rest of the window; no z above 10."""
    before, last = window[:-20], window[-20:]
    spread = np.maximum(before.std(0), 1e-3 * np.abs(before).mean(0) + 1e-9)
    return float(np.minimum(np.abs(last.mean(0) - before.mean(0)) / spread, 10).mean())


def auc(score: Array, positive: Array) -> float:
    """Area under the ROC curve, ties counted half."""
    ranks = np.empty(len(score))
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = positive.sum()
    return float((ranks[positive > 0].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def logistic(features: Array, positive: Array, decay: float = 1e-2) -> Array:
    """Weights (features + 1) of a regression, by Newton's method."""
    x = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(x.shape[1])
    ridge = decay * len(x) * np.eye(len(weights))
    for _ in range(15):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - positive) + ridge @ weights
        weights -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, gradient)
    return weights


def windows(folder: Path) -> tuple[list[str], Array, Array, Array, Array, Array]:
    """Names of the metrics; of all windows features, labels, folds, numbers of deployments and departures."""
    with (folder / "deployments.csv").open() as file:
        fold = {row["deployment"]: int(row["fold"]) for row in csv.DictReader(file)}
    with (folder / "labels.csv").open() as file:
        labels = list(csv.DictReader(file))
    read_all = {row["deployment"]: read(folder / "recordings" / f"{row['deployment']}.csv.gz") for row in labels}
    names = sorted(set.intersection(*(set(found) for found, _ in read_all.values())))
    made = []
    for number, row in enumerate(labels):
        found, values = read_all[row["deployment"]]
        values = values[:, [found.index(name) for name in names]]
        failed = len(values)
        if row["failed"] == "1":
            failed = int(
                (np.datetime64(row["failed_at"][:-1]) - np.datetime64(row["start"][:-1])) / np.timedelta64(500, "ms")
            )
        for end in range(STEPS, min(failed, len(values)) + 1, HOP):
            positive = row["failed"] == "1" and failed - end <= HORIZON
            window = values[end - STEPS : end]
            made.append((statistics(window), positive, fold[row["deployment"]], number, departure(window)))
    return names, *(np.array([m[i] for m in made], dtype=float) for i in range(5))


def main(argv: Sequence[str]) -> None:
    """Print the figures."""
    names, features, positive, folds, numbers, rule = windows(Path(argv[0]) if argv else Path(__file__).parent)
    named = [f"{kind} {name}" for kind in ("mean", "slope") for name in names]
    single = {name: auc(column, positive) for name, column in zip(named, features.T, strict=True)}
    print(f"{len(positive)} windows of {len(set(numbers))} deployments, {positive.mean():.0%} before a failure")
    for name in sorted(single, key=lambda name: -abs(single[name] - 0.5))[:12]:
        print(f"  {single[name]:.3f} {name}")
    print(f"  {auc(rule, positive):.3f} mean |z| of the last 10 s against the rest of the window")
    scaled = np.sign(features) * np.log1p(np.abs(features))
    out = np.zeros(len(positive))
    for fold in set(folds):
        train = folds != fold
        middle, spread = scaled[train].mean(0), scaled[train].std(0) + 1e-9
        x = np.clip((scaled - middle) / spread, -5, 5)
        weights = logistic(x[train], positive[train])
        out[~train] = np.column_stack([x, np.ones(len(x))])[~train] @ weights
    print(f"  {auc(out, positive):.3f} logistic regression on means and slopes, held out by fold")
    whole = np.array([[out[numbers == n].max(), positive[numbers == n].max()] for n in sorted(set(numbers))])
    print(f"  {auc(whole[:, 0], whole[:, 1]):.3f} the same, the highest score of each deployment")


if __name__ == "__main__":
    main(sys.argv[1:])
