"""`cmapss_fd001`: does an engine fail within 30 cycles? Five folds by engine, AUC within 80 cycles of its end.

100 engines run to failure; a window is 30 cycles of 24 channels, its past the cycles before. All models of the risk
plugin are fitted alike: the network on heatmaps, the row-shared one, logistic regression, and the rule without labels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from logwatch.heatmap.past import quantiles_of
from logwatch.types import Bool, Float32, Int64, MetricWindow
from logwatch_cnn_risk.election import CNN, ROWS, Recipe
from logwatch_cnn_risk.frames import Frames, frames, scale_of
from logwatch_cnn_risk.measure import auc, interval
from logwatch_cnn_risk.models import NAMES, fit_models
from tests.benchmarks.frame import Benchmark

SOURCE = "NASA C-MAPSS, FD001"
WINDOW, HORIZON, HARD = 30, 30, 80
FOLDS = 5
GONE = 0.25
"""Share of the metrics that are missing, others in each window."""

FLOORS = {CNN: (0.985, 0.99)}
MISSING_FLOORS = {ROWS: (0.92, 0.96)}


def engines(file: Path) -> dict[int, Float32]:
    """Channels [24, cycles] of each engine; some cells are written as text: NaN."""
    rows: dict[int, list[list[float]]] = {}
    for line in file.read_text().splitlines():
        cells = line.split()
        rows.setdefault(int(cells[0]), []).append([_number(cell) for cell in cells[2:26]])
    return {engine: np.array(found, np.float32).T for engine, found in rows.items()}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def windows(every: dict[int, Float32], hop: int) -> tuple[list[MetricWindow], Int64, Int64]:
    """Windows of all engines; which engine [n], and the cycles that it has left [n]."""
    names = tuple(f"channel {at:02d}" for at in range(24))
    found, engine, left = [], [], []
    for number, values in every.items():
        cycles = values.shape[1]
        for end in range(cycles, WINDOW - 1, -hop):
            part, past = values[:, end - WINDOW : end], quantiles_of(values[:, : end - WINDOW])
            found.append(MetricWindow(str(number), names, end - WINDOW, 1, part, past))
            engine.append(number)
            left.append(cycles - end)
    return found, np.array(engine), np.array(left)


def recorded(bench: Benchmark) -> tuple[Frames, Int64, Int64]:
    """Windows of all engines, without channels that stand still; which engine, and the cycles that it has left."""
    every = engines(bench.data("cmapss_fd001") / "train_FD001.txt")
    made, engine, left = windows(every, bench.options.hop)
    some = frames(made, made[0].metrics, WINDOW)
    return some.only(np.flatnonzero(scale_of(some)[:, 1] > 0).tolist()), engine, left


def run(bench: Benchmark) -> None:
    """Folds by engine; the table."""
    some, engine, left = recorded(bench)
    failing = left < HORIZON
    rng = np.random.default_rng(bench.seed)
    every = np.unique(engine).tolist()
    fold = dict(zip(every, rng.permutation(len(every)) % FOLDS, strict=True))
    folds = np.array([fold[one] for one in engine.tolist()])
    gone: Bool = rng.random((len(some), len(some.names))) < GONE
    kinds = {"whole": {}, "quarter missing": {}}  # type: dict[str, dict[str, Float32]]
    for one in range(FOLDS):
        train, test = folds != one, folds == one
        models = fit_models(some.take(train), failing[train], engine[train], bench.seed + one, Recipe())
        _put(kinds["whole"], test, models.probabilities(some.take(test)))
        _put(kinds["quarter missing"], test, models.probabilities(some.take(test).without(gone[test])))
        bench.log(f"fold {one + 1} of {FOLDS}")
    hard = left <= HARD
    for kind, by_model in kinds.items():
        for name in (name for name in NAMES if name in by_model):
            p = by_model[name][hard]
            floor, aim = {"whole": FLOORS, "quarter missing": MISSING_FLOORS}.get(kind, {}).get(name, (None, None))
            value = auc(p, failing[hard])
            bench.figure(f"auc/{kind}/{name}", value, interval(p, failing[hard], engine[hard], bench.seed), floor, aim)


def _put(into: dict[str, Float32], rows: Bool, found: dict[str, Float32]) -> None:
    for name, p in found.items():
        into.setdefault(name, np.zeros(len(rows), np.float32))[rows] = p


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hop", type=int, default=2, help="cycles between two windows (%(default)s)")
    with Benchmark("cmapss", source=SOURCE, parser=parser) as bench:
        run(bench)


if __name__ == "__main__":
    main()
