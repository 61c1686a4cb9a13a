"""What every benchmark shares: its arguments, where its data lies, and how its figures are printed.

    with Benchmark("hdfs", source="logpai/loghub, HDFS_v1") as bench:
        path = bench.data("hdfs_2pct")              # exits 66 where it is missing
        bench.figure("average_precision", 0.93, ci=(0.92, 0.94), floor=0.85, aim=0.93)
        bench.baseline("markov", 0.77)

Leaving the block prints a table, or with `--json` one object:
`{"name", "commit", "cpu", "figures": {key: {"value", "ci", "floor", "aim"}}, "baselines": {key: value}}`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from logwatch.telemetry import configure_log

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATA = "data"
NO_INPUT = 66


class Benchmark:
    """One run of a benchmark.

    Args:
        name: as in `python -m tests.benchmarks.NAME`.
        source: the public place of the data, named where it is missing.
        argv: arguments, without the program; None: the command line's.
        parser: a parser with arguments of the benchmark's own; they stand in `options`.
    """

    def __init__(
        self,
        name: str,
        source: str = "",
        argv: Sequence[str] | None = None,
        parser: argparse.ArgumentParser | None = None,
    ) -> None:
        self.name, self.source = name, source
        self.figures: dict[str, dict[str, object]] = {}
        self.baselines: dict[str, float] = {}
        parser = parser or argparse.ArgumentParser()
        parser.prog = f"python -m tests.benchmarks.{name}"
        folder = Path(os.environ.get("LOGWATCHD_BENCH_DATA", DEFAULT_DATA))
        parser.add_argument("--data", type=Path, default=folder, help="folder of public data (%(default)s)")
        parser.add_argument("--seed", type=int, default=0, help="random seed (%(default)s)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        self.options = parser.parse_args(argv)
        self.seed: int = self.options.seed

    def data(self, *parts: str) -> Path:
        """A file or folder below `--data`; exits 66, naming the public source, where it is missing."""
        path: Path = self.options.data.joinpath(*parts)
        if not path.exists():
            public = f"; it is public: {self.source}" if self.source else ""
            print(f"{self.name}: {path} is missing{public} (--data DIR or LOGWATCHD_BENCH_DATA)", file=sys.stderr)
            raise SystemExit(NO_INPUT)
        return path

    def figure(
        self,
        key: str,
        value: float,
        ci: tuple[float, float] | None = None,
        floor: float | None = None,
        aim: float | None = None,
    ) -> None:
        """Record one figure; `floor` is what done means, `aim` what is hoped for; lower may be better."""
        self.figures[key] = {"value": value, "ci": list(ci) if ci else None, "floor": floor, "aim": aim}

    def baseline(self, key: str, value: float) -> None:
        """Record what something else reached in the same run."""
        self.baselines[key] = value

    def log(self, text: str) -> None:
        """Progress, for people: on stderr, so that stdout stays one JSON object."""
        print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> Benchmark:
        configure_log("console", "error")  # on stderr: stdout stays one JSON object
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is not None:
            return
        if self.options.json:
            head = {"name": self.name, "commit": commit(), "cpu": cpu()}
            print(json.dumps({**head, "figures": self.figures, "baselines": self.baselines}))
            return
        print(f"{self.name} at {commit()} on {cpu()}")
        for key, f in self.figures.items():
            more = "".join(f"  {k} {f[k]}" for k in ("ci", "floor", "aim") if f[k] is not None)
            print(f"  {key:<44} {f['value']:>12.6g}{more}")
        for key, value in self.baselines.items():
            print(f"  {'baseline ' + key:<44} {value:>12.6g}")


def commit() -> str:
    """Short hash of the checked-out commit, with `+` where the tree differs; `unknown` outside a clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=10"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def cpu() -> str:
    """Model name of the processor, with the number of logical ones that this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        name = next(
            (x.split(":", 1)[1].strip() for x in info.read_text().splitlines() if x.startswith("model name")), name
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name} ({cores} cores)"
