"""Copy what is recorded beside this file, with its labels.

``python -m tests.data.deployments.pack --out DIR [--to DIR]``: ``recordings/NAME.csv.gz``; ``labels.csv`` as
`logwatchd train risk` reads it; ``deployments.csv`` with what was planned.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.data.deployments.deployment import stamp
from tests.data.deployments.plan import TWINS
from tests.data.deployments.record import EARLIEST

LABELS = ("source", "deployment", "start", "end", "failed", "failed_at", "fault")
PLANNED = ("deployment", "round", "fold", "planned", "extra", "failed", "seconds", "died", "requests", "errors")
SIZES = ("cores", "memory", "tasks", "descriptors", "disk")
FIELDS = (*PLANNED, *SIZES, "requests_per_s", "load_average", "seed", "attempt")


def results(out: Path) -> list[dict[str, Any]]:
    """The finished deployments that are of use: none that failed before a window of 60 s was full."""
    read = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    return [r for r in read if not r["failed"] or r["failed_at"] >= r["start"] + EARLIEST]


def fault(plan: dict[str, Any]) -> str:
    """What made a deployment fail: a benign disturbance that went too far is called as the fault of the same code."""
    kind: str = plan["extra"] if plan["planned"] == "none" else plan["planned"]
    return {"dependency_blip": "slow_dependency", "": "unknown", **TWINS}.get(kind, kind)


def label(result: dict[str, Any]) -> tuple[Any, ...]:
    """The row of ``labels.csv``: what happened."""
    plan, failed = result["plan"], result["failed"]
    at = stamp(result["failed_at"]) if failed else ""
    name, start, end = plan["deployment"], stamp(result["start"]), stamp(result["end"])
    return f"{name}.csv", name, start, end, int(failed), at, fault(plan) if failed else ""


def planned(result: dict[str, Any]) -> tuple[Any, ...]:
    """The row of ``deployments.csv``."""
    seen = {**result["plan"], **result, "seconds": result["end"] - result["start"], "failed": int(result["failed"])}
    seen |= {"requests_per_s": result["plan"]["traffic"]["mean"], "died": result["died"] or ""}
    return tuple(f"{seen[f]:.4g}" if isinstance(seen[f], float) else seen[f] for f in FIELDS)


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write one CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(argv: Sequence[str]) -> None:
    """Copy the recordings, and write both tables anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the recorder's folder")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="where to")
    options = parser.parse_args(argv)
    folder = options.to / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    done = results(options.out)
    for result in done:
        name = f"{result['plan']['deployment']}.csv.gz"
        shutil.copyfile(options.out / name, folder / name)
    table(options.to / "labels.csv", LABELS, map(label, done))
    table(options.to / "deployments.csv", FIELDS, map(planned, done))
    failed = sum(r["failed"] for r in done)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{len(done)} deployments, {failed} failed, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
