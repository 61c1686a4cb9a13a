"""Drives a Kafka source as the daemon does, and keeps what came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from logwatch.clock import SystemClock
from logwatch.errors import LogwatchError
from logwatch.sources.kafka import KafkaConfig, KafkaSource, LaneHooks
from logwatch.types import Gap, RecordBatch, Stream
from tests.kafka.broker import Broker
from tests.kafka.security import USERS

PATIENCE_S = 30.0


@dataclass
class Reading:
    """A source and what it delivered."""

    source: KafkaSource
    cursors: dict[str, bytes] = field(default_factory=dict)
    batches: list[RecordBatch] = field(default_factory=list)

    @property
    def lines(self) -> list[bytes]:
        return [line for batch in self.batches for line in batch.lines]

    @property
    def gaps(self) -> list[Gap]:
        return [gap for batch in self.batches for gap in batch.gaps]

    @property
    def offsets(self) -> list[tuple[str, int]]:
        return [(batch.lane, start) for batch in self.batches for start in batch.start.tolist()]

    def by_stream(self) -> dict[Stream, list[bytes]]:
        out: dict[Stream, list[bytes]] = {}
        for batch in self.batches:
            for line, number in zip(batch.lines, batch.stream.tolist(), strict=True):
                out.setdefault(batch.streams[number], []).append(line)
        return out

    def step(self, most: int = 4096) -> bool:
        batch = self.source.poll(most)
        if batch is None:
            self.source.wait(0.05)
            return False
        self.batches.append(batch)
        for name, cell in batch.cursor.items():
            assert cell is not None
            self.cursors[name] = cell
        return True

    def until(self, done: Callable[[], Any], most: int = 4096) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline, f"waited in vain; {len(self.lines)} lines, gaps {self.gaps}"
            self.step(most)

    def read(self, count: int, most: int = 4096) -> list[bytes]:
        """Until so many lines came in all."""
        self.until(lambda: len(self.lines) >= count, most)
        return self.lines


@contextmanager
def reading(
    broker: Broker, *topics: str, cursors: Mapping[str, bytes] | None = None, name: str = "{topic}/{key}",
    hooks: LaneHooks | None = None, **settings: Any,
) -> Iterator[Reading]:  # fmt: skip
    """A source that is open inside."""
    own = {"bootstrap": [broker.bootstrap], "start": "beginning", "group": f"g-{time.monotonic_ns()}"}
    own |= {"topics": list(topics)} if topics else {}
    source = KafkaSource(KafkaConfig(**own | settings), SystemClock(), name)
    if hooks is not None:
        source.hooks = hooks
    run = Reading(source, dict(cursors or {}))
    source.open(dict(run.cursors))
    try:
        yield run
    finally:
        source.close()


def settings(broker: Broker, listener: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """How to reach a listener of a broker that has security: as alice, where `sasl` is given."""
    out = {"bootstrap": [broker.listeners[listener]], **given}
    if given.get("tls_ca") is True:
        out["tls_ca"] = broker.trusted
    if given.get("sasl", "OAUTHBEARER") != "OAUTHBEARER":
        out = {"username": "alice", "password": USERS["alice"]} | out
    return out


def failure(broker: Broker, topic: str, **given: Any) -> LogwatchError:
    """How reading fails at the start."""
    with pytest.raises(LogwatchError) as raised, reading(broker, topic, **given) as run:
        run.until(lambda: False)
    return raised.value
