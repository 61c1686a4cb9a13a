"""Alerts that did not become one, because people said that such are normal: counted, and the latest kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from logwatch.telemetry import SILENCED

KEPT = 100
"""Silenced alerts that are kept to be looked at."""


class Silenced(NamedTuple):
    """An alert that did not become one."""

    by: str  # id of the feedback
    time: int  # ns
    source: str
    entity: str | None
    kind: str
    rule: str
    template: str
    score: float
    at: int  # number of the event


class SilencedLog:
    """What feedback has silenced in one lane."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}  # by the id of the feedback
        self.latest: list[Silenced] = []  # by time
        self.changed = False

    def add(self, one: Silenced) -> None:
        """Count it; call `settle` once a batch is through."""
        self.counts[one.by] = self.counts.get(one.by, 0) + 1
        self.latest.append(one)
        self.changed = True
        SILENCED.inc(source=one.source)

    def settle(self) -> None:
        """Keep the latest. By time, not as they came: that would depend on the batches."""
        if len(self.latest) > 1 and self.changed:
            self.latest = sorted(self.latest, key=lambda one: (one.time, one.at, one.kind, one.by))[-KEPT:]

    def forget(self, id: str) -> None:
        """Feedback that was undone."""
        self.changed |= self.counts.pop(id, None) is not None

    def pack(self) -> bytes:
        """One cell."""
        self.changed = False
        return json.dumps({"v": 1, "counts": self.counts, "latest": self.latest}).encode()

    @classmethod
    def unpack(cls, cell: bytes) -> SilencedLog:
        """The inverse of `pack`."""
        saved, log = json.loads(cell), cls()
        log.counts = {str(id): int(count) for id, count in saved["counts"].items()}
        log.latest = [Silenced(*one) for one in saved["latest"]]
        return log


def together(logs: Iterable[SilencedLog]) -> SilencedLog:
    """What all lanes have silenced."""
    out = SilencedLog()
    for log in logs:
        for id, count in log.counts.items():
            out.counts[id] = out.counts.get(id, 0) + count
        out.latest += log.latest
    out.latest = sorted(out.latest, key=lambda one: one.time)[-KEPT:]
    return out
