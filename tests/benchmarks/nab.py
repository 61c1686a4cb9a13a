"""The 58 series of the Numenta Anomaly Benchmark through the detectors of single series, in one pass, without labels.

- `official`: the standard profile, one configuration, one threshold for all files, the best one, as NAB has it.
- `halves`: design and threshold chosen on half of the files and scored on the other half, both ways, for random halves.
  The designs to choose from: which detectors of the level vote, the power of their mean, and what is left of the nats
  at a known level.
- `budget`: the threshold is the one that one alarm per 4 series-days of the scored part reaches.

Chosen by looking at these labels: everything that the designs vary, and beforehand the magnitudes of `season`, `spike`
and `shift`, their rates, the window and bins of `entropy`, the length of the recent maximum, the number and nearness of
known levels, and where the tail's Pareto end begins. Only `halves` says what a choice among the designs costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from logwatch.score.series.detectors.bank import LEVELS, NAMES, power_mean
from logwatch.score.series.detectors.news import News
from logwatch.types import Bool, Float32
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.nab_protocol import Labelled, Sweep, Worth, corpus, worth_of
from tests.benchmarks.series_rounds import Heard, listen, table_of
from tests.benchmarks.windowed_gaussian import windowed_gaussian

DAY = 86_400.0
DAYS_AN_ALARM = 4.0


class Design(NamedTuple):
    """How the detectors of the level vote."""

    voters: tuple[int, ...]
    power: float


DESIGNS = [
    Design(voters, power)
    for size in range(1, LEVELS + 1)
    for voters in combinations(range(LEVELS), size)
    for power in (2.0, 3.0)
]
AGAINS = (0.6, 1.0)


def days(file: Labelled, worth: Worth) -> float:
    """Length of the scored part at the usual step of the file."""
    step = float(np.median(np.diff(file.series.time)))
    return len(worth.worth) * step / DAY


def redesigned(files: Sequence[Labelled], heard: Sequence[Heard], again: float) -> list[list[Float32]]:
    """The news of every file by every design [design][file]: a table with a row for each file and design."""
    longest, width = max(len(one.combined) for one in heard), len(DESIGNS)
    nats = np.zeros((longest, len(files), width), np.float32)
    value, apart = np.zeros((longest, len(files)), np.float32), np.zeros((longest, len(files)), np.float32)
    for f, (file, one) in enumerate(zip(files, heard, strict=True)):
        value[: len(one.combined), f] = file.series.value - file.series.value[0]
        apart[: len(one.combined), f] = np.abs(file.series.value - one.expected)
        for d, design in enumerate(DESIGNS):
            nats[: len(one.combined), f, d] = power_mean(one.nats, design.voters, design.power)
    table = table_of(len(files) * width, News.FIELDS)
    news, slots = News(table, again), np.arange(len(files) * width, dtype=np.int32)
    for at in range(longest):
        number = np.full(len(slots), at)
        values, distances = np.repeat(value[at], width), np.repeat(apart[at], width)
        nats[at] = news.of(slots, nats[at].reshape(-1), values, distances, number).reshape(nats[at].shape)
    return [[nats[: len(one.combined), f, d] for f, one in enumerate(heard)] for d in range(width)]


def halves(worth: list[Worth], scores: Sequence[Sequence[Float32]], seed: int, splits: int) -> list[float]:
    """Scores on the halves that nothing was chosen on, two a split."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(splits):
        mine: Bool = np.zeros(len(worth), np.bool_)
        mine[rng.permutation(len(worth))[: len(worth) // 2]] = True
        for half in (mine, ~mine):
            one, other = np.flatnonzero(half).tolist(), np.flatnonzero(~half).tolist()
            best = max(
                (*Sweep([worth[f] for f in one], [design[f] for f in one]).best(), number)
                for number, design in enumerate(scores)
            )
            chosen = scores[best[2]]
            found.append(Sweep([worth[f] for f in other], [chosen[f] for f in other]).at(best[1]))
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=10, help="random halves, each used both ways (%(default)s)")
    with Benchmark("nab", source="numenta/NAB v1.1", parser=parser) as bench:
        files = list(corpus(bench.data("nab")))
        worth = [worth_of(len(file.series.time), file.windows) for file in files]
        heard = listen([file.series for file in files])
        news = Sweep(worth, [one.news for one in heard])
        bench.figure("official", news.best()[0], None, 64, 72)
        alarms = int(sum(map(days, files, worth)) / DAYS_AN_ALARM)
        bench.figure("budget", news.at(news.budget(alarms)), None, None, 70)
        designs = [design for again in AGAINS for design in redesigned(files, heard, again)]
        found = halves(worth, designs, bench.seed, bench.options.splits)
        bench.figure("halves", float(np.mean(found)), None, 58, 65)
        bench.figure("halves/deviation", float(np.std(found)))
        fixed = [[one.news for one in heard]]
        bench.figure("halves/threshold alone", float(np.mean(halves(worth, fixed, bench.seed, bench.options.splits))))
        bench.baseline("combined, repeats included", Sweep(worth, [one.combined for one in heard]).best()[0])
        for column, name in enumerate(NAMES[:LEVELS]):
            alone = [np.nan_to_num(one.nats[:, column]) for one in heard]
            bench.baseline(f"{name} alone, repeats included", Sweep(worth, alone).best()[0])
        gaussian = [windowed_gaussian(file.series.value) for file in files]
        bench.baseline("windowed Gaussian", Sweep(worth, gaussian).best()[0])


if __name__ == "__main__":
    main()
