"""Which build of a network is taken, and its committee: by deployments that a network has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32
from logwatch_cnn_risk.calibrate import Platt, calibrated
from logwatch_cnn_risk.committee import Committee
from logwatch_cnn_risk.model import HeatmapCnn
from logwatch_cnn_risk.networks import Schooling, ask, log_loss, train
from logwatch_cnn_risk.rowshared import RowShared
from logwatch_cnn_risk.trendcnn import TrendCnn

CNN, ROWS = "cnn", "row-shared"
HEATMAP, LEVELS, TRENDS = "heatmap", "levels", "trends"
BUILDS = {CNN: (HEATMAP, TRENDS), ROWS: (LEVELS, TRENDS)}
"""How a network can be built; what is better on the deployments that are held out is taken."""

PARTS = 5
"""Each member of a committee is stopped, and its probabilities are fitted, on another one of so many parts."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Recipe:
    """How the networks are built and trained."""

    wide: int = 16
    cnn: Schooling = field(default_factory=lambda: Schooling(rows=0.05))
    rows: Schooling = field(default_factory=lambda: Schooling(rows=0.2))
    trends: Schooling = field(
        default_factory=lambda: Schooling(epochs=20, patience=5, rate=6e-3, decay=0.1, rows=0.2, batch=128)
    )
    members: Mapping[str, int] = field(default_factory=lambda: {CNN: 3, ROWS: 1})

    def schooling(self, build: str) -> Schooling:
        """That of a network of some build."""
        return {HEATMAP: self.cnn, LEVELS: self.rows, TRENDS: self.trends}[build]


PLAIN = Recipe()


def network(build: str, metrics: int, columns: int, wide: int) -> Any:
    """A fresh one. Raises KeyError: there is no such build."""
    made: dict[str, Callable[[], Any]] = {
        HEATMAP: lambda: HeatmapCnn(metrics, columns, wide),
        LEVELS: lambda: RowShared(columns, wide),
        TRENDS: lambda: TrendCnn(columns, -(-wide // 2)),
    }
    return made[build]()


def elected(
    name: str, reads: Sequence[Float32], failing: Bools, part: NDArray[np.int64], recipe: Recipe, seed: int,
    progress: Callable[[float], None],
) -> tuple[Committee, str, Platt]:  # fmt: skip
    """The committee of the better build, its name, and its calibration by what each member had not seen.

    Args:
        reads: [n, 7, m, c] of the same windows, measured in one way or more; the first counts.
        part: [n] of `PARTS`.
    """
    builds, count = BUILDS[name], recipe.members[name]
    rounds = len(builds) + count - 1

    def told(at: int) -> Callable[[float], None]:
        return lambda share: progress((at + share) / rounds)

    first = [_member(build, 0, reads, failing, part, recipe, seed, told(at)) for at, build in enumerate(builds)]
    build = builds[int(np.argmin([log_loss(score, failing[part == 0]) for _, score in first]))]
    members = [first[builds.index(build)]]
    for at in range(1, count):
        members.append(_member(build, at, reads, failing, part, recipe, seed, told(len(builds) - 1 + at)))
    unseen = np.concatenate([score for _, score in members])
    truth = np.concatenate([failing[part == at] for at in range(count)])
    return Committee([one for one, _ in members]).eval(), build, calibrated(unseen, truth, slope=1.0)


def _member(
    build: str, number: int, reads: Sequence[Float32], failing: Bools, part: NDArray[np.int64], recipe: Recipe,
    seed: int, progress: Callable[[float], None],
) -> tuple[Any, Float32]:  # fmt: skip
    """A network, and its logits of its own part, which it has not seen."""
    import torch

    held = part == number
    seen = _mixed([one[~held] for one in reads], seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed + number)
        fresh = network(build, seen.shape[2], seen.shape[3], recipe.wide)
    how = recipe.schooling(build)
    made = train(fresh, seen, failing[~held], (reads[0][held], failing[held]), how, seed + number, progress)
    return made, ask(made, reads[0][held])


def _mixed(reads: Sequence[Float32], seed: int) -> Float32:
    """Every window once, measured in a way that is drawn."""
    way = np.random.default_rng(seed).integers(0, len(reads), len(reads[0]))
    made = reads[0].copy()
    for at, read in enumerate(reads[1:], 1):
        made[way == at] = read[way == at]
    return made
