"""`deployments`, our own recordings: does one fail within 60 s? Held out by deployment and by kind of fault.

The recordings go through the real pipeline, as in `logwatchd train risk`. Deployments that ran at the same time are on
one side of a split; what is chosen is chosen on a part of the training side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from logwatch.app.outcomes import read_outcomes
from logwatch.app.training import ENDS, label, windows_of
from logwatch.cli.ui import Terminal
from logwatch.config import load
from logwatch_cnn_risk.election import CNN, Recipe
from logwatch_cnn_risk.evaluate import Truth, by_fault, by_group, figures
from logwatch_cnn_risk.frames import LEAST_KNOWN, Frames, columns_of, common_names, frames, known_share
from logwatch_cnn_risk.models import RULE, fit_models
from tests.benchmarks.frame import ROOT, Benchmark

HORIZON = 60.0
DATA = ROOT / "tests" / "data" / "deployments"
AIM_AUC, AIM_CAUGHT, AIM_LEAD, AIM_FAULT = 0.95, 0.8, 30.0, 0.85
CHANCE = 0.5
FLOOR_FAULTS = 6

DESIGNED = 96
"""Deployments from this number on were recorded after the networks on trends; builds were compared on those before."""

LOOKS = {"first 95, while builds were compared": 30, "all, with the builds of today": 1}
"""How often figures of held-out deployments were read: what was read often flatters."""


def recorded(folder: Path) -> tuple[Frames, Truth]:
    """Whole windows of all recordings, and what became of them."""
    files = tuple(str(one) for one in sorted((folder / "recordings").glob("*.csv.gz")))
    with Terminal(show_alerts=False) as ui:
        found = windows_of(files, load(None), int(HORIZON / ENDS * 1e9), ui)
    labelled = label(found, read_outcomes(folder / "labels.csv"), HORIZON)
    labelled = [one for one in labelled if known_share(one.window) >= LEAST_KNOWN]
    windows = [one.window for one in labelled]
    some = frames(windows, common_names(windows), columns_of(windows[0].values.shape[1]))
    return some, Truth.of(labelled)


def later(bench: Benchmark, some: Frames, truth: Truth, recipe: Recipe) -> None:
    """Figures of models that know the deployments before `DESIGNED`, on those from there on."""
    test = np.array([int(one.removeprefix("shop")) >= DESIGNED for one in truth.deployments.tolist()])
    models = fit_models(some.take(~test), truth.failing[~test], truth.groups[~test], bench.seed, recipe)
    for name, p in models.probabilities(some.take(test)).items():
        one = figures(p, truth.of_rows(test), bench.seed)
        bench.figure(f"later/auc/{name}", one["auc"], (one["auc_low"], one["auc_high"]))
        bench.figure(f"later/caught/{name}", one["caught"])
        bench.figure(f"later/lead_s/{name}", one["lead"])


def run(bench: Benchmark) -> None:
    """The table."""
    some, truth = recorded(DATA)
    recipe = Recipe()
    bench.log(f"{len(some)} windows of {len(np.unique(truth.deployments))} deployments")
    for which, count in LOOKS.items():
        bench.baseline(f"looks/{which}", count)
    later(bench, some, truth, recipe)
    if bench.options.later:
        return
    models = {
        name: figures(p, truth, bench.seed)
        for name, p in by_group(some, truth, bench.seed, recipe, lambda share: None).items()
    }
    for name, one in models.items():
        mine = name == CNN
        floor, aim = (models[RULE]["auc"], AIM_AUC) if mine else (None, None)
        bench.figure(f"auc/{name}", one["auc"], (one["auc_low"], one["auc_high"]), floor, aim)
        bench.figure(f"caught/{name}", one["caught"], aim=AIM_CAUGHT if mine else None)
        bench.figure(f"lead_s/{name}", one["lead"], aim=AIM_LEAD if mine else None)
        bench.figure(f"brier/{name}", one["brier"])
    for name, kinds in by_fault(some, truth, bench.seed, recipe, lambda share: None).items():
        known = np.array([value for value in kinds.values() if np.isfinite(value)])
        bench.figure(f"fault/mean/{name}", float(known.mean()) if len(known) else np.nan, aim=AIM_FAULT)
        bench.figure(f"fault/above chance/{name}", float((known > CHANCE).sum()), floor=FLOOR_FAULTS)
        for kind, value in kinds.items():
            bench.figure(f"fault/{kind}/{name}", value)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--later", action="store_true", help="only the deployments that came after the design")
    with Benchmark("deployments", parser=parser) as bench:
        run(bench)


if __name__ == "__main__":
    main()
