"""One deployment: start the service, put it under load, sample it, note whether and when it failed.

``python -m tests.data.deployments.deployment PLAN.json SLOT WORK OUT``, by the recorder, inside its namespaces.
Writes ``OUT/NAME.csv.gz`` and then ``OUT/NAME.json``: the second is there only when all is.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import redis

from tests.data.deployments.group import Group
from tests.data.deployments.load import Clients, Judge, Traffic
from tests.data.deployments.sampling import STEP, Sampler, Values
from tests.data.deployments.stack import Stack

AFTER_FAILURE = 4.0  # seconds that are still recorded


class Deployment:
    """Runs one plan on one slot's ports."""

    def __init__(self, plan: dict[str, Any], slot: int, work: Path) -> None:
        self.plan, self.judge = plan, Judge()
        group = Group(plan["deployment"], plan["cores"], plan["memory"], plan["tasks"])
        self.stack = Stack(work / plan["deployment"], 9000 + 10 * slot, group, plan)
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> tuple[float, list[tuple[float, Values]]]:
        """Load and samples from the next half second on: their first time, and the rows."""
        seconds, traffic = self.plan["seconds"], Traffic(**self.plan["traffic"])
        over = asyncio.Event()
        clients = Clients(self.stack.nginx, traffic, self.judge, self.plan["again"], self.plan["deployment"])
        load = asyncio.create_task(clients.run(self.plan["lead_in"] + seconds, over))
        await asyncio.sleep(self.plan["lead_in"])
        began = math.ceil(time.time() / STEP) * STEP
        sampler = Sampler(self.stack, began)
        self._tasks = [asyncio.create_task(self._disturb(d, began)) for d in self.plan["disturbances"]]
        while time.time() < began + seconds and not load.done():
            await asyncio.sleep(0.25)
            if self.stack.dead():
                self.judge.died(time.time())
            if self.judge.failed_at and time.time() > self.judge.failed_at + AFTER_FAILURE:
                break
        over.set()
        rows = sampler.finish()
        load.cancel()
        return began, rows

    async def _disturb(self, disturbance: dict[str, Any], began: float) -> None:
        await asyncio.sleep(max(0.0, began + disturbance["start"] - time.time()))
        if disturbance["kind"] == "cache_flush":
            await asyncio.to_thread(redis.Redis(port=self.stack.redis).flushall)
        elif disturbance["kind"] == "backup":
            data, copy = self.stack.home / "postgres/base", self.stack.home / "backup.gz"
            loop = (
                f"while :; do for f in {data}/*/*; do gzip -1 < $f >> {copy}; sleep {disturbance['pause']}; done; done"
            )
            argv = ["nice", "-n", "10", "timeout", str(disturbance["seconds"]), "bash", "-c", loop]
            self.stack.spawn("backup", argv)


def write(rows: list[tuple[float, Values]], path: Path) -> None:
    """The rows as wide CSV: a time, and a column a metric; an empty cell where nothing was answered in time."""
    names = sorted({name for _, values in rows for name in values})
    with gzip.open(path, "wt", compresslevel=9) as file:
        file.write(",".join(["time", *names]) + "\n")
        for at, values in rows:
            cells = [_number(values[name]) if name in values else "" for name in names]
            file.write(",".join([stamp(at), *cells]) + "\n")


def stamp(at: float) -> str:
    """RFC 3339 with milliseconds, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{round(at % 1 * 1000):03d}Z"


def _number(value: float) -> str:
    return str(round(value)) if abs(value) >= 1000 else f"{value:.4g}"


def result(deployment: Deployment, began: float, rows: list[tuple[float, Values]]) -> dict[str, Any]:
    """What happened, beside what was planned."""
    judge, plan = deployment.judge, deployment.plan
    return {
        "plan": plan,
        "start": began,
        "end": began + len(rows) * STEP,
        "failed": judge.failed_at is not None,
        "failed_at": judge.failed_at,
        "died": deployment.stack.dead(),
        "requests": judge.asked,
        "errors": judge.errors,
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Run one deployment and write its two files."""
    plan, slot, work, out = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), *map(Path, sys.argv[3:5])
    deployment, name = Deployment(plan, slot, work), plan["deployment"]
    try:
        deployment.stack.start(work / "database")
        began, rows = asyncio.run(deployment.run())
        summary = result(deployment, began, rows)
        if len(sys.argv) > 5:
            shutil.copytree(
                deployment.stack.home, sys.argv[5], ignore=shutil.ignore_patterns("postgres", "disk", "counters")
            )
    finally:
        deployment.stack.stop()
    write(rows, out / f"{name}.part")
    (out / f"{name}.part").rename(out / f"{name}.csv.gz")
    (out / f"{name}.json.part").write_text(json.dumps(summary, indent=1))
    (out / f"{name}.json.part").rename(out / f"{name}.json")


if __name__ == "__main__":
    main()
