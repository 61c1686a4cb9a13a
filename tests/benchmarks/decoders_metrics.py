"""Lines of metrics in each format, and what other readers make of them."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import polars as pl
from prometheus_client.parser import text_string_to_metric_families

from logwatch.parse.metrics import MetricReader, MetricSettings
from logwatch.types import RecordBatch, Stream

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SERIES = 50
COLUMNS = 38
FIGURES = {  # floors of samples per second
    "csv_long": 600_000, "csv_wide": 600_000, "csv_one_column": 600_000, "influx": 300_000, "json_wide": 300_000,
    "json_long": None, "telegraf": None, "scrape": None, "prometheus_lines": None,
}  # fmt: skip


def lines_of(name: str, count: int, seed: int) -> list[bytes]:
    """Lines of one format, some `count` samples or records; the times of one step are the same."""
    rng = random.Random(seed)
    values = [round(rng.lognormvariate(3, 1), 3) for _ in range(count)]
    times = [START + timedelta(seconds=i // SERIES) for i in range(count)]
    lines = _WRITERS[name](values, times)
    return [line.encode() for line in lines]


def _iso(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


def _csv_long(values: list[float], times: list[datetime]) -> list[str]:
    rows = (f"{_iso(t)},cpu_percent_{i % 25},program=app;mode=m{i % SERIES},{v}" for i, (v, t) in _both(values, times))
    return ["time,name,labels,value", *rows]


def _csv_wide(values: list[float], times: list[datetime]) -> list[str]:
    rows = (
        f"{_iso(START + timedelta(seconds=i))}," + ",".join(map(str, values[at : at + COLUMNS]))
        for i, at in enumerate(range(0, len(values) - COLUMNS, COLUMNS))
    )
    return ["timestamp," + ",".join(f"metric_{k}" for k in range(COLUMNS)), *rows]


def _csv_one_column(values: list[float], times: list[datetime]) -> list[str]:
    rows = (f"{(START + timedelta(seconds=i)):%Y-%m-%d %H:%M:%S},{v}" for i, v in enumerate(values))
    return ["timestamp,value", *rows]


def _influx(values: list[float], times: list[datetime]) -> list[str]:
    return [
        f"cpu,host=h{i % SERIES},region=eu user={v},system={v / 3:.3f},n={i}i {int(t.timestamp())}000000000"
        for i, (v, t) in _both(values, times)
    ]


def _json_wide(values: list[float], times: list[datetime]) -> list[str]:
    return [
        json.dumps({
            "time": _iso(START + timedelta(seconds=i)),
            "metrics": {f'metric_{k}{{mode="m{k}"}}': values[at + k] for k in range(COLUMNS)},
        })
        for i, at in enumerate(range(0, len(values) - COLUMNS, COLUMNS))
    ]  # fmt: skip


def _json_long(values: list[float], times: list[datetime]) -> list[str]:
    return [
        json.dumps({"time": _iso(t), "name": f"cpu_{i % 25}", "labels": {"host": f"h{i % SERIES}"}, "value": v})
        for i, (v, t) in _both(values, times)
    ]


def _telegraf(values: list[float], times: list[datetime]) -> list[str]:
    return [
        json.dumps({
            "fields": {"user": v, "system": v / 3, "n": i}, "name": "cpu", "tags": {"host": f"h{i % SERIES}"},
            "timestamp": int(t.timestamp()),
        })
        for i, (v, t) in _both(values, times)
    ]  # fmt: skip


def _scrape(values: list[float], times: list[datetime]) -> list[str]:
    size = 500
    out = []
    for at in range(0, len(values) - size, size):
        samples = (f'reads_total{{disk="{k}",mode="x"}} {at + values[at + k]}' for k in range(size))
        head = f"# logwatchd scrape {int(times[at].timestamp())}000000000"
        out.append("\n".join([head, "# HELP reads_total Reads.", "# TYPE reads_total counter", *samples]))
    return out


def _prometheus_lines(values: list[float], times: list[datetime]) -> list[str]:
    return [f'reads{{disk="{i % SERIES}",mode="x"}} {v} {int(t.timestamp())}000' for i, (v, t) in _both(values, times)]


def _both(values: list[float], times: list[datetime]) -> enumerate[tuple[float, datetime]]:
    return enumerate(zip(values, times, strict=True))


_WRITERS: dict[str, Callable[[list[float], list[datetime]], list[str]]] = {
    "csv_long": _csv_long, "csv_wide": _csv_wide, "csv_one_column": _csv_one_column, "influx": _influx,
    "json_wide": _json_wide, "json_long": _json_long, "telegraf": _telegraf, "scrape": _scrape,
    "prometheus_lines": _prometheus_lines,
}  # fmt: skip


def reading(lines: list[bytes], size: int) -> tuple[int, Callable[[], object]]:
    """How many samples the lines hold, and the work of reading them in batches of `size`."""
    batches = [_batch(lines[at : at + size]) for at in range(0, len(lines), size)]
    reader = MetricReader(lambda source: MetricSettings())

    def work() -> int:
        return sum(len(reader.read(batch).samples) for batch in batches)

    return work(), work


def others(name: str, lines: list[bytes]) -> dict[str, Callable[[], object]]:
    """What other readers do with the lines: numbers and texts only, neither series nor times."""
    text = b"\n".join(lines)
    if name.startswith("csv"):
        return {
            "csv_module": lambda: list(csv.reader(text.decode().split("\n"))),
            "polars": lambda: pl.read_csv(text, infer_schema=False),
        }
    if name in ("scrape", "prometheus_lines"):
        return {"official_parser": lambda: list(text_string_to_metric_families(text.decode()))}
    return {} if name == "influx" else {"orjson": lambda: [orjson.loads(line) for line in lines]}


def _batch(lines: list[bytes]) -> RecordBatch:
    at = np.arange(len(lines), dtype=np.int64)
    none = np.zeros(len(lines), dtype=np.int32)
    return RecordBatch(lines, [Stream("metrics", "1")], none, at, at + 1, np.zeros(len(lines), dtype=np.uint8))
