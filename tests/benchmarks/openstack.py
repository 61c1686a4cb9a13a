"""`openstack_fi`: what the logs of 20 tests with an injected fault say in the 120 s after it, without labels.

    python -m tests.benchmarks.openstack [--data DIR] [--seed N] [--json] [--miners ours,drain3]

All rounds of all tests are one stream through the whole pipeline, in the order of their times. Figures are areas
under the ROC curve, FAILURE against NO_FAILURE of the faulty rounds: `score` by the largest combined nats of what was
judged in these seconds; `new_templates` by the number of templates that no clean round of another test has. Beside
them the same with Drain3's templates, and lines of level ERROR, counted. What the client of the tests prints is left
out: it tells the outcome. Twenty cases are few: see the intervals; that of a difference is of the same tests, paired.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.app.session import detectors_of, opened
from logwatch.clock import SystemClock
from logwatch.config import SourceTable, load
from logwatch.parse.parser import LineTimes, ParseSettings
from logwatch.parse.words import ERROR
from logwatch.replay import Finished, joined, replay
from logwatch.rows import Scored
from logwatch.sources.finished import read_finished
from logwatch.types import Float64, Int32, Int64, RecordBatch, Stream
from tests.benchmarks.drained import MINERS, mined_by
from tests.benchmarks.frame import Benchmark

HORIZON = 120 * 10**9
"""Failing runs end early: the same time after the fault for all, ns."""

CLIENT = ("foreground_wl",)
"""Folders that tell the outcome."""


@dataclass
class Test:
    """One faulty round."""

    name: str
    failed: bool
    trigger: int  # ns
    times: list[Int64] = field(default_factory=list)
    templates: list[Int32] = field(default_factory=list)
    clean: list[Int32] = field(default_factory=list)  # templates of the round without a fault
    errors: int = 0
    units: list[tuple[int, float]] = field(default_factory=list)  # time, combined nats


def tests(folder: Path) -> list[Test]:
    """The tests in the order of their times."""
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [Test(r["test"], r["r1"] == "FAILURE", int(np.datetime64(r["trigger"], "ns").astype(int))) for r in rows]
    return sorted(found, key=lambda test: test.trigger)


def records(folder: Path, test: Test, number: int) -> Iterator[RecordBatch]:
    """What the services logged in a round, merged by time."""
    settings, clock, files = ParseSettings(), SystemClock(), []
    base = folder / "Nova" / test.name / "logs" / f"round_{number}"
    for path in sorted(base.glob("*/*.log.gz")):
        if path.parent.name in CLIENT:
            continue
        stream = Stream(f"{path.parent.name}/{path.name.removesuffix('.log.gz')}", f"{test.name}/{number}")
        files.append(Finished(stream, joined(read_finished(str(path)), stream), LineTimes(settings, clock).times))
    yield from replay(files)


def run(folder: Path, seed: int) -> tuple[list[Test], int]:
    """All rounds through one pipeline; the tests with what was seen, and the number of templates."""
    found = tests(folder)

    def on_scored(scored: Scored) -> None:
        if number == 2:
            test.clean.append(np.unique(scored.events.template))
        else:
            _note(test, scored, session.pipeline.stages.judge.judge(scored.units).nats)

    loaded = load(environ={}, flags={"seed": ("--seed", seed)})
    table = {"openstack": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), None, table, finished=True, on_scored=on_scored) as session:
        for test in found:
            for number in (1, 2):
                for batch in records(folder, test, number):
                    session.pipeline.process(batch, "openstack")
                    session.pipeline.raised.clear()
        miner: Any = session.pipeline.stages.miner
        for test in found:
            test.templates = [miner.find(ids) for ids in test.templates]
            test.clean = [miner.find(ids) for ids in test.clean]
        return found, len(miner)


def _note(test: Test, scored: Scored, nats: Float64) -> None:
    events, units = scored.events, scored.units
    test.times.append(events.time.copy())
    test.templates.append(events.template.copy())
    after = (events.time >= test.trigger) & (events.time < test.trigger + HORIZON)
    test.errors += int((after & (events.level >= ERROR)).sum())
    rows = np.flatnonzero(~np.isnan(nats))
    test.units += zip(units.last[rows].tolist(), nats[rows].tolist(), strict=True)


def new_templates(test: Test, all_tests: Sequence[Test]) -> int:
    """Templates of the 120 s after the fault that no clean round of another test has."""
    times, ids = np.concatenate(test.times), np.concatenate(test.templates)
    after = ids[(times >= test.trigger) & (times < test.trigger + HORIZON)]
    clean = [ids for other in all_tests if other is not test for ids in other.clean]
    return len(np.setdiff1d(after, np.concatenate(clean)))


def score(test: Test) -> float:
    """The largest combined nats after the fault."""
    return max((nats for time, nats in test.units if test.trigger <= time < test.trigger + HORIZON), default=0.0)


def auc(values: Float64, failed: NDArray[np.bool_]) -> float:
    """Share of pairs of a failed and another test that stand in the right order; ties count half."""
    difference = values[failed][:, None] - values[~failed][None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def interval(values: Float64, failed: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % bootstrap interval of the area, over tests, within each class."""
    return _within([auc(values[rows], failed[rows]) for rows in draws(failed)])


