"""Workers without their loops: lanes of a real topic, kept on a state topic or in a store, step by step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from kafka.admin import KafkaAdminClient, NewTopic

from logwatch.api import Clock
from logwatch.app.session import Session, detectors_of, opened
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings
from logwatch.config import SourceTable, load
from logwatch.kafka.position import Position, dump
from logwatch.partitions import Encode, Partitions
from logwatch.stored_partitions import StoredPartitions
from logwatch.types import Gap, RecordBatch, Stream
from tests.integration.scaleout import eventually, lines
from tests.kafka.broker import Broker


@dataclass
class Resumed:
    """Remembers where lanes go on: the part of a source that keepers talk to."""

    at: dict[str, tuple[int, str]] = field(default_factory=dict)

    def resume(self, lane: str, offset: int, topic_id: str = "") -> None:
        self.at[lane] = offset, topic_id

    def hold(self, lane: str) -> None:
        self.at.pop(lane, None)


@dataclass
class Keeping:
    """A worker without its loop."""

    session: Session
    source: Resumed
    keeper: Partitions | StoredPartitions

    def assign(self, *lanes: str) -> dict[str, tuple[int, str]]:
        """Restore lanes; where they go on."""
        self.source.at.clear()
        self.keeper.assigned(lanes)
        eventually(lambda: self.keeper.turn() * 0 + (self.source.at.keys() >= set(lanes)), lambda: "restored")
        return dict(self.source.at)

    def read(self, lane: str, begin: int, end: int, gap: bool = False) -> None:
        """Lines of the lane's log, and perhaps a gap, which is an alert."""
        own = list(lines(end, 0, begin))
        start = np.arange(begin, end, dtype=np.int64)
        none = np.zeros(len(own), np.uint8)
        gaps = [Gap(Stream("s", lane), 0, 5, "deleted by retention")] if gap else []
        cursor: dict[str, bytes | None] = {lane: dump(Position(end, "id7"))}
        records = RecordBatch(
            own, [Stream("s", lane)], none.astype(np.int32), start, start + 1, none, cursor, gaps, lane=lane
        )
        self.session.lanes.process(records, "kafka")

    def save(self) -> None:
        """Commit, and wait for it."""
        self.session.lanes.commit({"file": self.session.store.last_seq()})
        assert self.keeper.settle(30)

    def outbox(self) -> list[str]:
        """Kinds of the alerts that became the sinks'."""
        return [alert.body.split('"kind": "')[1].split('"')[0] for alert in self.session.store.alerts_after(0, 100)]


class Machines:
    """Workers with state directories of their own, on one topic."""

    def __init__(self, folder: Path, broker: Broker, stack: contextlib.ExitStack) -> None:
        self.topic = f"p{time.time_ns():x}"
        self.pattern = ""
        self.alerts: Mapping[str, Encode] = {}  # topics that commits write to
        self.clock: Clock | None = None  # instead of the session's
        self._folder, self._stack = folder, stack
        self.client = {"bootstrap_servers": broker.bootstrap}
        admin = KafkaAdminClient(**self.client)
        admin.create_topics([NewTopic(self.topic, 2, 1)])
        admin.close()

    def settings(self, topic: str) -> TopicSettings:
        family = f"state-{self.pattern}" if self.pattern else ""
        return TopicSettings(
            self.client, f"state-{topic}", topic, beside=tuple(self.alerts), pattern=self.pattern, family=family
        )

    def create(self, topic: str, partitions: int = 1) -> None:
        """A topic, or more partitions of one."""
        admin = KafkaAdminClient(**self.client)
        if topic in admin.list_topics():
            admin.create_partitions({topic: partitions})
        else:
            admin.create_topics([NewTopic(topic, partitions, 1)])
        eventually(lambda: admin.describe_topics([topic])[0]["partitions"][partitions - 1 :], lambda: topic)
        admin.close()

    def __call__(self, name: str, kept: str = "topic") -> Keeping:
        loaded = load(environ={}, flags={})
        table = {"kafka": SourceTable(kind="kafka")}
        session = self._stack.enter_context(opened(loaded.settings, detectors_of(loaded), self._folder / name, table))
        return self.started(session, kept)

    def started(self, session: Session, kept: str) -> Keeping:
        """On a state that is there already: as after a restart."""
        source, clock = Resumed(), self.clock or session.clock
        keeper: Partitions | StoredPartitions
        if kept == "topic":
            spill = self._stack.enter_context(contextlib.closing(Spill(None)))
            keeper = Partitions(session.lanes, "kafka", source, self.settings, spill, clock, 20.0, self.alerts)
        else:
            keeper = StoredPartitions(session.lanes, "kafka", source, self.settings, clock)
        session.lanes.keepers.append(keeper)
        self._stack.callback(keeper.close)
        return Keeping(session, source, keeper)
