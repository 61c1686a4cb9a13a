"""What benchmarks of detection share: a folder with a log and its labels, through `logwatchd backtest`'s own code."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from logwatch.app.backtest import backtest
from logwatch.backtest.evaluation import Reached
from logwatch.backtest.result import Labelled, Result
from logwatch.config import load
from logwatch.requests import BacktestRequest
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.quiet import Quiet

NOTHING = ("random", "all")


def replayed(
    lines: Iterable[bytes], labels: Mapping[Any, bool], entity: str | None, budget: str, seed: int, *, warm: float,
    random_split: bool = False,
) -> Result:  # fmt: skip
    """Lines with labels of their entities, or of their own, as `logwatchd backtest` sees them.

    Args:
        labels: entity, or number of a line from 1 on → anomalous.
        entity: what a line is about; None: labels are of lines.
        warm: share that only teaches.
    """
    with tempfile.TemporaryDirectory() as folder:
        log, told = Path(folder) / "log.log", Path(folder) / "labels.csv"
        with log.open("wb") as file:
            file.writelines(line + b"\n" for line in lines)
        with told.open("w", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(("source", "line" if entity is None else "entity", "label"))
            rows.writerows(("log", name, int(bad)) for name, bad in labels.items())
        config = load(environ={}, flags={"seed": ("--seed", seed), "budget": ("--budget", budget)})
        request = BacktestRequest((str(log),), config, told, warm, random_split, None, entity)
        return backtest(request, Quiet())


def mean(results: Sequence[Labelled], voice: str, figure: str) -> float:
    """Mean of one figure of a voice over seeds."""
    found = [float(getattr(of(result, voice), figure).value) for result in results]
    return sum(found) / len(found)


def of(result: Labelled, voice: str) -> Reached:
    """What a voice reached."""
    return next(one for one in result.reached if one.voice == voice)


def beside(bench: Benchmark, results: Sequence[Labelled], figures: Mapping[str, str]) -> None:
    """Every voice but the whole, as baselines; `figures`: name of a figure → how it is called."""
    for voice in (one.voice for one in results[0].reached if one.voice != "whole"):
        for figure, name in figures.items():
            if voice in NOTHING and figure != "average_precision":
                continue
            bench.baseline(f"{name}/{voice}", mean(results, voice, figure))