def paired(ours: Float64, theirs: Float64, failed: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % bootstrap interval of what the area of `ours` is above that of `theirs`, both on the same tests."""
    return _within([auc(ours[rows], failed[rows]) - auc(theirs[rows], failed[rows]) for rows in draws(failed)])


def draws(failed: NDArray[np.bool_], rounds: int = 2_000) -> list[Int64]:
    """Tests drawn anew within each class; the same every time."""
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(failed), np.flatnonzero(~failed)]
    return [np.concatenate([rng.choice(rows, len(rows)) for rows in classes]) for _ in range(rounds)]


def _within(areas: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--miners", default=",".join(MINERS), help="whose templates (%(default)s)")
    with Benchmark("openstack", "dessertlab/Fault-Injection-Dataset on GitHub", parser=parser) as bench:
        folder = bench.data("openstack_fi")
        seen: dict[str, dict[str, Float64]] = {}
        for miner in bench.options.miners.split(","):
            failed, errors, seen[miner] = _seen(bench, folder, miner)
            bench.baseline("error_lines_auc", auc(errors, failed))
            for name, values in seen[miner].items():
                if miner == "ours":
                    bench.figure(name, auc(values, failed), interval(values, failed), floor=0.82)
                else:
                    bench.baseline(f"{name}_{miner}", auc(values, failed))
        for other in seen.keys() - {"ours"} if "ours" in seen else ():
            for name, values in seen["ours"].items():
                theirs = seen[other][name]
                more = auc(values, failed) - auc(theirs, failed)
                bench.figure(f"{name}_over_{other}", more, paired(values, theirs, failed), floor=0.0)


def _seen(bench: Benchmark, folder: Path, miner: str) -> tuple[NDArray[np.bool_], Float64, dict[str, Float64]]:
    """Which tests failed, their lines of level ERROR, and by name what one miner's templates make of them."""
    with mined_by(miner):
        found, templates = run(folder, bench.seed)
    bench.log(f"{miner}: {templates} templates; test, failed, lines of level ERROR, new templates, score")
    rows = [(test.errors, new_templates(test, found), score(test)) for test in found]
    for test, (errors, new, nats) in zip(found, rows, strict=True):
        bench.log(f"  {test.name:<10}{test.failed:>2}{errors:>7}{new:>7}{nats:>9.1f}")
    errors_, new_, nats_ = np.array(rows, np.float64).T
    failed = np.array([test.failed for test in found])
    return failed, errors_, {"new_templates_auc": new_, "score_auc": nats_}


if __name__ == "__main__":
    main()
