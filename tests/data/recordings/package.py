"""Keeps the logs of a run, and makes the demo's data from them: a folder a program, and the faults of programs."""

from __future__ import annotations

import csv
import gzip
import shutil
from pathlib import Path

from tests.data.recordings.program import Program

DEMO = {
    "app": ("app.log.gz", "metrics.csv.gz"),
    "host": ("metrics.csv.gz",),
    "nginx": ("access.log.gz", "error.log.gz", "metrics.csv.gz"),
    "postgresql": ("postgresql.log.gz", "metrics.csv.gz"),
    "redis": ("redis.log.gz", "metrics.csv.gz"),
    "sshd": ("auth.log.gz", "metrics.csv.gz"),
}
"""Files of each folder: what lies in one is one source, lines and metrics alike."""

DEMO_BYTES = 2_000_000


def sizes(program: Program) -> dict[str, int]:
    """How far the program's logs go now, in bytes by source."""
    return {source: program.log_path(source).stat().st_size for source in program.sources}


def keep(program: Program, begins: dict[str, int], out: Path) -> None:
    """Compress what the program's logs gained since ``begins``, up to the last whole line."""
    folder = out / program.name
    folder.mkdir(parents=True, exist_ok=True)
    for source in program.sources:
        text = program.log_path(source).read_bytes()[begins[source] :]
        whole = text[: text.rfind(b"\n") + 1]
        (folder / f"{source}.log.gz").write_bytes(gzip.compress(whole, 9, mtime=0))


def make_demo(recordings: Path, demo: Path) -> None:
    """Copy logs and metrics, byte for byte, and label programs; raise ValueError if they are too large."""
    for folder, names in DEMO.items():
        (demo / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copyfile(recordings / folder / name, demo / folder / name)
    label_programs(recordings / "labels.csv", demo / "labels.csv")
    size = sum(path.stat().st_size for path in demo.rglob("*") if path.is_file())
    if size > DEMO_BYTES:
        raise ValueError(f"{demo}: {size} bytes are more than {DEMO_BYTES}")


def label_programs(labels: Path, out: Path) -> None:
    """Labels of logs -> labels of their programs: a fault that shows in two logs of one program is one."""
    of_log = {name.split(".")[0]: folder for folder, names in DEMO.items() for name in names if ".log" in name}
    with labels.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(sorted({(of_log[source], *rest) for source, *rest in rows}))
