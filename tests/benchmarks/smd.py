"""`smd`, five servers of 38 metrics: what is judged, VUS-PR without point adjustment, and the streaming PCA alone.

`judged` is the product's: the combined nats of the METRIC units of the whole pipeline, at its defaults, one source a
machine; `series` and `streaming PCA` are its two voices. `streaming PCA` alone is what the recipe's figures are about.

Each machine is streamed once, the part for training first, nothing fitted beforehand; the figure is over the test part.
Beside it offline PCA, fitted on the training part at its best common configuration of `OFFLINE`, chosen on the test
labels in its favour. The recipe's defaults were chosen with these labels in sight as well; `--others` prints what both
reach where each machine's configuration is the best one of the four other machines.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from logwatch.score.series.pca import SourcePca
from logwatch.score.series.pca_model import Recipe
from logwatch.types import Bool, Float64
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.smd_judged import judged
from tests.benchmarks.vus import vus_pr

T = TypeVar("T")

BATCH = 512
AIM = 1.15

OFFLINE = list(product(("residual", "whitened residual", "axes"), (0.5, 0.7, 0.9, 0.95, 0.99), (1.0, 0.1)))
"""Score, share of the variance that the axes explain, weight of a step in the running mean (1: none)."""

RECIPES = [
    Recipe(rate=rate, explained=explained, clip=clip, smooth=smooth)
    for rate, explained, clip, smooth in product((2e-5, 1e-4), (0.3, 0.5), (10.0, 30.0, 100.0), (0.05, 0.1))
]
"""What `--others` chooses from."""


class Machine(NamedTuple):
    """One server."""

    name: str
    train: Float64  # [n, 38]
    test: Float64  # [n, 38]
    label: Bool  # [n] of the test part


def machines(folder: Path) -> list[Machine]:
    """All of them, by name."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            train, test = (arrays[part].astype(np.float64) for part in ("train", "test"))
            found.append(Machine(path.stem, train, test, arrays["test_label"].astype(bool)))
    return found


def streamed(machine: Machine, recipe: Recipe, batch: int = BATCH) -> tuple[Float64, float]:
    """Nats of the test part's steps, and samples a second."""
    values = np.concatenate([machine.train, machine.test])
    slots = np.arange(values.shape[1], dtype=np.int32)
    pca = SourcePca(recipe)
    began = time.perf_counter()
    nats = [pca.score(0, 60, slots, values[at : at + batch]).nats for at in range(0, len(values), batch)]
    speed = values.size / (time.perf_counter() - began)
    return np.nan_to_num(np.concatenate(nats))[len(machine.train) :], speed


def offline(machine: Machine, score: str, explained: float, smooth: float) -> Float64:
    """Scores of the test part by PCA fitted on the training part."""
    mean, deviation = machine.train.mean(axis=0), machine.train.std(axis=0)
    deviation[deviation < 1e-9] = 1.0
    power, axes = np.linalg.eigh(np.cov((machine.train - mean) / deviation, rowvar=False))
    power, axes = np.maximum(power[::-1], 1e-6), axes[:, ::-1]
    first = int(np.searchsorted(np.cumsum(power) / power.sum(), explained)) + 1
    squares = ((machine.test - mean) / deviation @ axes) ** 2
    parts = {
        "residual": squares[:, first:],
        "whitened residual": squares[:, first:] / power[first:],
        "axes": squares[:, :first] / power[:first],
    }
    return running(parts[score].sum(axis=1), smooth)


def running(scores: Float64, weight: float) -> Float64:
    """Exponentially weighted mean."""
    out, now = np.empty_like(scores), scores[0]
    for row, score in enumerate(scores.tolist()):
        now += weight * (score - now)
        out[row] = now
    return out


def table(found: Sequence[Machine], score: Callable[[Machine, T], Float64], configurations: Sequence[T]) -> Float64:
    """VUS-PR [configurations, machines]."""
    return np.array([[vus_pr(score(one, how), one.label) for one in found] for how in configurations])


