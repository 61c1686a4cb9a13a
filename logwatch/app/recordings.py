"""Recordings with faults: a folder of logs and metrics for each source, and `labels.csv` beside the folders."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from logwatch.clock import SystemClock
from logwatch.errors import NoInputError, UsageError
from logwatch.parse.parser import LineTimes, ParseSettings
from logwatch.replay import Finished, joined, replay
from logwatch.requests import Ui
from logwatch.sources.finished import finished_stream, read_finished, size_of
from logwatch.types import RecordBatch

ENTITY = {"app": r"request_id=(\w+)"}
"""Recordings whose lines name an entity."""


@dataclass(frozen=True, slots=True)
class Label:
    """A fault that was really injected."""

    source: str
    kind: str
    start: int  # ns
    end: int


@dataclass(frozen=True, slots=True)
class Recording:
    """The logs and metrics of one source."""

    name: str
    paths: tuple[Path, ...]
    labels: tuple[Label, ...]  # its own faults; of what is everybody's, the host, those of all
    shared: bool


def recordings(folder: Path, names: tuple[str, ...]) -> dict[str, Recording]:
    """The recordings called `names`, or all.

    Raises:
        UsageError: there is none of that name.
        NoInputError: there is none at all.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.gz")):
        found.setdefault(path.parent.name, []).append(path)
    unknown = [name for name in names if name not in found]
    if unknown:
        raise UsageError(f"there is no recording called {unknown[0]}", f"choose from {', '.join(found)}")
    if not found:
        raise NoInputError(f"{folder} holds no recordings")
    labels = read_labels(folder / "labels.csv")
    chosen = {}
    for name in names or found:
        own = tuple(label for label in labels if label.source == name)
        chosen[name] = Recording(name, tuple(found[name]), own or labels, shared=not own)
    return chosen


def read_labels(path: Path) -> tuple[Label, ...]:
    """Every fault, in the order of their starts."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [Label(row["source"], row["kind"], _ns(row["start"]), _ns(row["end"])) for row in csv.DictReader(file)]
    return tuple(sorted(rows, key=lambda label: label.start))


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e9)


def batches(chosen: dict[str, Recording], ui: Ui) -> Iterator[RecordBatch]:
    """All logs and metrics in one order."""
    done: dict[str, int] = {}
    files = [(recording.name, path) for recording in chosen.values() for path in recording.paths]
    total = sum(size_of(str(path)) for _, path in files)
    clock = SystemClock()
    finished, taken = [], set[str]()
    for name, path in files:

        def progress(size: int, path: str = str(path)) -> None:
            done[path] = size
            ui.progress(sum(done.values()), total, "replaying")

        times = LineTimes(ParseSettings(ENTITY.get(name, "")), clock).times
        stream = finished_stream(str(path), name, taken)
        chunks = joined(read_finished(str(path), progress=progress), stream)
        finished.append(Finished(stream, chunks, times))
    return replay(finished)
