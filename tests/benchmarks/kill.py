"""`kill -9` at random moments of a replay: the alerts in the file sink must be those of an uninterrupted run.

`python -m tests.benchmarks.kill [--kills 100] [--metrics]`: the daemon reads a log of several hours of event time, with
bursts of lines that it has never seen, and is killed again and again until it has come to the end; then the next replay
begins, until there were enough kills. With `--metrics` it reads the service's metrics beside, of as many hours, with as
many bursts. Compared are the multisets of alert ids.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines

LINES = 120_000
PER_SECOND = 5.0
"""The replay covers six and a half hours of event time, so that incidents open and end."""

BURST_EVERY = 6_000
BURST = 12

START = datetime(2026, 3, 1, tzinfo=UTC)
STEP_S = 10
"""Between samples of a series."""
ODD_EVERY = 120
"""Steps; in the last three of them something is odd."""

CONFIG = """
state = "{folder}/state"
budget = "10/hour"
learning = "online"
[[source]]
kind = "file"
paths = {paths}
start = "beginning"
once = true
{entity}
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
"""


def odd_lines(count: int, seed: int) -> Iterator[str]:
    """The synthetic log, with bursts of lines of other programs in it."""
    rng = random.Random(seed)
    words = [
        "kernel",
        "segfault",
        "quota",
        "raid",
        "rebuild",
        "panic",
        "thermal",
        "orphan",
        "inode",
        "lost",
        "bus",
        "fan",
    ]
    for number, line in enumerate(lines(count, PER_SECOND, seed)):
        yield line
        if number % BURST_EVERY == BURST_EVERY - 1:
            for _ in range(BURST):
                yield f"{line[:26]} ERROR [{rng.choice(words)}] " + " ".join(rng.sample(words, rng.randint(4, 9)))


def samples(seconds: int, seed: int) -> Iterator[str]:
    """CSV of some series, a record a sample, whose levels jump now and then; some samples come late."""
    rng = random.Random(seed)
    yield "time,name,labels,value"
    held = ""
    total = 0
    for second in range(0, seconds, STEP_S):
        odd = second // STEP_S % ODD_EVERY >= ODD_EVERY - 3
        total += rng.randint(0, 3) if odd else rng.randint(90, 110)
        for name, value in (
            ("requests_total", total),
            ("in_flight", 400 * rng.random() if odd else rng.gauss(20, 1)),
            *((f"load{i}", rng.gauss(5, 1) + (40 if odd and i == second // STEP_S % 5 else 0)) for i in range(5)),
        ):
            line = f"{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ},{name},program=shop,{value:.3f}"
            if rng.random() < 0.01:
                line, held = held, line
            if line:
                yield line


def prepare(folder: Path, logs: Sequence[Path], entity: str = "") -> Path:
    """A configuration that replays `logs` into `folder`."""
    folder.mkdir()
    config = folder / "logwatchd.toml"
    line = f"entity = '{entity}'" if entity else ""
    config.write_text(CONFIG.format(folder=folder, paths=[str(log) for log in logs], entity=line))
    return config


def start(config: Path) -> subprocess.Popen[bytes]:
    """The daemon, as a process of its own."""
    command = [sys.executable, "-m", "logwatch", "run", "-c", str(config)]
    with (config.parent / "log").open("ab") as said:
        return subprocess.Popen(command, stderr=said)


def alerts(config: Path) -> Counter[str]:
    """Ids in the file sink. Every line is whole: a cut one would raise."""
    path = config.parent / "alerts.jsonl"
    return Counter(json.loads(line)["id"] for line in path.read_text().splitlines()) if path.exists() else Counter()


def kinds(config: Path) -> set[str]:
    """Kinds of the alerts in the file sink."""
    return {json.loads(line)["kind"] for line in (config.parent / "alerts.jsonl").read_text().splitlines()}


def replay_killed(config: Path, rng: random.Random, kills: int, longest: float) -> int:
    """Run to the end, killed up to `kills` times on the way, each time within `longest` seconds of life."""
    done = 0
    while True:
        daemon = start(config)
        try:
            if done < kills:
                daemon.wait(timeout=rng.uniform(0.5, longest))
            else:
                daemon.wait(timeout=600)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            done += 1
            continue
        if daemon.returncode != 0:
            raise RuntimeError((config.parent / "log").read_text()[-2000:])
        return done


def campaign(
    folder: Path, kills: int, seed: int, entity: str = "", count: int = LINES, metrics: bool = False
) -> tuple[int, int, int]:
    """Replays of `count` lines until `kills` were survived; kills, alerts compared, and alerts lost or doubled."""
    rng = random.Random(seed)
    logs = [folder / "shop.log"]
    logs[0].write_text("".join(f"{line}\n" for line in odd_lines(count, seed)))
    if metrics:
        logs.append(folder / "shop.csv")
        logs[1].write_text("".join(f"{line}\n" for line in samples(int(count / PER_SECOND), seed)))
    whole = prepare(folder / "whole", logs, entity)
    began = time.monotonic()
    replay_killed(whole, rng, 0, 1.0)
    longest = max(4.0, 0.5 * (time.monotonic() - began))
    expected = alerts(whole)
    if not expected:
        raise RuntimeError("the replay raises no alert: there is nothing to compare")
    if metrics and not kinds(whole) >= {"metric", "event"}:
        raise RuntimeError(f"the replay raises alerts of {kinds(whole)} only")
    survived = compared = wrong = replays = 0
    while survived < kills:
        replays += 1
        config = prepare(folder / f"killed{replays}", logs, entity)
        survived += replay_killed(config, rng, kills - survived, longest)
        got = alerts(config)
        compared += sum(got.values())
        wrong += sum(((got - expected) + (expected - got)).values())
    return survived, compared, wrong


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--entity", default="", help="pattern of entities in the log, to kill that path too")
    parser.add_argument("--metrics", action="store_true", help="metrics beside the log")
    with Benchmark("kill", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        survived, compared, wrong = campaign(
            Path(folder), bench.options.kills, bench.seed, bench.options.entity, metrics=bench.options.metrics
        )
        bench.figure("kills", survived)
        bench.figure("alerts_compared", compared)
        bench.figure("alerts_lost_or_doubled", wrong, floor=0, aim=0)


if __name__ == "__main__":
    main()
