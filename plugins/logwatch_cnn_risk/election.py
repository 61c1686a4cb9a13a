"""Committees: networks of several builds, weighed by deployments that they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32
from logwatch_cnn_risk.calibrate import Platt, calibrated
from logwatch_cnn_risk.committee import Committee
from logwatch_cnn_risk.logistic import newton
from logwatch_cnn_risk.model import HeatmapCnn
from logwatch_cnn_risk.networks import Schooling, ask, train
from logwatch_cnn_risk.progress import Progress, part_of
from logwatch_cnn_risk.rowshared import RowShared
from logwatch_cnn_risk.steep import Steep, steep
from logwatch_cnn_risk.trendcnn import TrendCnn

CNN, ROWS = "cnn", "row-shared"
HEATMAP, LEVELS, TRENDS, STEEP = "heatmap", "levels", "trends", "steep"
BUILDS = {CNN: (HEATMAP, TRENDS, STEEP), ROWS: (LEVELS, TRENDS)}
"""How the networks of a committee are built."""

PARTS = 5
"""Of each build, a committee has members that were stopped, weighed and calibrated on another one of so many parts."""

PRIOR = 100.0
"""Weight of all builds being worth alike: as of so many windows."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Recipe:
    """How the networks are built and trained."""

    wide: int = 16
    cnn: Schooling = field(
        default_factory=lambda: Schooling(epochs=16, patience=5, rate=4e-3, decay=0.05, rows=0.1, batch=128)
    )
    rows: Schooling = field(default_factory=lambda: Schooling(rows=0.2))
    trends: Schooling = field(
        default_factory=lambda: Schooling(epochs=20, patience=5, rate=6e-3, decay=0.1, rows=0.2, batch=128)
    )
    parts: Mapping[str, int] = field(default_factory=lambda: {CNN: 2, ROWS: 1})  # of each network that is fitted

    def schooling(self, build: str) -> Schooling:
        """That of a network of some build."""
        return {HEATMAP: self.cnn, LEVELS: self.rows, TRENDS: self.trends}[build]


PLAIN = Recipe()


def network(build: str, metrics: int, columns: int, wide: int) -> Any:
    """A fresh one. Raises KeyError: there is no such build."""
    made: dict[str, Callable[[], Any]] = {
        HEATMAP: lambda: HeatmapCnn(metrics, columns, -(-wide // 2)),
        LEVELS: lambda: RowShared(columns, wide),
        TRENDS: lambda: TrendCnn(columns, -(-wide // 2)),
        STEEP: lambda: Steep(metrics),
    }
    return made[build]()


def elected(
    name: str, reads: Sequence[Float32], failing: Bools, part: NDArray[np.int64], recipe: Recipe, seed: int,
    progress: Progress,
) -> tuple[Committee, Platt]:  # fmt: skip
    """The committee of some name, and its calibration, by what each member had not seen.

    Args:
        reads: [n, 7, m, c] of the same windows, measured in one way or more; the first counts.
        part: [n] of `PARTS`.
    """
    import torch

    builds, count = BUILDS[name], recipe.parts[name]
    members: list[Any] = []
    unseen = np.zeros((len(failing), len(builds)), np.float32)
    for number in range(count):
        for at, build in enumerate(builds):
            share = 1 / (count * len(builds))
            told = part_of(progress, len(members) * share, share)
            member, unseen[part == number, at] = _member(build, number, reads, failing, part, recipe, seed, told)
            members.append(member)
    asked = part < count
    worth = shares(unseen[asked], failing[asked])
    weights = torch.from_numpy(np.tile(worth / count, count))
    return Committee(members, weights).eval(), calibrated(unseen[asked] @ worth, failing[asked], slope=1.0)


def shares(logits: Float32, failing: Bools) -> Float32:
    """What each of b builds is worth, [b], 0 to 1, together 1, by logits [n, b] of windows that none had seen."""
    b = logits.shape[1]
    mean = logits.mean(axis=1)
    more = newton(logits - mean[:, None], failing.astype(np.float64), PRIOR / len(logits), mean)[:-1]
    worth = np.maximum(1 / b + more, 0)
    found: Float32 = (worth / worth.sum() if worth.sum() > 0 else np.full(b, 1 / b)).astype(np.float32)
    return found


def _member(
    build: str, number: int, reads: Sequence[Float32], failing: Bools, part: NDArray[np.int64], recipe: Recipe,
    seed: int, progress: Progress,
) -> tuple[Any, Float32]:  # fmt: skip
    """A network, and its logits of its own part, which it has not seen."""
    import torch

    held = part == number
    seen = _mixed([one[~held] for one in reads], seed)
    if build == STEEP:
        sums = steep(seen, failing[~held])
        return sums, ask(sums, reads[0][held])
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
