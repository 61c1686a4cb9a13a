"""`openstack_fi`, warm: each faulty round after the clean rounds of all other tests, by a pipeline of its own.

    python -m tests.benchmarks.openstack_warm [--data DIR] [--seed N] [--json]

FAILURE against NO_FAILURE, areas under the ROC curve by the 120 s after the trigger. Rounds follow each other an hour
apart, whenever they were: a stream that jumps back has no silences and no windows. After its last line the clock goes
on, as it does for a daemon.

`judged`: of all that is judged, windows and silences too, the decades of the rarest, and the sum of those beyond the
threshold of the preset budget. `summed`: nats of every detector over the lines, ordinary ones too, and `a_line` the
same over their number: failing runs end early and say less, so a sum of what is ordinary tells that first. Twenty cases
are few: see the intervals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.app.session import Session, detectors_of, opened
from logwatch.assemble import rules_of
from logwatch.backtest.split import Later
from logwatch.config import SourceTable, load
from logwatch.parse.parser import ParseSettings
from logwatch.rows import Scored
from logwatch.types import NO_TIME, Float32, Float64, Int32, Int64
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.openstack import HORIZON, Test, auc, interval, records, tests

TICK_NS = 10 * 10**9


@dataclass
class Heard:
    """What a round brought, in parts; times in ns."""

    times: list[Int64] = field(default_factory=list)  # [n] of lines
    nats: list[Float32] = field(default_factory=list)  # [n, D] of each detector
    ends: list[Int64] = field(default_factory=list)  # [m] of what was judged
    score: list[Float64] = field(default_factory=list)  # [m] its −log10 p
    over: list[Float64] = field(default_factory=list)  # [m] decades beyond the threshold

    def after(self, trigger: int) -> tuple[Float32, Float64, Float64]:
        """Nats [n, D], −log10 p [m] and decades [m] of the seconds that count."""
        lines, judged = (np.concatenate(times) - trigger for times in (self.times, self.ends))
        rows, units = (lines >= 0) & (lines < HORIZON), (judged >= 0) & (judged <= HORIZON)
        return (
            np.nan_to_num(np.concatenate(self.nats)[rows]),
            np.nan_to_num(np.concatenate(self.score)[units]),
            np.nan_to_num(np.concatenate(self.over)[units]),
        )


@dataclass
class Present:
    """Sources that were heard last are silent up to `now`, ns. In the place of `logwatch.idle.Idle`."""

    sources: Int32
    now: int = 0

    def due(self, clock: object) -> tuple[Int32, Int64]:
        return self.sources, np.full(len(self.sources), self.now, np.int64)


def surprise(folder: Path, test: Test, others: list[Test], seed: int) -> tuple[tuple[str, ...], Heard, int]:
    """Detectors, what the faulty round brought after the clean ones of the others, and when the fault was triggered."""
    latest, heard = NO_TIME, Heard()

    def on_scored(scored: Scored) -> None:
        nonlocal latest
        latest = max(latest, int(scored.events.time.max(initial=NO_TIME)))
        judged = session.pipeline.stages.judge.judge(scored.units)
        heard.times.append(scored.events.time.copy())
        heard.nats.append(scored.nats)
        heard.ends.append(scored.units.last.copy())
        heard.score.append(judged.score)
        heard.over.append(np.maximum(judged.score + np.log10(judged.threshold), 0.0))

    loaded = load(environ={}, flags={"seed": ("--seed", seed)})
    table = {"openstack": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), None, table, finished=True, on_scored=on_scored) as session:
        stages: Any = session.pipeline.stages
        for one, number in (*((other, 2) for other in others), (test, 1)):
            heard = Heard()
            stages.parser = _later(session, latest)
            for batch in records(folder, one, number):
                session.pipeline.process(batch, "openstack")
                session.pipeline.raised.clear()
        trigger = test.trigger + (stages.parser.shift or 0)
        stages.idle = present = Present(np.arange(len(stages.registry.sources), dtype=np.int32))
        for present.now in _ticks(latest, trigger + HORIZON):
            session.pipeline.tick()
        return tuple(detector.name for detector in stages.detectors), heard, trigger


def _later(session: Session, since: int) -> Later:
    settings, rules = ParseSettings(), rules_of(session.settings).rules
    redact, miner = session.settings.redact, session.pipeline.stages.miner
    parser = Later(lambda source: settings, miner, session.clock, redact, True, rules)
    parser.since = since
    return parser


def _ticks(begin: int, end: int) -> Iterator[int]:
    yield from range(begin + TICK_NS, end, TICK_NS)
    if end > begin:
        yield end


def main() -> None:
    """Print the figures."""
    with Benchmark("openstack_warm", source="dessertlab/Fault-Injection-Dataset") as bench:
        folder = bench.data("openstack_fi")
        all_tests = tests(folder)
        failed = np.array([test.failed for test in all_tests])
        said: list[tuple[Float32, Float64, Float64]] = []
        names: tuple[str, ...] = ()
        for number, test in enumerate(all_tests, 1):
            others = [other for other in all_tests if other is not test]
            names, heard, trigger = surprise(folder, test, others, bench.seed)
            said.append(heard.after(trigger))
            bench.log(f"{number} of {len(all_tests)} tests")
        sums, lines = (np.array([f(nats) for nats, _, _ in said]) for f in (lambda n: n.sum(axis=0), len))
        lines = np.maximum(lines, 1)

        def figure(name: str, values: Float64, floor: float | None = None) -> None:
            bench.figure(name, auc(values, failed), interval(values, failed), floor=floor)

        figure("summed/all", sums.sum(axis=1))
        figure("a_line/all", sums.sum(axis=1) / lines)
        for at, name in enumerate(names):
            figure(f"summed/{name}", sums[:, at])
            figure(f"a_line/{name}", sums[:, at] / lines)
        figure("judged/most", np.array([score.max(initial=0.0) for _, score, _ in said]))
        figure("judged/summed", np.array([over.sum() for _, _, over in said]), floor=0.82)
        bench.baseline("lines", auc(lines.astype(np.float64), failed))


if __name__ == "__main__":
    main()
