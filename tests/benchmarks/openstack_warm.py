"""`openstack_fi`, warm: each faulty round after the clean rounds of all other tests, by a pipeline of its own.

    python -m tests.benchmarks.openstack_warm [--data DIR] [--seed N] [--json]

FAILURE against NO_FAILURE, areas under the ROC curve by the surprise of the lines in the 120 s after the trigger: nats
of every detector, summed over the lines, and the same a line. Failing runs end early and say less: what is summed over
their lines tells that first, whatever the lines say. Twenty cases are few: see the intervals.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.rows import Scored
from logwatch.types import Float32, Float64
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.openstack import HORIZON, Test, auc, interval, records, tests


def surprise(folder: Path, test: Test, others: list[Test], seed: int) -> tuple[tuple[str, ...], Float32]:
    """Detectors, and their nats [n, D] of the lines after the fault."""
    found: list[Float32] = []
    warm = False

    def on_scored(scored: Scored) -> None:
        if warm:
            time = scored.events.time
            found.append(scored.nats[(time >= test.trigger) & (time < test.trigger + HORIZON)])

    loaded = load(environ={}, flags={"seed": ("--seed", seed)})
    table = {"openstack": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), None, table, finished=True, on_scored=on_scored) as session:
        for one, number in (*((other, 2) for other in others), (test, 1)):
            warm = one is test
            for batch in records(folder, one, number):
                session.pipeline.process(batch, "openstack")
                session.pipeline.raised.clear()
        names = tuple(detector.name for detector in session.pipeline.stages.detectors)
    return names, np.nan_to_num(np.concatenate(found))


def main() -> None:
    """Print the figures."""
    with Benchmark("openstack_warm", source="dessertlab/Fault-Injection-Dataset") as bench:
        folder = bench.data("openstack_fi")
        all_tests = tests(folder)
        failed = np.array([test.failed for test in all_tests])
        said: list[Float32] = []
        names: tuple[str, ...] = ()
        for number, test in enumerate(all_tests, 1):
            names, nats = surprise(folder, test, [other for other in all_tests if other is not test], bench.seed)
            said.append(nats)
            bench.log(f"{number} of {len(all_tests)} tests")
        sums, lines = np.array([nats.sum(axis=0) for nats in said]), np.array([max(1, len(nats)) for nats in said])

        def figure(name: str, values: Float64, floor: float | None = None) -> None:
            bench.figure(name, auc(values, failed), interval(values, failed), floor=floor)

        figure("summed/all", sums.sum(axis=1), floor=0.82)
        figure("a_line/all", sums.sum(axis=1) / lines)
        for at, name in enumerate(names):
            figure(f"summed/{name}", sums[:, at])
            figure(f"a_line/{name}", sums[:, at] / lines)
        bench.baseline("lines", auc(lines.astype(np.float64), failed))


if __name__ == "__main__":
    main()