def chosen_on_others(reached: NDArray[np.floating]) -> Float64:
    """VUS-PR [machines] by the configuration that is best on the mean of the other machines."""
    others = reached.sum(axis=1, keepdims=True) - reached
    held: Float64 = reached[others.argmax(axis=0), np.arange(reached.shape[1])]
    return held


def interval(values: Float64, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over machines."""
    rng = np.random.default_rng(seed)
    low, high = np.quantile(rng.choice(values, (2000, len(values))).mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def say_judged(bench: Benchmark, found: list[Machine], pca: Float64) -> None:
    """What the whole pipeline says, and the voice of its series alone, beside offline PCA [machines]."""
    said, began = [], time.perf_counter()
    for one in found:
        parts = judged(np.concatenate([one.train, one.test]))
        said.append([vus_pr(part[len(one.train) :], one.label) for part in (parts.combined, parts.series)])
        bench.log(f"{one.name}: judged after {time.perf_counter() - began:.0f} s")
    reached, series = np.array(said).T
    bench.figure("vus_pr/judged", reached.mean(), interval(reached, bench.seed), pca.mean(), AIM * pca.mean())
    bench.figure(f"machines_above_{AIM}_pca/judged", float((reached >= AIM * pca).sum()), aim=4)
    for one, value, reference in zip(found, reached, pca, strict=True):
        bench.figure(f"vus_pr/judged/{one.name}", value, aim=AIM * reference)
    bench.baseline("voice of the series alone", series.mean())


def report(bench: Benchmark, found: list[Machine]) -> None:
    """The default recipe beside the best common offline configuration and chance."""
    by_offline = table(found, lambda one, how: offline(one, *how), OFFLINE)
    best = int(by_offline.mean(axis=1).argmax())
    pca, how = by_offline[best], " ".join(map(str, OFFLINE[best]))
    say_judged(bench, found, pca)
    runs = [streamed(one, Recipe()) for one in found]
    ours = np.array([vus_pr(nats, one.label) for one, (nats, _) in zip(found, runs, strict=True)])
    rng = np.random.default_rng(bench.seed)
    bench.figure("vus_pr/streaming PCA", ours.mean(), interval(ours, bench.seed), pca.mean(), AIM * pca.mean())
    bench.figure(f"machines_above_{AIM}_pca/streaming PCA", float((ours >= AIM * pca).sum()), aim=4)
    for one, value, reference in zip(found, ours, pca, strict=True):
        bench.figure(f"vus_pr/streaming PCA/{one.name}", value, aim=AIM * reference)
        bench.baseline(f"offline PCA/{one.name}", reference)
        bench.baseline(f"random/{one.name}", vus_pr(rng.random(len(one.label)), one.label))
    bench.baseline(f"offline PCA, best of {len(OFFLINE)}: {how}", pca.mean())
    bench.figure("samples_per_s", float(np.median([speed for _, speed in runs])), floor=300_000, aim=1_000_000)
    bench.figure("samples_per_s/one step a call", streamed(found[0], Recipe(), batch=1)[1])
    if bench.options.others:
        mine = table(found, lambda one, recipe: streamed(one, recipe)[0], RECIPES)
        held, theirs = chosen_on_others(mine), chosen_on_others(by_offline)
        bench.figure("vus_pr/chosen on others", held.mean(), interval(held, bench.seed), theirs.mean())
        bench.baseline("offline PCA, chosen on others", theirs.mean())
        bench.baseline("worst recipe", mine.mean(axis=1).min())
        bench.baseline("best recipe", mine.mean(axis=1).max())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--machines", type=int, default=None, help="the first so many alone (all; 25 s each)")
    parser.add_argument("--others", action="store_true", help="choose also on the other machines (slow)")
    with Benchmark("smd", source="Server Machine Dataset (NetManAIOps/OmniAnomaly)", parser=parser) as bench:
        report(bench, machines(bench.data("smd"))[: bench.options.machines])


if __name__ == "__main__":
    main()
