"""When each fault is injected, and the labels that say when it was really active."""

from __future__ import annotations

import csv
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

FULL_RUN = 2400.0  # seconds; a shorter run shortens its faults in proportion
LEAD_IN = 20.0  # seconds between the clean third and the first fault
STAGGER = 45.0  # seconds by which one program's faults come after another's


@dataclass(frozen=True)
class Fault:
    """One kind of trouble: ``inject(seconds)`` starts it and returns when it is really over."""

    kind: str
    seconds: float
    sources: tuple[str, ...]
    inject: Callable[[float], None]


@dataclass(frozen=True)
class Label:
    """The half-open interval in which a fault was active, in seconds since the epoch."""

    source: str
    start: int
    end: int
    kind: str

    def row(self) -> tuple[str, str, str, str]:
        """The label as a row of ``labels.csv``."""
        return self.source, _rfc3339(self.start), _rfc3339(self.end), self.kind


def _rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_labels(labels: Sequence[Label], path: Path) -> None:
    """Write ``labels.csv``, ordered by source and start."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("source", "start", "end", "kind"))
        writer.writerows(label.row() for label in sorted(labels, key=lambda x: (x.source, x.start)))


@dataclass
class FaultPlan:
    """Runs the faults of one program one after another, at equal distances after the clean third."""

    name: str
    faults: Sequence[Fault]
    run_seconds: float
    rank: int
    over: threading.Event
    labels: list[Label] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def starts(self) -> list[float]:
        """Seconds from the start of the run at which the faults are injected."""
        scale = min(1.0, self.run_seconds / FULL_RUN)
        first = self.run_seconds / 3 + (LEAD_IN + STAGGER * self.rank) * scale
        last = self.run_seconds - 175 * scale
        step = (last - self.run_seconds / 3) / len(self.faults)
        return [first + step * number for number in range(len(self.faults))]

    def run(self, began: float) -> None:
        """Inject every fault at its time; ``began`` is the monotonic time of the run's start."""
        for fault, start in zip(self.faults, self.starts(), strict=True):
            if self.over.wait(max(0.0, began + start - time.monotonic())):
                return
            self._inject(fault)

    def _inject(self, fault: Fault) -> None:
        seconds = fault.seconds * min(1.0, self.run_seconds / FULL_RUN)
        start = math.floor(time.time())
        log.info("%s: %s begins", self.name, fault.kind)
        try:
            fault.inject(max(seconds, 6.0))
        except Exception:
            log.exception("%s: %s failed", self.name, fault.kind)
            if not self.over.is_set():
                self.failed.append(f"{self.name}: {fault.kind}")
        end = math.floor(time.time()) + 1
        log.info("%s: %s is over after %d s", self.name, fault.kind, end - start)
        self.labels += [Label(source, start, end, fault.kind) for source in fault.sources]
