"""A file of metrics → decisions, everything on: samples a second, and what a series costs in state.

`python -m tests.benchmarks.metrics [--steps N]`: `score` reads whole files, without rows. Long: a record a sample, as
most exporters write, 1,000 series every ten seconds, as CSV and as JSON lines. Wide: a record a step, with all 1,000.
Few: ten series with a hundred times as many steps, where nothing can be done for many series at once. A third of the
series are counters. A small file is scored first: importing is no scoring.

State: bytes that the store holds for metrics, by series, after 200 steps, and beside them the forecaster's weights,
which are one for all series; and what one commit writes when every series had one more sample.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from logwatch.app.history import score
from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.requests import ScoreRequest
from logwatch.types import Float64, RecordBatch, Stream
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.quiet import Quiet

SERIES, FEW = 1000, 10
STEP_S = 10
START = np.datetime64("2026-03-01T00:00:00", "s")
STATE_STEPS = 200


def values_of(series: int, steps: int, seed: int) -> Float64:
    """[steps, series]: daily waves with noise, three digits; every third one counts."""
    rng = np.random.default_rng(seed)
    phase, level = rng.uniform(0, 6.28, series), rng.uniform(1, 1000, series)
    wave = 1 + 0.3 * np.sin(np.arange(steps)[:, None] * (STEP_S / 86_400 * 6.28) + phase)
    values = level * wave * (1 + 0.05 * rng.standard_normal((steps, series)))
    values[:, ::3] = np.cumsum(np.abs(values[:, ::3]), axis=0)
    return np.round(values, 3)


def names_of(series: int) -> list[tuple[str, str]]:
    """Metric and host."""
    return [(f"m{i % 25}{'_total' if i % 3 == 0 else ''}", f"h{i // 25}") for i in range(series)]


def times_of(steps: int) -> list[str]:
    """RFC 3339."""
    return [f"{time}Z" for time in (START + STEP_S * np.arange(steps)).astype(str).tolist()]


def csv_long(values: Float64) -> Iterator[str]:
    """time,name,labels,value"""
    yield "time,name,labels,value"
    names = names_of(values.shape[1])
    for time_, row in zip(times_of(len(values)), values.tolist(), strict=True):
        for (name, host), value in zip(names, row, strict=True):
            yield f"{time_},{name},host={host},{value}"


def csv_wide(values: Float64) -> Iterator[str]:
    """A time and a column a series."""
    yield "time," + ",".join(f"{host}_{name}" for name, host in names_of(values.shape[1]))
    for time_, row in zip(times_of(len(values)), values.tolist(), strict=True):
        yield time_ + "," + ",".join(map(str, row))


def json_long(values: Float64) -> Iterator[str]:
    """An object a sample."""
    names = names_of(values.shape[1])
    for time_, row in zip(times_of(len(values)), values.tolist(), strict=True):
        for (name, host), value in zip(names, row, strict=True):
            yield json.dumps({"time": time_, "name": name, "labels": {"host": host}, "value": value})


def scored(path: Path) -> float:
    """Seconds from the first byte to the last decision."""
    summary = score(ScoreRequest((str(path),), load(environ={}), None), Quiet())
    return summary.seconds


def rate(bench: Benchmark, folder: Path, key: str, lines: Iterator[str], samples: int, floor: bool = False) -> None:
    """Score a file of so many samples."""
    path = folder / f"{key}.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    cpu, began = time.process_time(), time.perf_counter()
    scored(path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    path.unlink()
    bench.log(f"{key}: {samples:,} samples in {seconds:.1f} s, {cpu / samples * 1e6:.2f} us of processor a sample")
    bounds = (100_000.0, 300_000.0) if floor else (None, None)
    bench.figure(f"{key}_samples_per_s", samples / seconds, floor=bounds[0], aim=bounds[1])
    bench.figure(f"{key}_cpu_us_per_sample", cpu / samples * 1e6)


def state(bench: Benchmark, folder: Path) -> None:
    """What the series of a source cost in the store, and in a commit."""
    loaded, stream = load(environ={}), Stream("app", "metrics")
    lines = [line.encode() for line in csv_wide(values_of(SERIES, STATE_STEPS + 1, bench.seed))]
    tables = {"files": SourceTable(kind="file", signal="metrics", format="csv")}
    with opened(loaded.settings, detectors_of(loaded), folder, tables) as session:
        for part in (lines[:-1], lines[-1:]):
            at = np.arange(len(part))
            which, flags = np.zeros(len(part), np.int32), np.zeros(len(part), np.uint8)
            session.pipeline.process(RecordBatch(part, [stream], which, at, at + 1, flags), "files")
            changes = session.pipeline.take()
            session.pipeline.failed(changes)
            session.commit()
        cells = session.store.all("")
        itemsize = session.pipeline.stages.metrics.table.dtype.itemsize
    of = {component: 0 for component, _ in cells if component.startswith("metrics/")}
    for (component, _), value in cells.items():
        if component in of:
            of[component] += len(value)
    bench.log(f"bytes by component: {of}")
    bench.figure("row_bytes_per_series", itemsize, floor=4096, aim=2048)
    bench.figure("forecaster_bytes", of.pop("metrics/forecaster", 0))
    bench.figure("state_bytes_per_series", sum(of.values()) / SERIES, floor=4096, aim=2048)
    written = sum(len(value or b"") for value in changes.cells.values())
    bench.figure("bytes_per_commit", written)
    bench.figure("bytes_per_commit_and_series", written / SERIES)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=600, help="of 1,000 series (%(default)s)")
    with Benchmark("metrics", parser=parser) as bench, tempfile.TemporaryDirectory() as name:
        folder, steps = Path(name), bench.options.steps
        warm = folder / "warm.csv"
        warm.write_text("".join(f"{line}\n" for line in csv_long(values_of(FEW, 100, bench.seed))))
        scored(warm)
        many, few = values_of(SERIES, steps, bench.seed), values_of(FEW, SERIES // FEW * steps, bench.seed)
        rate(bench, folder, "csv", csv_long(many), many.size, floor=True)
        rate(bench, folder, "json", json_long(many), many.size, floor=True)
        rate(bench, folder, "wide", csv_wide(many), many.size)
        rate(bench, folder, "few_series", csv_wide(few), few.size)
        state(bench, folder / "state")


if __name__ == "__main__":
    main()
