"""`adfa_ld`: system calls of a host, a trace an entity; normal ones first, then 1,500 normal and 150 attacks.

    python -m tests.benchmarks.adfa [--data DIR] [--seed N] [--seeds N] [--json]

A line a call, its number in letters (numbers are values, and values are no templates); traces run one after another.
Nothing knows where the mix begins. Figures are areas under the ROC curve and average precisions per trace, means over
seeds, of the largest combined nats of each trace; beside them each detector alone.
"""

from __future__ import annotations

import argparse
import random
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from logwatch.backtest.result import Labelled
from tests.benchmarks.cases import of, replayed
from tests.benchmarks.frame import Benchmark

NORMAL, ATTACKS = 1500, 150
ENTITY = r"trace_id=(\w+)"
START = datetime(2026, 1, 5, tzinfo=UTC)


class Trace(NamedTuple):
    """Calls of one process, by number."""

    calls: Sequence[int]
    attack: bool


def traces(path: Path) -> dict[str, list[Trace]]:
    """Traces by folder: Training_Data_Master, Validation_Data_Master, Attack_Data_Master."""
    found: dict[str, list[Trace]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            parts = name.split("/")
            if name.endswith(".txt") and len(parts) > 2:
                calls = list(map(int, archive.read(name).split()))
                if calls:
                    found.setdefault(parts[1], []).append(Trace(calls, parts[1].startswith("Attack")))
    return found


def order(path: Path, seed: int) -> tuple[list[Trace], list[Trace]]:
    """The normal stream, and the mix after it."""
    found, rng = traces(path), random.Random(seed)
    normal, attacks = found["Validation_Data_Master"], found["Attack_Data_Master"]
    rng.shuffle(normal)
    rng.shuffle(attacks)
    mix = normal[:NORMAL] + attacks[:ATTACKS]
    rng.shuffle(mix)
    first = found["Training_Data_Master"]
    rng.shuffle(first)
    return first, mix


def lines(all_traces: Sequence[Trace]) -> Iterator[bytes]:
    """A JSON line a call."""
    at = START
    for number, trace in enumerate(all_traces):
        for call in trace.calls:
            name = "".join(chr(97 + call // 26**power % 26) for power in (1, 0))
            time = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
            yield f'{{"time":"{time}","level":"info","msg":"{name}","trace":"t{number}x"}}'.encode()
            at += timedelta(milliseconds=1)
        at += timedelta(seconds=1)


def run(path: Path, seed: int) -> Labelled:
    """One pass; only traces of the mix are labelled."""
    first, mix = order(path, seed)
    labels = {f"t{len(first) + at}x": trace.attack for at, trace in enumerate(mix)}
    share = ATTACKS / (NORMAL + ATTACKS)
    found = replayed(lines([*first, *mix]), labels, ENTITY, f"{100 * share:.0f}%", seed, warm=0.0).labelled
    assert found is not None
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from --seed on (%(default)s)")
    with Benchmark("adfa", source="ADFA-LD, UNSW Canberra", parser=parser) as bench:
        path = bench.data("adfa_ld", "ADFA-LD.zip")
        results = [run(path, seed) for seed in range(bench.seed, bench.seed + bench.options.seeds)]
        for voice in (one.voice for one in results[0].reached):
            areas = [of(result, voice).area for result in results]
            precisions = [of(result, voice).average_precision for result in results]
            area = sum(areas) / len(areas)
            precision = sum(figure.value for figure in precisions) / len(precisions)
            if voice == "whole":
                bench.figure("area_under_roc", area, floor=0.80, aim=0.92)
                bench.figure("average_precision", precision, precisions[0][1:])
            else:
                bench.baseline(f"area_under_roc/{voice}", area)
                bench.baseline(f"average_precision/{voice}", precision)


if __name__ == "__main__":
    main()
