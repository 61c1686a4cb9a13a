"""Where the thread that reads Kafka and the pipeline's thread meet."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from logwatch.errors import LogwatchError
from logwatch.kafka.decode import Columns
from logwatch.sources.kafka_lane import Lane

BEGINNING, END, CONFIGURED = -2, -1, -3
"""Where a lane goes on, instead of an offset ≥ 0: where its log begins, where it ends, as `start` says."""


@dataclass(slots=True)
class Assigned:
    """Lanes that are ours now, and paused."""

    lanes: list[str]


@dataclass(slots=True)
class Revoked:
    """Lanes that another worker gets once `done` is set, or once it was waited for too long (`abandoned`)."""

    lanes: list[str]
    done: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False


@dataclass(slots=True)
class Lost:
    """Lanes that another worker has already."""

    lanes: list[str]


Event = Assigned | Revoked | Lost


class Board:
    """Lanes, what happened to them, and what must be done; `changed` guards everything and tells of changes."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.lanes: dict[str, Lane] = {}
        self.events: deque[Event] = deque()
        self.starting: dict[str, int] = {}  # lanes to be resumed, and where
        self.failure: LogwatchError | None = None
        self.assigned_once = False

    def post(self, event: Event, gone: list[str] | None = None) -> None:
        """Tell the pipeline's thread; lanes that are `gone` hand out nothing from now on."""
        with self.changed:
            for lane in gone or ():
                self.lanes.pop(lane, None)
                self.starting.pop(lane, None)
            self.events.append(event)
            self.changed.notify_all()

    def assign(self, lanes: list[Lane]) -> None:
        """New lanes, paused."""
        with self.changed:
            self.lanes |= {lane.name: lane for lane in lanes}
            self.assigned_once = True
            self.events.append(Assigned([lane.name for lane in lanes]))
            self.changed.notify_all()

    def add(self, name: str, columns: Columns, now: float) -> None:
        """Records of a lane; passed over where it is ours no more, or not resumed."""
        with self.changed:
            lane = self.lanes.get(name)
            if lane is not None and lane.reading:
                lane.add(columns, now)
                self.changed.notify_all()

    def fail(self, error: LogwatchError) -> None:
        """Reading cannot go on."""
        with self.changed:
            self.failure = self.failure or error
            self.changed.notify_all()

    @property
    def size(self) -> int:
        """Bytes read ahead, over all lanes."""
        return sum(lane.size for lane in self.lanes.values())
