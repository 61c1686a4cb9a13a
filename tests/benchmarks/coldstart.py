"""A new source with a model from other sources, against one that begins with nothing.

    python -m tests.benchmarks.coldstart [--data DIR] [--starts N] [--lines N] [--seed N] [--json]

`hdfs_2pct` is cut in two. `train logs` learns the first half (`same`: another host with the same software), or our own
recordings of other programs (`others`). Then at N places of the second half a host begins, with either model or with
none, and the average precision of its blocks is taken by how many lines the host had read when they ended, all hosts
together: of the LSTM's nats, and of all detectors combined. Told is after how many lines it reaches, for good, 90 % of
what it ends with from scratch.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from logwatch.app.history import COMPONENT, Files, drive
from logwatch.app.session import Session, detectors_of, opened
from logwatch.app.training_logs import train_logs
from logwatch.backtest.metrics import Ranking
from logwatch.config import SourceTable, load
from logwatch.parse.parser import ParseSettings
from logwatch.requests import TrainLogsRequest
from logwatch.rows import Scored
from logwatch.types import Kind
from tests.benchmarks.frame import ROOT, Benchmark
from tests.benchmarks.hdfs import ENTITY, SOURCE, blocks, lines
from tests.benchmarks.quiet import Quiet

EDGES = (0, 1000, 2000, 4000, 6000, 8000, 12_000, 16_000, 24_000, 32_000, 40_000, 48_000, 56_000)
"""Lines that a host had read when a block ended: bins."""

FINAL = 32_000
"""Lines from which on the average precision is what it ends with."""

REACHED = 0.9
VOICES = ("lstm", "whole")


@dataclass
class Host:
    """What was said of each block of one host: the largest, and when it was last heard of."""

    said: dict[str, list[float]] = field(default_factory=dict)  # by voice
    last: dict[str, int] = field(default_factory=dict)  # number of its last line

    def listen(self, session: Callable[[], Session], scored: Scored) -> None:
        """A judged sub-batch."""
        stages = session().pipeline.stages
        events = np.nan_to_num(scored.nats[:, scored.detectors.index("lstm")])
        for row, name in enumerate(scored.events.entity):
            if name is not None:
                best = self.said.setdefault(name, [0.0, 0.0])
                best[0] = max(best[0], float(events[row]))
                self.last[name] = scored.events.first + row
        visits = np.flatnonzero(scored.units.kind == Kind.VISIT)
        nats = np.nan_to_num(stages.judge.judge(scored.units).nats) if len(visits) else events
        for row in visits.tolist():
            name = stages.keys.key(int(scored.units.slot[row]))[1]
            if name in self.said:
                self.said[name][1] = max(self.said[name][1], float(nats[row]))


def train(paths: Sequence[str], out: Path, entity: str | None, seed: int) -> None:
    """A bundle."""
    config = load(environ={}, flags={"seed": ("--seed", seed)})
    train_logs(TrainLogsRequest(tuple(paths), config, out, None, entity), Quiet())


def begin(text: list[bytes], model: Path | None, seed: int) -> Host:
    """A host that reads these lines."""
    host, ui = Host(), Quiet()
    config = load(environ={}, flags={"budget": ("--budget", "2%"), "seed": ("--seed", seed)})
    settings = config.settings.model_copy(update={"model": model})
    table = {COMPONENT: SourceTable(kind="file", entity=ENTITY)}
    found: list[Session] = []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "host.log"
        log.write_bytes(b"\n".join(text) + b"\n")
        files = Files((str(log),), "{name}", ui)
        with opened(
            settings, detectors_of(config), None, table, finished=True,
            on_scored=lambda scored: host.listen(lambda: found[0], scored),
        ) as session:  # fmt: skip
            found.append(session)
            drive(session, files.batches(ParseSettings(ENTITY)), ui)
    return host


def places(text: list[bytes], count: int, size: int) -> list[int]:
    """First lines of hosts, spread over the second half."""
    first, room = len(text) // 2, len(text) - len(text) // 2 - size
    return [first + room * i // max(1, count - 1) for i in range(count)]


def names_of(text: list[bytes]) -> list[str]:
    """Block of each line."""
    found = [re.search(ENTITY.encode(), line) for line in text]
    return ["" if one is None else one[1].decode() for one in found]


def precisions(hosts: Sequence[tuple[Host, set[str]]], labels: Mapping[str, bool], voice: int) -> list[float]:
    """Average precision in each bin, of blocks that a host saw from their first line on."""
    said, bad, last = [], [], []
    for host, before in hosts:
        for name, best in host.said.items():
            if name in labels and name not in before:
                said.append(best[voice])
                bad.append(labels[name])
                last.append(host.last[name])
    scores, truth = np.array(said), np.array(bad)
    bins = np.digitize(last, EDGES) - 1
    of = [bins == number for number in range(len(EDGES))]
    return [Ranking(scores[rows], truth[rows]).average_precision() if truth[rows].any() else np.nan for rows in of]


def reached(curve: Sequence[float], goal: float) -> float:
    """Lines after which a curve stays above the goal, averaged with its neighbours: few blocks end in one bin."""
    smooth = [float(np.nanmean(curve[max(0, i - 1) : i + 2])) for i in range(len(curve))]
    below = [i for i, value in enumerate(smooth) if not value >= goal]
    first = below[-1] + 1 if below else 0
    return float(EDGES[first]) if first < len(EDGES) else float("inf")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=8, help="hosts that begin (%(default)s)")
    parser.add_argument("--lines", type=int, default=64_000, help="that each reads (%(default)s)")
    with Benchmark("coldstart", source=SOURCE, parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        data = bench.data("hdfs_2pct")
        text, labels = lines(data), blocks(data)
        first = Path(folder) / "first.log"
        first.write_bytes(b"\n".join(text[: len(text) // 2]) + b"\n")
        recorded = sorted(map(str, (ROOT / "tests" / "data" / "recordings").glob("*/*.log.gz")))
        models = {name: Path(folder) / f"{name}.tar" for name in ("same", "others")}
        train([str(first)], models["same"], ENTITY, bench.seed)
        train(recorded, models["others"], None, bench.seed)
        names, size = names_of(text), bench.options.lines
        starts = places(text, bench.options.starts, size)
        seen_before = [set(names[:at]) for at in starts]
        curves = {}
        for name, model in {"scratch": None, **models}.items():
            hosts = [begin(text[at : at + size], model, bench.seed) for at in starts]
            for column, voice in enumerate(VOICES):
                known = list(zip(hosts, seen_before, strict=True))
                curves[voice, name] = precisions(known, labels, column)
        _tell(bench, curves)


def _tell(bench: Benchmark, curves: Mapping[tuple[str, str], list[float]]) -> None:
    final = EDGES.index(FINAL)
    for voice in VOICES:
        goal = REACHED * float(np.nanmean(curves[voice, "scratch"][final:]))
        scratch = reached(curves[voice, "scratch"], goal)
        bench.baseline(f"{voice}/scratch/lines until 90 %", scratch)
        for name in ("same", "others"):
            lines_until = reached(curves[voice, name], goal)
            bench.figure(f"{voice}/{name}/lines until 90 %", lines_until, floor=scratch, aim=scratch / 2)
            bench.figure(f"{voice}/{name}/average precision at the end", float(np.nanmean(curves[voice, name][final:])))
        for name in ("scratch", "same", "others"):
            for edge, value in zip(EDGES, curves[voice, name], strict=True):
                bench.baseline(f"{voice}/{name}/average precision from line {edge}", value)


if __name__ == "__main__":
    main()
