"""Ingestion while a detector plugin hangs, throws or eats memory, over the rate without it, in one run.

`python -m tests.benchmarks.plugins [--seconds S] [--hung S]`: the whole pipeline, everything on, over a synthetic
service log. Only a pipeline's own time counts, not that of making lines or of the other pipeline, and a plugin's
cool-down runs by the same clock. A hang is measured from the call that hangs to the end of the one that hangs after the
first cool-down: the two nearest ones that there are, the worst minute.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.pipeline import Pipeline
from logwatch.plugins.calls import DEADLINE_S
from logwatch.plugins.guard import COOL_DOWN_S
from logwatch.plugins.guarded import guarded
from logwatch.plugins.loader import Resolved
from logwatch.types import RecordBatch, Stream
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines

BATCH = 4096
FLOOR = 0.9

PLUGIN = """
import time
import numpy as np
from logwatch.api import plugin

@plugin(kind="detector", name="{name}", api=(1, 0))
class Faulty:
    name = "{name}"
    def __init__(self, config):
        self.kept = []
    def score(self, events):
        {act}
        return np.zeros(len(events), np.float32)
    def learn(self, chunk, nats):
        pass
    def changes(self):
        return ()
    def restore(self, cells):
        pass
"""

CASES = {
    "sound": "pass",
    "throws": "raise RuntimeError('broken')",
    "eats_memory": "self.kept.append(bytearray(b'x' * 2**25))",
    "hangs_spinning": "while True: pass",
    "hangs_waiting": "time.sleep(3600)",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0, help="of each case (%(default)s)")
    worst = 2 * DEADLINE_S + COOL_DOWN_S
    parser.add_argument("--hung", type=float, default=worst, help="of those that hang (%(default)s)")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    with Benchmark("plugins", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        dropin = Path(folder) / "dropin"
        dropin.mkdir(mode=0o755)
        options = bench.options
        _rates(dropin, "", 2.0, bench.seed)  # importing is not ingesting
        for name in options.cases:
            file = dropin / f"{name}.py"
            file.write_text(PLUGIN.format(name=name, act=CASES[name]))
            file.chmod(0o644)
            seconds = options.hung if "hangs" in name else options.seconds
            without, with_it = _rates(dropin, name, seconds, bench.seed)
            bench.log(f"{name}: {with_it:,.0f} lines/s, without {without:,.0f}")
            bench.figure(f"{name}_over_without", with_it / without, floor=FLOOR)


@dataclass
class Spent:
    """Seconds that one pipeline has worked: the clock of its plugins."""

    worked: float = 0.0
    began: float | None = None

    def now(self) -> float:
        return self.worked + (0.0 if self.began is None else time.perf_counter() - self.began)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        self.began = time.perf_counter()
        yield
        self.worked, self.began = self.now(), None


@dataclass(frozen=True, slots=True)
class Paced(Resolved):
    """A plugin that is guarded as in the daemon, by another clock."""

    monotonic: Callable[[], float]

    def build(self, *, on_trip: Any = None, **extras: Any) -> Any:
        return guarded(self.component, self.component.build(self.config), on_trip, self.monotonic)


def _rates(dropin: Path, name: str, seconds: float, seed: int) -> tuple[float, float]:
    """Lines per second without the plugin and with it, batch by batch in turn: these machines drift."""
    plain = {"LOGWATCHD_PLUGINS_DIR": str(dropin)}
    faulty = plain | ({f"LOGWATCHD_DETECTORS__{name.upper()}__ENABLED": "true"} if name else {})
    with contextlib.ExitStack() as stack:
        spent = [Spent(), Spent()]
        both = zip((plain, faulty), spent, strict=True)
        pipelines = [stack.enter_context(_pipeline(environ, name, clock)) for environ, clock in both]
        done = 0
        for number, records in enumerate(_batches(seed)):
            for which in (0, 1) if number % 2 else (1, 0):
                with spent[which].working():
                    pipelines[which].process(records, "files")
            done += len(records)
            if spent[1].now() >= seconds:
                break
    return done / spent[0].now(), done / spent[1].now()


@contextlib.contextmanager
def _pipeline(environ: dict[str, str], name: str, clock: Spent) -> Iterator[Pipeline]:
    loaded = load(None, environ)
    detectors = [
        Paced(one.part, one.config, one.component, clock.now) if one.part.name == name else one
        for one in detectors_of(loaded)
    ]
    table = SourceTable(kind="file")
    with opened(loaded.settings, detectors, None, {"files": table}, finished=True) as session:
        yield session.pipeline


def _batches(seed: int) -> Iterator[RecordBatch]:
    stream = Stream("app", "log")
    source = iter(lines(10**9, 100_000, seed))
    at = 0
    while True:
        taken = [_bytes(line) for line in islice(source, BATCH)]
        end = at + np.cumsum([len(line) + 1 for line in taken], dtype=np.int64)
        start = np.concatenate([np.array([at], np.int64), end[:-1]])
        at, n = int(end[-1]), len(taken)
        yield RecordBatch(taken, [stream], np.zeros(n, np.int32), start, end, np.zeros(n, np.uint8))


def _bytes(line: str | bytes) -> bytes:
    return (line.encode() if isinstance(line, str) else line).rstrip(b"\n")


if __name__ == "__main__":
    main()
