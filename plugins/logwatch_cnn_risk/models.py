"""The four models side by side: fitted together, asked together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32
from logwatch_cnn_risk.calibrate import Platt, calibrated
from logwatch_cnn_risk.frames import Frames, channels, distances, scale_of
from logwatch_cnn_risk.logistic import Logistic, fit, statistics
from logwatch_cnn_risk.model import HeatmapCnn
from logwatch_cnn_risk.networks import Schooling, ask, train
from logwatch_cnn_risk.rowshared import RowShared
from logwatch_cnn_risk.rule import departures, rule

CNN, ROWS, LOGISTIC, RULE = "cnn", "row-shared", "logistic", "rule"
NAMES = (CNN, ROWS, LOGISTIC, RULE)

HELD = 0.2
"""Share of the groups on which networks are stopped and probabilities fitted."""

WORK = {CNN: 0.7, ROWS: 0.3}
"""Share of the time that each takes."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Recipe:
    """How the networks are built and trained."""

    wide: int = 16
    cnn: Schooling = field(default_factory=lambda: Schooling(rows=0.05))
    rows: Schooling = field(default_factory=lambda: Schooling(rows=0.2))


@dataclass(frozen=True)
class Models:
    """What training made, for metrics of these names."""

    names: tuple[str, ...]
    columns: int
    wide: int
    scale: Float32 | None  # [m, 2] mean and standard deviation; None: metrics that were not trained on
    logistic: Logistic
    networks: dict[str, Any]
    platt: dict[str, Platt]

    def scores(self, some: Frames, of: tuple[str, ...] = NAMES) -> dict[str, Float32]:
        """Scores [n] of frames of the same metrics by each model; higher is worse."""
        some = some.named(self.names)
        read = channels(some, self.scale)
        found: dict[str, Float32] = {}
        for name in of:
            if name == RULE:
                found[name] = np.log1p(rule(departures(some.values, some.usual)))
            elif name == LOGISTIC:
                found[name] = self.logistic.logits(statistics(distances(some, self.scale), distances(some, None)))
            else:
                found[name] = ask(self.networks[name], read)
        return found

    def probabilities(self, some: Frames, of: tuple[str, ...] = NAMES) -> dict[str, Float32]:
        """Probabilities [n] by each model."""
        return {name: self.platt[name].probability(score) for name, score in self.scores(some, of).items()}

    def unscaled(self, names: tuple[str, ...]) -> Models:
        """For other metrics, of which only the row-shared network and the rule know anything."""
        return replace(self, names=names, scale=None)


def held_out(groups: NDArray[Any], failing: Bools, seed: int, share: float = HELD) -> Bools:
    """Windows [n] of groups that are set aside; of those with and without failures alike."""
    rng = np.random.default_rng(seed)
    every, number = np.unique(groups, return_inverse=True)
    bad = np.bincount(number, failing) > 0
    picked: list[int] = []
    for side in (True, False):
        some = np.flatnonzero(bad == side)
        picked += rng.permutation(some)[: max(round(share * len(some)), min(len(some), 1))].tolist()
    if len(picked) >= len(every):
        picked = picked[:-1]
    held: Bools = np.isin(number, picked)
    return held


def fit_models(
    some: Frames, failing: Bools, groups: NDArray[Any], seed: int, recipe: Recipe = Recipe(),
    progress: Callable[[float], None] = lambda share: None,
) -> Models:  # fmt: skip
    """All four, on windows of groups; a fifth of the groups is held out, for stopping and calibration."""
    with one_thread():
        return _fit_models(some, failing, groups, seed, recipe, progress)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Inside, networks are computed in one thread: they are so small that more of them wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit_models(
    some: Frames, failing: Bools, groups: NDArray[Any], seed: int, recipe: Recipe, progress: Callable[[float], None]
) -> Models:
    import torch

    held = held_out(groups, failing, seed)
    scale = scale_of(some.take(~held))
    moving = np.flatnonzero(scale[:, 1] > 0).tolist()
    some, scale = some.only(moving), scale[moving]
    read = channels(some, scale)
    m, c = len(some.names), some.values.shape[2]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        fresh = {CNN: HeatmapCnn(m, c, recipe.wide), ROWS: RowShared(c, recipe.wide)}
    networks, done = {}, 0.0
    for name, how in ((CNN, recipe.cnn), (ROWS, recipe.rows)):
        begun, part = done, WORK[name]
        networks[name] = train(
            fresh[name], read[~held], failing[~held], (read[held], failing[held]), how, seed,
            lambda share, begun=begun, part=part: progress(begun + part * share),  # type: ignore[misc]
        )  # fmt: skip
        done += part
    logistic = fit(statistics(distances(some, scale), distances(some, None)), failing)
    made = Models(some.names, c, recipe.wide, scale, logistic, networks, {})
    scores = made.scores(some)
    platt = {name: calibrated(scores[name][held], failing[held], slope=1.0) for name in networks}
    return replace(made, platt=platt | {LOGISTIC: Platt(1.0, 0.0), RULE: calibrated(scores[RULE], failing)})
