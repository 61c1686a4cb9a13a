"""An attack that is repeated again and again, so that it is taken for normal.

    python -m tests.benchmarks.poisoning [--lines N] [--share S] [--seed N] [--json]

A service answers requests of several steps, a line a second. After a quarter of the stream one request in so many is
an attack: one says what was never said before (`statement`), another says only what others say, in an order of its own
(`order`). Each must alert at first sight. From then on it goes on in 1 % of the requests to the end, where the network
must still be as surprised as at first; in 10 % it is a habit, and is learned, as the rule says.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from logwatch.app.history import COMPONENT, Files, drive
from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.parse.parser import ParseSettings
from logwatch.rows import Scored
from logwatch.types import Kind
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.quiet import Quiet

ENTITY = r"request=(\w+)"
BUDGET = "5/day"
START = 0.25
"""Share of the stream before the first attack."""

SAME = 30
"""Attacks that a figure is the median of."""

STEPS = [
    "accepted {n} bytes from port {n}",
    "session of user {n} is valid",
    "looked up {n} articles",
    "basket {n} is priced",
    "stock of article {n} reserved",
    "order {n} stored in {n} ms",
    "payment {n} authorised",
    "replied with {n} bytes",
]
ATTACKS = {
    "statement": [*STEPS[:3], "exported the keys of all tenants to host {n}", *STEPS[6:]],
    "order": [STEPS[0], STEPS[6], STEPS[5], STEPS[4], STEPS[7]],
}


def steps(rng: random.Random) -> list[str]:
    """What an honest request says: one in five does without one of the steps."""
    without = rng.choice(STEPS[1:-1]) if rng.random() < 0.2 else ""
    return [step for step in STEPS if step != without]


def stream(count: int, attack: str, share: float, seed: int) -> tuple[list[str], list[str]]:
    """Lines, and the names of the requests that are attacks, in order."""
    rng, out, attacks = random.Random(seed), [], []
    running: list[tuple[str, list[str]]] = []
    for i in range(count):
        while len(running) < 10:
            name = f"r{rng.getrandbits(40):010x}"
            bad = i > START * count and rng.random() < share
            running.append((name, list(ATTACKS[attack]) if bad else steps(rng)))
            attacks += [name] * bad
        at = rng.randrange(len(running))
        name, left = running[at]
        text = left.pop(0).format(n=rng.randint(1, 9999))
        if not left:
            running.pop(at)
        moment = f"2026-01-{5 + i // 86400:02d} {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
        out.append(f"{moment} INFO request={name} {text}")
    return out, attacks


@dataclass
class Heard:
    """The largest nats of the network in each request, and which requests alerted."""

    nats: dict[str, float] = field(default_factory=dict)
    alerted: set[str] = field(default_factory=set)
    _of: dict[int, str] = field(default_factory=dict)

    def __call__(self, scored: Scored) -> None:
        column = scored.detectors.index("lstm")
        said = np.nan_to_num(scored.nats[:, column])
        for row, name in enumerate(scored.events.entity):
            if name is not None:
                self.nats[name] = max(self.nats.get(name, 0.0), float(said[row]))
                self._of[int(scored.events.slot[row])] = name
        for row in scored.incident:
            units = scored.units
            if units.kind[row] in (Kind.EVENT, Kind.VISIT) and int(units.slot[row]) in self._of:
                self.alerted.add(self._of[int(units.slot[row])])


def run(lines: list[str], seed: int) -> Heard:
    """The stream through the real pipeline."""
    heard, ui = Heard(), Quiet()
    config = load(environ={}, flags={"budget": ("--budget", BUDGET), "seed": ("--seed", seed)})
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        log.write_text("\n".join(lines) + "\n")
        files = Files((str(log),), "{name}", ui)
        table = {COMPONENT: SourceTable(kind="file", entity=ENTITY)}
        with opened(config.settings, detectors_of(config), None, table, finished=True, on_scored=heard) as session:
            drive(session, files.batches(ParseSettings(ENTITY)), ui)
    return heard


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=120_000, help="of each stream (%(default)s)")
    with Benchmark("poisoning", parser=parser) as bench:
        for attack in ATTACKS:
            for share in (0.01, 0.1):
                lines, attacks = stream(bench.options.lines, attack, share, bench.seed)
                heard = run(lines, bench.seed)
                nats = [heard.nats[name] for name in attacks if name in heard.nats]
                name = f"{attack}/{share:.0%}"
                first, last = float(np.median(nats[:SAME])), float(np.median(nats[-SAME:]))
                alerted = [one in heard.alerted for one in attacks]
                if share < 0.02:
                    bench.figure(f"{name}/alerted at first sight", float(alerted[0]), floor=1)
                    bench.figure(f"{name}/surprise at the end, of that at first", last / first, floor=0.8)
                else:
                    bench.baseline(f"{name}/surprise at the end, of that at first", last / first)
                bench.baseline(f"{name}/nats, the first {SAME}", first)
                bench.baseline(f"{name}/nats, the last {SAME}", last)
                bench.baseline(f"{name}/nats of honest requests", float(np.median([*heard.nats.values()])))
                bench.baseline(f"{name}/attacks", len(attacks))
                bench.baseline(f"{name}/attacks alerted", sum(alerted))


if __name__ == "__main__":
    main()
