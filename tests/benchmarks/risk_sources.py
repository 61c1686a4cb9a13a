"""`risk_sources`: the risk of a thousand sources at once: their heatmaps, and what the network says of each.

`python -m tests.benchmarks.risk_sources [--sources N]`: windows of our own recordings of deployments, as the daemon
renders them (24 files, in turn), through the guarded plugin with the weights that ship. The first round, which loads
the network, is not counted; the median of five. What drove a risk is asked of those that are at risk alone, so that it
is a figure of its own: windows of which the network says less than one in two are timed first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice

import numpy as np

from logwatch.api import MetricWindow
from logwatch.app.risk_live import Risks, risks_of
from logwatch.app.training import windows_of
from logwatch.cli.ui import Terminal
from logwatch.config import RiskTable, load
from logwatch.plugins.loader import Part, Plugins
from logwatch_cnn_risk.frames import LEAST_KNOWN, known_share
from tests.benchmarks.frame import ROOT, Benchmark

FILES, EVERY_NS, ROUNDS = 24, 10 * 10**9, 5
DATA = ROOT / "tests" / "data" / "deployments" / "recordings"
FLOOR_S, AIM_S = 2.0, 1.0


def windows(sources: int) -> list[MetricWindow]:
    """Whole windows, a source each."""
    files = tuple(str(one) for one in sorted(DATA.glob("*.csv.gz"))[:FILES])
    with Terminal(show_alerts=False) as ui:
        found = windows_of(files, load(None), EVERY_NS, ui)
    whole = [one for one in found if known_share(one) >= LEAST_KNOWN]
    some = islice(cycle(whole), sources)
    return [replace(one, source=f"source{number}") for number, one in enumerate(some)]


def measure(bench: Benchmark, some: Sequence[MetricWindow]) -> None:
    """The figures."""
    resolved = Plugins().resolve(Part("risk", "cnn", "cnn", RiskTable()))
    assert resolved is not None  # it is built in
    risks = risks_of([resolved], True, lambda *_: None)
    assert risks is not None
    said = [one for (one,) in risks.assess(some)]
    told = [bool(one and one.drivers) for one in said]
    calm = [window for window, driven in zip(some, told, strict=True) if not driven]
    at_risk = [window for window, driven in zip(some, told, strict=True) if driven][:32]
    begin = time.process_time()
    taken = [_seconds(risks, list(islice(cycle(calm), len(some)))) for _ in range(ROUNDS)]
    bench.figure("seconds", float(np.median(taken)), floor=FLOOR_S, aim=AIM_S)
    bench.figure("cpu_seconds", (time.process_time() - begin) / ROUNDS)
    bench.figure("explained_ms_each", _seconds(risks, at_risk) / max(len(at_risk), 1) * 1e3)
    bench.figure("at_risk_share", sum(told) / len(some))
    bench.log(f"by {sorted({one.detail for one in said if one})[:3]}; rounds of {[round(one, 2) for one in taken]} s")


def _seconds(risks: Risks, some: Sequence[MetricWindow]) -> float:
    begin = time.perf_counter()
    risks.assess(some)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=1000, help="(%(default)s)")
    with Benchmark("risk_sources", parser=parser) as bench:
        measure(bench, windows(bench.options.sources))


if __name__ == "__main__":
    main()
