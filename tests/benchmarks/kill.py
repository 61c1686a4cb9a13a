"""`kill -9` at random moments of a replay: the alerts in the file sink must be those of an uninterrupted run.

`python -m tests.benchmarks.kill [--kills 100]`: the daemon reads a log of several hours of event time, with bursts of
lines that it has never seen, and is killed again and again until it has come to the end; then the next replay begins,
until there were enough kills. Compared are the multisets of alert ids.
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
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines

LINES = 120_000
PER_SECOND = 5.0
"""The replay covers six and a half hours of event time, so that incidents open and end."""

BURST_EVERY = 6_000
BURST = 12

CONFIG = """
state = "{folder}/state"
budget = "10/hour"
learning = "online"
[[source]]
kind = "file"
paths = ["{log}"]
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


def prepare(folder: Path, log: Path, entity: str = "") -> Path:
    """A configuration that replays `log` into `folder`."""
    folder.mkdir()
    config = folder / "logwatchd.toml"
    line = f"entity = '{entity}'" if entity else ""
    config.write_text(CONFIG.format(folder=folder, log=log, entity=line))
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


def campaign(folder: Path, kills: int, seed: int, entity: str = "", count: int = LINES) -> tuple[int, int, int]:
    """Replays of `count` lines until `kills` were survived; kills, alerts compared, and alerts lost or doubled."""
    rng = random.Random(seed)
    log = folder / "shop.log"
    log.write_text("".join(f"{line}\n" for line in odd_lines(count, seed)))
    whole = prepare(folder / "whole", log, entity)
    began = time.monotonic()
    replay_killed(whole, rng, 0, 1.0)
    longest = max(4.0, 0.5 * (time.monotonic() - began))
    expected = alerts(whole)
    if not expected:
        raise RuntimeError("the replay raises no alert: there is nothing to compare")
    survived = compared = wrong = replays = 0
    while survived < kills:
        replays += 1
        config = prepare(folder / f"killed{replays}", log, entity)
        survived += replay_killed(config, rng, kills - survived, longest)
        got = alerts(config)
        compared += sum(got.values())
        wrong += sum(((got - expected) + (expected - got)).values())
    return survived, compared, wrong


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--entity", default="", help="pattern of entities in the log, to kill that path too")
    with Benchmark("kill", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        survived, compared, wrong = campaign(Path(folder), bench.options.kills, bench.seed, bench.options.entity)
        bench.figure("kills", survived)
        bench.figure("alerts_compared", compared)
        bench.figure("alerts_lost_or_doubled", wrong, floor=0, aim=0)


if __name__ == "__main__":
    main()
