"""Ingestion while a detector plugin hangs, throws or eats memory, over the rate without it, in one run.

`python -m tests.benchmarks.plugins [--seconds S] [--hung S]`: the whole pipeline, everything on, over a synthetic
service log. A hang is measured over more than its whole first cool-down, the worst minute that there is: the deadline
of the call that hangs is part of it. Only the pipeline's own time counts, not that of making lines.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.pipeline import Pipeline
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
    parser.add_argument("--hung", type=float, default=66.0, help="of those that hang (%(default)s)")
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


def _rates(dropin: Path, name: str, seconds: float, seed: int) -> tuple[float, float]:
    """Lines per second without the plugin and with it, batch by batch in turn: these machines drift."""
    plain = {"LOGWATCHD_PLUGINS_DIR": str(dropin)}
    faulty = plain | ({f"LOGWATCHD_DETECTORS__{name.upper()}__ENABLED": "true"} if name else {})
    with contextlib.ExitStack() as stack:
        pipelines = [stack.enter_context(_pipeline(environ)) for environ in (plain, faulty)]
        spent, done = [0.0, 0.0], 0
        for number, records in enumerate(_batches(seed)):
            for which in (0, 1) if number % 2 else (1, 0):
                began = time.perf_counter()
                pipelines[which].process(records, "files")
                spent[which] += time.perf_counter() - began
            done += len(records)
            if spent[1] >= seconds:
                break
    return done / spent[0], done / spent[1]


@contextlib.contextmanager
def _pipeline(environ: dict[str, str]) -> Iterator[Pipeline]:
    loaded = load(None, environ)
    table = SourceTable(kind="file")
    with opened(loaded.settings, detectors_of(loaded), None, {"files": table}, finished=True) as session:
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
