"""`transfer`: trained on half of the metrics, asked about the other half: the row-shared network beside the rule.

Neither the metrics nor the deployments (engines) that are asked about were in training: five folds of both data sets.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Float32
from logwatch_cnn_risk.election import ROWS, Recipe
from logwatch_cnn_risk.folds import folds_of
from logwatch_cnn_risk.frames import Frames, scale_of
from logwatch_cnn_risk.measure import auc, interval, redrawn, spread
from logwatch_cnn_risk.models import RULE, fit_models
from tests.benchmarks import cmapss, deployments
from tests.benchmarks.frame import Benchmark


def asked(some: Frames, failing: Bool, groups: NDArray[Any], seed: int, bench: Benchmark) -> dict[str, Float32]:
    """Probabilities [n] of models that have seen neither the group nor the metrics."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(scale_of(some)[:, 1] > 0))
    half, other = (some.only(np.sort(order[at::2]).tolist()) for at in (0, 1))
    fold = folds_of(groups, failing, seed)
    found = {name: np.zeros(len(some), np.float32) for name in (ROWS, RULE)}
    for one in np.unique(fold):
        train, test = fold != one, fold == one
        models = fit_models(half.take(train), failing[train], groups[train], seed, Recipe(parts={ROWS: 1}))
        for name, p in models.unscaled(other.names).probabilities(other.take(test), (ROWS, RULE)).items():
            found[name][test] = p
        bench.log(f"fold {one + 1} of {len(np.unique(fold))}")
    return found


def gain(one: Float32, two: Float32, failing: Bool, groups: NDArray[Any], seed: int) -> tuple[float, float]:
    """95 % interval of how much larger one AUC is than another, by bootstrap over groups."""
    drawn = redrawn(groups, seed)
    return spread([auc(one[rows], failing[rows]) - auc(two[rows], failing[rows]) for rows in drawn])


def told(bench: Benchmark, of: str, found: dict[str, Float32], failing: Bool, groups: NDArray[Any]) -> None:
    """Figures of one data set."""
    values = {name: auc(p, failing) for name, p in found.items()}
    for name, p in found.items():
        floor = values[RULE] if name == ROWS else None
        bench.figure(f"auc/{of}/{name}", values[name], interval(p, failing, groups, bench.seed), floor)
    more = gain(found[ROWS], found[RULE], failing, groups, bench.seed)
    bench.figure(f"gain/{of}", values[ROWS] - values[RULE], more, 0.0)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hop", type=int, default=4, help="cycles between two windows of an engine (%(default)s)")
    with Benchmark("transfer", source=cmapss.SOURCE, parser=parser) as bench:
        some, truth = deployments.recorded(deployments.DATA)
        found = asked(some, truth.failing, truth.groups, bench.seed, bench)
        told(bench, "deployments", found, truth.failing, truth.groups)
        engines, engine, left = cmapss.recorded(bench)
        failing, hard = left < cmapss.HORIZON, left <= cmapss.HARD
        found = asked(engines, failing, engine, bench.seed, bench)
        told(bench, "cmapss", {name: p[hard] for name, p in found.items()}, failing[hard], engine[hard])


if __name__ == "__main__":
    main()
