"""Keeps the logs of a run, and makes the demo's data from them."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from tests.data.recordings.program import Program

DEMO_LOGS = ("postgresql/postgresql", "nginx/access", "nginx/error", "redis/redis", "sshd/auth", "app/app")
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
    """Copy the logs and labels, without the metrics; raise ValueError if they are too large."""
    demo.mkdir(parents=True, exist_ok=True)
    for name in DEMO_LOGS:
        shutil.copyfile(recordings / f"{name}.log.gz", demo / f"{Path(name).name}.log.gz")
    shutil.copyfile(recordings / "labels.csv", demo / "labels.csv")
    size = sum(path.stat().st_size for path in demo.iterdir())
    if size > DEMO_BYTES:
        raise ValueError(f"{demo}: {size} bytes are more than {DEMO_BYTES}")
