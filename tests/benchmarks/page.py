"""What people who look cost: ingestion while 50 clients load the page and the API, over ingestion without them.

`python -m tests.benchmarks.page [--clients 50] [--pairs 3]`: a daemon reads a log from its beginning; a process beside
it holds the clients, each from an address of its own. A client loads the page with all of its files, then asks what the
page asks every five seconds: status, scores and open incidents. The clients' own processor time is part of the price:
on two cores it is taken from the daemon and its helper.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from importlib.resources import files
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from statistics import median

from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines
from tests.benchmarks.watched import Watched
from tests.kafka.broker import free_ports

LINES, FROM = 4_000_000, 200_000
"""Lines of the log; those after which the clock begins."""

EVERY_S = 5.0
ASKED = ("status", "scores", "incidents?open=true")
CONFIG = """
state = "{folder}/state"
[http]
listen = "127.0.0.1:{port}"
[[source]]
kind = "file"
paths = ["{log}"]
start = "beginning"
"""


async def client(number: int, port: int, parts: list[str], told: SynchronizedArray[int]) -> None:
    """One reader, for ever."""

    async def answer(path: str) -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(f"127.0.{1 + number // 200}.{2 + number % 200}", 0)
        )
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        try:
            return await reader.read(-1)
        finally:
            writer.close()

    async def get(path: str) -> None:
        try:
            good = (await answer(path)).startswith(b"HTTP/1.1 200")
        except OSError:
            good = False
        told[0 if good else 1] += 1

    await asyncio.sleep(EVERY_S * number / 50)
    for path in ("/", *parts):
        await get(path)
    while True:
        for path in ASKED:
            await get(f"/api/v1/{path}")
        await asyncio.sleep(EVERY_S)


async def all_clients(number: int, port: int, parts: list[str], told: SynchronizedArray[int]) -> None:
    """So many readers, for ever."""
    async with asyncio.TaskGroup() as group:  # holds them: the collector takes a task that only its own reader holds
        for one in range(number):
            group.create_task(client(one, port, parts, told))


def clients(number: int, port: int, told: SynchronizedArray[int]) -> None:
    """A process of readers; says how many answers were 200, and how many others, or none."""
    parts = [f"/page/{one.name}" for one in (files("logwatch.web") / "page").iterdir()]
    asyncio.run(all_clients(number, port, parts, told))


def rate(log: Path, number: int, bench: Benchmark) -> float:
    """Lines a second that a fresh daemon reads while so many clients look."""
    (port,) = free_ports(1)
    told = multiprocessing.Array("q", [0, 0])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "logwatchd.toml"
        config.write_text(CONFIG.format(folder=folder, port=port, log=log))
        daemon = Watched(config)
        daemon.until_ready()
        beside = multiprocessing.Process(target=clients, args=(number, port, told), daemon=True)
        if number:
            beside.start()
        times: list[tuple[float, int]] = []
        while not times or times[-1][1] < LINES:
            times.append((time.monotonic(), int(daemon.status().get("records", 0))))
            time.sleep(0.1)
        if number:
            beside.terminate()
            beside.join()
        daemon.stop()
    begun = next(one for one in times if one[1] >= FROM)
    ended = next(one for one in times if one[1] >= LINES)
    found = (ended[1] - begun[1]) / (ended[0] - begun[0])
    answers = f", {told[0]:,} answers, {told[1]:,} refusals" if number else ""
    bench.log(f"{number} clients: {found:,.0f} lines/s{answers}")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50, help="readers at once (%(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="runs without and with them (%(default)s)")
    with Benchmark("page", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        with log.open("w") as out:
            out.writelines(f"{one}\n" for one in lines(LINES, 100_000, bench.seed))
        runs = [(rate(log, 0, bench), rate(log, bench.options.clients, bench)) for _ in range(bench.options.pairs)]
        bench.figure("lines_per_s_alone", median(alone for alone, _ in runs))
        bench.figure("lines_per_s_watched", median(watched for _, watched in runs))
        bench.figure("watched_over_alone", median(watched / alone for alone, watched in runs), floor=0.9, aim=0.97)


if __name__ == "__main__":
    main()
