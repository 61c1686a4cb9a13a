"""What a commit of pipelines writes, and how; the order is that of `logwatch.pipeline`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from logwatch.checkpoint.store import Cell, NewAlert, Store, StoredAlert
from logwatch.sinks.schema import to_json
from logwatch.types import Alert

CLOCK: Cell = ("pipeline", "clock")
"""The cell that every saved lane has."""


@dataclass
class Changes:
    """What one commit of a pipeline writes: cells by component and name, and alerts in their order."""

    cells: dict[Cell, bytes | None]
    alerts: list[Alert]
    time: int  # ns

    def __bool__(self) -> bool:
        """Whether anything changed but the time."""
        return bool(self.alerts) or self.cells.keys() != {CLOCK}

    def stored(self) -> list[NewAlert]:
        """The alerts as a store takes them."""
        return [NewAlert(alert.id, self.time, json.dumps(to_json(alert))) for alert in self.alerts]


class Commits(Protocol):
    """What a pipeline does of a commit."""

    def take(self) -> Changes:
        """What is to be written."""
        ...

    def saved(self, changes: Changes) -> None:
        """It was."""
        ...

    def failed(self, changes: Changes) -> None:
        """It was not."""
        ...


def commit(pipelines: Mapping[str, Commits], store: Store, delivered: Mapping[str, int]) -> list[StoredAlert]:
    """Save the lanes that live in one store, in the order above; returns the alerts that became the sinks'.

    Args:
        pipelines: by lane.
        delivered: sink -> the last `seq` that it delivered.

    Raises:
        StateFull: nothing was saved, nothing is lost: the next call saves it.
    """
    taken = {lane: changes for lane, pipeline in pipelines.items() if (changes := pipeline.take()) or not lane}
    cells = {lane: changes.cells for lane, changes in taken.items()}
    try:
        stored = store.commit_lanes(cells, [new for changes in taken.values() for new in changes.stored()], delivered)
    except BaseException:
        for lane, changes in taken.items():
            pipelines[lane].failed(changes)
        raise
    for lane, changes in taken.items():
        pipelines[lane].saved(changes)
    return stored
