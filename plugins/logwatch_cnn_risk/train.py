"""All models from labelled windows: compared on deployments held out, fitted on all, written to one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from logwatch.api import FitReport, LabelledWindow
from logwatch_cnn_risk.election import Recipe
from logwatch_cnn_risk.evaluate import Truth, best, by_fault, by_group, figures
from logwatch_cnn_risk.frames import LEAST_KNOWN, Frames, columns_of, common_names, frames, known_share
from logwatch_cnn_risk.measure import curves, earliest
from logwatch_cnn_risk.models import NAMES, RULE, fit_models
from logwatch_cnn_risk.progress import part_of
from logwatch_cnn_risk.weights import Learned, save

LEAST_FAILED, LEAST_HEALTHY = 5, 5
"""Deployments of each kind, below which nothing can be learned and nothing said of what was."""

GROUPS, FAULTS = 0.45, 0.9
"""Share of the work that is done after the comparison by group, and after that by fault."""

FAIR = 0.7
LEAST_KINDS = 3
"""Kinds of faults from which on they are held out one after the other."""


def fit(
    windows: Sequence[LabelledWindow], out: Path, horizon: float, seed: int, progress: Callable[[float, str], None],
    recipe: Recipe | None = None,
) -> FitReport:  # fmt: skip
    """See `Trainable.fit`. Raises ValueError: too few deployments that failed, or that did not."""
    windows = [one for one in windows if known_share(one.window) >= LEAST_KNOWN]
    _check(windows)
    some, truth, recipe = _frames(windows), Truth.of(windows), recipe or Recipe()
    p = by_group(some, truth, seed, recipe, part_of(lambda share: progress(share, "held out by deployment"), 0, GROUPS))
    models = {name: figures(p[name], truth, seed) for name in NAMES}
    if len(set(truth.faults.tolist()) - {""}) >= LEAST_KINDS:
        told = part_of(lambda share: progress(share, "held out by kind of fault"), GROUPS, FAULTS - GROUPS)
        for name, kinds in by_fault(some, truth, seed, recipe, told).items():
            models[name] |= {f"fault/{kind}": value for kind, value in kinds.items()}
    serves = best(models)
    last = fit_models(
        some, truth.failing, truth.groups, seed, recipe,
        part_of(lambda share: progress(share, "on all deployments"), FAULTS, 1 - FAULTS),
    )  # fmt: skip
    one = windows[0].window
    notes = tuple(_notes(models, serves, truth))
    save(Learned(last, serves, horizon, (one.end - one.start) / 1e9), out, "; ".join(notes))
    by_model = {
        name: curves(p[name], truth.failing)
        | {"lead": earliest(p[name], truth.deployments, truth.faults != "", truth.lead)}
        for name in NAMES
    }
    return FitReport(serves, models, by_model, notes)


def _frames(windows: Sequence[LabelledWindow]) -> Frames:
    every = [one.window for one in windows]
    steps = every[0].values.shape[1]
    return frames(every, common_names(every), columns_of(steps))


def _check(windows: Sequence[LabelledWindow]) -> None:
    """Raises ValueError."""
    failed = {one.deployment for one in windows if one.failing}
    healthy = {one.deployment for one in windows} - {one.deployment for one in windows if one.fault}
    if not windows:
        raise ValueError("no window has enough samples")
    if len(failed) < LEAST_FAILED or len(healthy) < LEAST_HEALTHY:
        raise ValueError(
            f"{len(failed)} deployments that failed and {len(healthy)} that did not have windows before their end: "
            f"training needs {LEAST_FAILED} and {LEAST_HEALTHY}"
        )
    if len({one.group for one in windows if one.failing}) < LEAST_FAILED:
        raise ValueError("the deployments that failed ran at the same time: none can be held out")
    if len({one.window.values.shape[1] for one in windows}) > 1:
        raise ValueError("windows of several lengths")


def _notes(models: dict[str, dict[str, float]], serves: str, truth: Truth) -> list[str]:
    failed = len(np.unique(truth.deployments[truth.faults != ""]))
    every = len(np.unique(truth.deployments))
    notes = [f"{len(truth.failing)} windows of {every} deployments, {failed} of which failed"]
    best_auc, of_rule = models[serves]["auc"], models[RULE]["auc"]
    if serves == RULE or of_rule >= models[serves]["auc_low"]:
        notes.append(
            f"the rule does as well (AUC {of_rule:.3f} against {best_auc:.3f}): --model rule needs no training"
        )
    if best_auc < FAIR:
        notes.append("no model tells failing deployments from others: do not gate on it")
    return notes
