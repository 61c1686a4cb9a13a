"""Memory: per key, with many keys, and over a day.

`python -m tests.benchmarks.memory`: the pipeline in a process of its own reads (a) nothing, (b) a log with 100,000
request ids as entities, (c) 24 hours of 50 lines/s (4.3 million lines). Resident memory is read from the kernel.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.types import RecordBatch, Stream
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines

KEYS = 100_000
DAY_LINES = 24 * 3600 * 50
BATCH = 4096


def rss() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def batches(text: Iterator[str]) -> Iterator[RecordBatch]:
    """Records of one stream."""
    at = 0
    while chunk := [line.encode() for line in islice(text, BATCH)]:
        n = len(chunk)
        start = np.arange(at, at + n, dtype=np.int64)
        at += n
        yield RecordBatch(chunk, [Stream("shop", "1")], np.zeros(n, np.int32), start, start + 1, np.zeros(n, np.uint8))


def keyed(count: int) -> Iterator[str]:
    """Every line names another entity, three times over in all."""
    for i in range(3 * count):
        clock = f"08:{i // 60000 % 60:02d}:{i // 1000 % 60:02d}.{i % 1000:03d}"
        yield f"2026-01-05 {clock} INFO request_id={i % count:06x} step {i % 7}"


def _watch(text: Iterator[str], entity: str | None, samples: int, out: multiprocessing.Queue[list[int]]) -> None:
    loaded = load(environ={})
    table = {"shop": SourceTable(kind="file", entity=entity)}
    seen = []
    with opened(loaded.settings, detectors_of(loaded), None, table, finished=True) as session:
        seen.append(rss())
        for number, records in enumerate(batches(text)):
            session.pipeline.process(records, "shop")
            if number % 16 == 0:
                session.commit()
            if number % samples == 0:
                seen.append(rss())
        seen.append(rss())
    out.put(seen)


def _day(lines_of_day: int) -> Iterator[str]:
    return lines(lines_of_day, 50)


def measure(kind: str, count: int) -> list[int]:
    """Resident bytes at the start, on the way and at the end, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    out: multiprocessing.Queue[list[int]] = context.Queue()
    process = context.Process(target=_run, args=(kind, count, out))
    process.start()
    seen = out.get()
    process.join()
    return seen


def _run(kind: str, count: int, out: multiprocessing.Queue[list[int]]) -> None:
    if kind == "keys":
        _watch(keyed(count), r"request_id=(\w+)", 16, out)
    else:
        _watch(_day(count), None, 50, out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--day-lines", type=int, default=DAY_LINES)
    with Benchmark("memory", parser=parser) as bench:
        few, many = measure("keys", KEYS // 10), measure("keys", KEYS)
        bench.figure("empty_mb", many[0] / 1e6)
        bench.figure("keys_100k_over_empty_mb", (many[-1] - many[0]) / 1e6, floor=500, aim=300)
        bench.figure("bytes_per_key", (many[-1] - few[-1]) / (KEYS - KEYS // 10), floor=4096, aim=2048)
        day = measure("day", bench.options.day_lines)
        warm = day[len(day) // 4]
        bench.figure("day_after_warmup_mb", warm / 1e6)
        bench.figure("day_end_mb", day[-1] / 1e6)
        bench.figure("day_end_over_warmup", max(day[len(day) // 4 :]) / warm, floor=1.1, aim=1.05)


if __name__ == "__main__":
    main()
