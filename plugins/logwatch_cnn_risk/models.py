"""The five models side by side: fitted together, asked together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32
from logwatch_cnn_risk.boosted import Boosted, boost
from logwatch_cnn_risk.calibrate import Platt, calibrated, likely
from logwatch_cnn_risk.election import CNN, PARTS, PLAIN, ROWS, Recipe, elected
from logwatch_cnn_risk.evidence import evidence
from logwatch_cnn_risk.folds import folds_of
from logwatch_cnn_risk.frames import Frames, channels, distances, scale_of, trends_of
from logwatch_cnn_risk.logistic import Logistic, fit, statistics
from logwatch_cnn_risk.networks import ask
from logwatch_cnn_risk.progress import Progress, part_of
from logwatch_cnn_risk.rule import departures, rule

LOGISTIC, BOOSTED, RULE = "logistic", "boosted", "rule"
NAMES = (CNN, ROWS, LOGISTIC, BOOSTED, RULE)

WORK = {CNN: 0.6, ROWS: 0.4}
"""Share of the time that each takes."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Models:
    """What training made, for metrics of these names."""

    names: tuple[str, ...]
    columns: int
    wide: int
    scale: Float32 | None  # [m, 2] mean and standard deviation; None: metrics that were not trained on
    trends: Float32  # [m, 3, 2] usual ones; [3, 2] where there is no scale
    foreign: Float32  # [3, 2] usual trends of metrics that were not trained on
    logistic: Logistic
    boosted: Boosted
    networks: dict[str, Any]
    platt: dict[str, Platt]

    def scores(self, some: Frames, of: tuple[str, ...] = NAMES) -> dict[str, Float32]:
        """Scores [n] of frames of the same metrics by each model; higher is worse."""
        some = some.named(self.names)
        read = self.read(some)
        found: dict[str, Float32] = {}
        for name in of:
            if name == RULE:
                found[name] = np.log1p(rule(departures(some.values, some.usual)))
            elif name == LOGISTIC:
                found[name] = self.logistic.logits(statistics(distances(some, self.scale), distances(some, None)))
            elif name == BOOSTED:
                found[name] = self.boosted.logits(evidence(distances(some, self.scale), distances(some, None), read))
            else:
                found[name] = ask(self.networks[name], read)
        return found

    def read(self, some: Frames) -> Float32:
        """What the networks read of frames, [n, 7, m, c]."""
        return channels(some, self.scale, self.trends)

    def probabilities(self, some: Frames, of: tuple[str, ...] = NAMES) -> dict[str, Float32]:
        """Probabilities [n] by each model; of unknown metrics the row-shared network speaks beside the rule."""
        beside = self.scale is None and ROWS in of
        scores = self.scores(some, (*of, RULE) if beside and RULE not in of else of)
        logits = {name: self.platt[name].logit(score) for name, score in scores.items()}
        if beside:
            logits[ROWS] = (logits[ROWS] + logits[RULE]) / 2
        return {name: likely(logits[name]) for name in of}

    def unscaled(self, names: tuple[str, ...]) -> Models:
        """For other metrics, of which only the row-shared network and the rule know anything."""
        return replace(self, names=names, scale=None, trends=self.foreign)


def fit_models(
    some: Frames, failing: Bools, groups: NDArray[Any], seed: int, recipe: Recipe = PLAIN,
    progress: Progress = lambda share: None,
) -> Models:  # fmt: skip
    """All of them, on windows of groups; each network is stopped on a fifth of the groups, which it does not see."""
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
    some: Frames, failing: Bools, groups: NDArray[Any], seed: int, recipe: Recipe, progress: Progress
) -> Models:
    scale = scale_of(some)
    moving = np.flatnonzero(scale[:, 1] > 0).tolist()
    some, scale = some.only(moving), scale[moving]
    usual, foreign = trends_of(some, scale), trends_of(some, None)
    known = channels(some, scale, usual)
    reads = {CNN: [known], ROWS: [known, channels(some, None, foreign)]}  # the row-shared one knows both measures
    part = folds_of(groups, failing, seed, PARTS)
    networks, platt, done = {}, {}, 0.0
    for name in recipe.parts:
        heard = part_of(progress, done, WORK[name])
        networks[name], platt[name] = elected(name, reads[name], failing, part, recipe, seed, heard)
        done += WORK[name]
    both = distances(some, scale), distances(some, None)
    logistic, told, held = fit(statistics(*both), failing), evidence(*both, known), part == 0
    tried = boost(told[~held], failing[~held], seed).logits(told[held])
    score = np.log1p(rule(departures(some.values, some.usual)))
    platt |= {LOGISTIC: Platt(1.0, 0.0), RULE: calibrated(score, failing)}
    platt[BOOSTED] = calibrated(tried, failing[held], slope=1.0)
    boosted = boost(told, failing, seed)
    columns = some.values.shape[2]
    return Models(some.names, columns, recipe.wide, scale, usual, foreign, logistic, boosted, networks, platt)
