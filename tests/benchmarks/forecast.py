"""The forecaster beside simple forecasts, on recorded metrics: pinball loss over the last half of each series.

`python -m tests.benchmarks.forecast` streams our own recordings, all programs together, through the reader, the series
and the forecaster, which learns as it goes. The recordings last 40 minutes, so the seasonal forecast repeats the period
that the first half shows. `--set nab` and `--set smd` do the same with those sets below `--data`. Ratios below 1 are
better; each is a geometric mean over series, its interval by bootstrap over them. Every simple forecast has the band of
its own last 256 misses. The inputs of the network were chosen while looking at the recordings.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from logwatch.parse.metrics.reader import MetricReader
from logwatch.parse.metrics.settings import MetricSettings
from logwatch.samples import Points
from logwatch.score.keys import KeyTable
from logwatch.score.series import series
from logwatch.score.series.forecast_report import NAIVE, Losses, compare, overall
from logwatch.score.series.lstm import MetricLstm
from logwatch.score.series.lstm_columns import COLUMNS
from logwatch.score.series.passage import Where
from logwatch.types import RecordBatch, Stream
from tests.benchmarks.frame import ROOT, Benchmark
from tests.benchmarks.nab_protocol import corpus
from tests.benchmarks.series_rounds import SECOND

RECORDINGS = ROOT / "tests" / "data" / "recordings"
BATCH = 4096
SETS = ("recordings", "nab", "smd")


def recorded(folder: Path) -> tuple[Points, list[str]]:
    """Points of the recordings in the order in which they were made, and the names of the slots."""
    paths = sorted(folder.glob("*/metrics.csv.gz"))
    lines = [gzip.decompress(path.read_bytes()).splitlines() for path in paths]
    stage = series.Series(KeyTable(series.COLUMNS, 10_000), 10_000, 5 * SECOND, 7 * 86_400 * SECOND)
    readers = [MetricReader(lambda _: MetricSettings()) for _ in paths]
    parts = []
    for at in range(0, max(map(len, lines)), BATCH):
        for source, reader in enumerate(readers):
            batch = lines[source][at : at + BATCH]
            n = len(batch)
            place, zero = np.arange(at, at + n), np.zeros(n, np.int32)
            records = RecordBatch(batch, [Stream(str(source), "")], zero, place, place + 1, np.zeros(n, np.uint8))
            samples = reader.read(records).samples
            where = Where(zero + np.int32(source), zero + np.int32(source), place, place + 1)
            parts.append(stage.points(samples, np.maximum.accumulate(samples.time), where))
    names = [f"{paths[int(stage.table.rows['source'][slot])].parent.name} {stage.name(slot)}"
             for slot in stage.table.in_use().tolist()]  # fmt: skip
    return _joined(parts), names


def _joined(parts: Sequence[Points]) -> Points:
    return Points(*(np.concatenate([getattr(one, name) for one in parts]) for name in Points.__dataclass_fields__))


def nab(folder: Path) -> tuple[Points, list[str]]:
    """Points of the Numenta Anomaly Benchmark in the order of their place in the file."""
    files = [file.series for file in corpus(folder)]
    parts = [_series(slot, one.time * SECOND, one.value) for slot, one in enumerate(files)]
    return _by_place(parts), [one.name for one in files]


def smd(folder: Path) -> tuple[Points, list[str]]:
    """Points of the Server Machine Dataset, the part for training first."""
    parts: list[Points] = []
    names: list[str] = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            values = np.concatenate([arrays["train"], arrays["test"]]).astype(np.float64)
        for column in range(values.shape[1]):
            parts.append(_series(len(parts), np.arange(len(values)) * 60 * SECOND, values[:, column]))
            names.append(f"{path.stem}/{column}")
    return _by_place(parts), names


def _series(slot: int, at: np.ndarray, values: np.ndarray) -> Points:
    n = len(values)
    slots, step, place = np.full(n, slot, np.int32), int(np.median(np.diff(at))), np.arange(n)
    return Points(slots, slots, slots, at, np.full(n, step), values, place, place + 1)


def _by_place(parts: Sequence[Points]) -> Points:
    whole = _joined(parts)
    return whole.take(np.lexsort((whole.slot, whole.start)))


def forecast(points: Points, count: int, seed: int) -> tuple[np.ndarray, float]:
    """Quantiles of every point, and points a second."""
    table = KeyTable(COLUMNS, max(count, 1))
    slots = np.arange(count, dtype=np.int32)
    table.assign(np.zeros(count, np.int32), slots, [None] * count)
    model = MetricLstm(table, seed=seed)
    began = time.perf_counter()
    found = [
        model.score(points.take(slice(at, at + BATCH))).quantiles for at in range(0, len(points), BATCH)
    ]  # fmt: skip
    took = time.perf_counter() - began
    model.close()
    return np.concatenate(found), len(points) / took


def losses(points: Points, names: Sequence[str], quantiles: np.ndarray) -> Iterator[tuple[str, Losses]]:
    """Of each series that changes in its last half."""
    for slot, name in enumerate(names):
        rows = np.flatnonzero(points.slot == slot)
        values, first = points.value[rows], len(rows) // 2
        if len(rows) and np.nanstd(values[first:]) > 0:
            yield name, compare(values, quantiles[rows], int(points.step[rows[-1]]), first)


def _figure(
    bench: Benchmark, key: str, found: Sequence[Losses], name: str | None, floor: float | None = None,
    aim: float | None = None,
) -> None:  # fmt: skip
    """A ratio, with its 95 % bootstrap interval over series."""
    rng = np.random.default_rng(bench.seed)
    draws = rng.integers(0, len(found), (1000, len(found))).tolist()
    low, high = np.nanquantile([overall([found[i] for i in draw], name) for draw in draws], [0.025, 0.975])
    bench.figure(key, overall(found, name), (float(low), float(high)), floor, aim)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", choices=SETS, default="recordings", help="what is forecast (%(default)s)")
    parser.add_argument("--series", action="store_true", help="print every series")
    with Benchmark("forecast", source="numenta/NAB v1.1, NetManAIOps/OmniAnomaly", parser=parser) as bench:
        if bench.options.set == "recordings":
            points, names = recorded(RECORDINGS)
        else:
            points, names = {"nab": nab, "smd": smd}[bench.options.set](bench.data(bench.options.set))
        quantiles, speed = forecast(points, len(names), bench.seed)
        found = dict(losses(points, names, quantiles))
        bench.figure("series", len(found))
        _figure(bench, "seasonal", list(found.values()), "seasonal", floor=0.95, aim=0.8)
        host = [one for name, one in found.items() if name.startswith("host ")]
        if host:
            _figure(bench, "seasonal, of the host's own metrics", host, "seasonal", floor=0.95, aim=0.8)
        bench.figure("seasonal, median", float(np.nanmedian([one.ratio("seasonal") for one in found.values()])))
        for name in ("persistence", "recent mean"):
            _figure(bench, name, list(found.values()), name)
        _figure(bench, "best simple one of each series", list(found.values()), None)
        better = np.mean([one.forecast < one.naive[one.best] for one in found.values()])
        bench.figure("share of series better than their best simple one", float(better))
        bench.figure("points_per_s, learning included", speed)
        if bench.options.series:
            for name, one in found.items():
                for simple in NAIVE:
                    bench.figure(f"{name}: {simple}{' *' if simple == one.best else ''}", one.ratio(simple))


if __name__ == "__main__":
    main()
