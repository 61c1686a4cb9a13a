"""Record deployments of a small shop, three at a time. See README.md beside this file.

``python -m tests.data.deployments.record --out DIR [--deployments 150] [--seed 1]``
A stopped recorder goes on with what is missing in DIR.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.data.deployments.plan import TOGETHER, plan
from tests.data.deployments.stack import template
from tests.data.recordings.machine import become_child, enter

MODULE = "tests.data.deployments.record"
LONGEST = 300.0  # seconds, after which a deployment hangs
EARLIEST = 62.0  # a failure before the first window is full teaches nothing
ATTEMPTS = 3
log = logging.getLogger("record")


def wanted(out: Path, seed: int, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The plans of those numbers that are not recorded yet; failed too early, they are drawn again."""
    plans = []
    for number in numbers:
        for attempt in range(ATTEMPTS):
            made = plan(seed, number, attempt)
            path = out / f"{made['deployment']}.json"
            if not path.exists():
                plans.append(made)
                break
            result = json.loads(path.read_text())
            if not result["failed"] or result["failed_at"] >= result["start"] + EARLIEST:
                break
            if result["plan"]["attempt"] == attempt and attempt + 1 < ATTEMPTS:
                path.unlink()
    return plans


def record(plans: list[dict[str, Any]], work: Path, out: Path, keep: Path | None) -> None:
    """Run these deployments at the same time."""
    running = {}
    for slot, made in enumerate(plans):
        path, name = work / f"plan{slot}.json", made["deployment"]
        path.write_text(json.dumps(made))
        argv = [path, str(slot), work, out, *([keep / name] if keep else [])]
        module = [sys.executable, "-m", "tests.data.deployments.deployment"]
        running[name] = subprocess.Popen([*module, *map(str, argv)])
        time.sleep(2.0)
    deadline = time.monotonic() + LONGEST
    for name, process in running.items():
        try:
            code = process.wait(max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        path = out / f"{name}.json"
        seen = json.loads(path.read_text()) if path.exists() else {}
        if code or not seen:
            log.warning("%s was not recorded (exit %s)", name, code)
            continue
        after = f"failed after {seen['failed_at'] - seen['start']:.0f} s" if seen["failed"] else "survived"
        what = f"{seen['plan']['planned']} + {seen['plan']['extra'] or 'nothing'}"
        log.info("%s %s: %s, %d of %d wrong", name, what, after, seen["errors"], seen["requests"])


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the recordings; goes on with what is there")
    parser.add_argument("--deployments", type=int, default=150, help="how many, in all")
    parser.add_argument("--together", type=int, default=TOGETHER, help="how many at the same time (for trials)")
    parser.add_argument("--only", help="numbers, separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="of the plans; the timing is real")
    parser.add_argument("--work", type=Path, default=Path("/srv/deployments"), help="scratch, deleted at the start")
    parser.add_argument("--keep", type=Path, help="folder for the services' logs")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Record what is missing."""
    options = parse(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    enter(MODULE, argv)
    become_child()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.nice(5)
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    options.out.mkdir(parents=True, exist_ok=True)
    template(options.work / "database")
    numbers = [int(n) for n in options.only.split(",")] if options.only else list(range(options.deployments))
    for _ in range(ATTEMPTS):
        for first in range(0, len(numbers), options.together):
            if plans := wanted(options.out, options.seed, numbers[first : first + options.together]):
                record(plans, options.work, options.out, options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
