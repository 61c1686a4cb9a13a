"""Several workers of one group on a real broker, and what one uninterrupted worker would have said."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from logwatch.app.session import opened
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings, look
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.control import ask
from logwatch.errors import UnreachableError
from logwatch.plugins import configure
from logwatch.types import RecordBatch, Stream
from tests import waiting

PATIENCE_S = 120.0

eventually = partial(waiting.eventually, patience=PATIENCE_S)
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEPS = ["begin id={i} of {n}", "read id={i} {n} rows in {n} ms", "wrote id={i} {n} rows", "end id={i} after {n} ms"]
WORDS = ["quota", "raid", "panic", "thermal", "orphan", "inode", "lost", "bus", "segfault", "fan"]
QUIET, BURST_EVERY, BURST = 1200, 500, 15
"""Lines before the first burst of lines that never happened before, lines between bursts, and lines of one."""

CONFIG = """
state = "{folder}/state"
budget = "20/hour"
learning = "{learning}"
idle_after = "1d"
[[source]]
kind = "kafka"
bootstrap = "{bootstrap}"
topics = ["{topic}"]
group = "{group}"
start = "beginning"
state = "{state}"
revoke_timeout = "{revoke_timeout}"
{more}
client = {{ session_timeout_ms = {session_ms}, heartbeat_interval_ms = {heartbeat_ms} }}
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
[[sink]]
kind = "kafka"
bootstrap = "{bootstrap}"
topic = "{topic}-alerts"
"""


def lines(count: int, seed: int, begin: int = 0) -> Iterator[bytes]:
    """A dull program, a line a second, with bursts of lines that it never wrote before."""
    rng = Random(seed)
    for i in range(count):
        text = f"INFO {STEPS[i % 4].format(i=f'r{i // 4}', n=rng.randint(1, 9999))}"
        odd = f"ERROR {' '.join(rng.sample(WORDS, 5))} {rng.randint(1, 99)}"
        text = odd if i >= QUIET and (i - QUIET) % BURST_EVERY < BURST else text
        if i >= begin:
            yield f"{(BEGIN + timedelta(seconds=i)).isoformat()} {text}".encode()


@dataclass
class Worker:
    """A daemon of the group."""

    folder: Path
    config: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text()

    def start(self) -> Worker:
        """Start the process, again."""
        with (self.folder / "log").open("ab") as said:
            command = [sys.executable, "-m", "logwatch", "run", "-c", str(self.config)]
            self.process = subprocess.Popen(command, stderr=said)
        return self

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """As an administrator would; it must end well."""
        if self.process is not None:
            self.process.terminate()
            code = self.process.wait(PATIENCE_S)
            self.process = None
            assert code in (0, -signal.SIGTERM), (code, self.log[-4000:])  # the latter: before it had begun

    def status(self) -> dict[str, Any] | None:
        """What it answers; None where it does not."""
        try:
            return ask(self.folder / "state", {"verb": "status"})
        except (UnreachableError, FileNotFoundError):
            return None

    def lanes(self) -> list[str]:
        """Lanes that it holds, and has restored."""
        told = (self.status() or {}).get("lanes", ())
        return [row["lane"] for row in told if row["restored"] == 1.0]

    def alerts(self) -> list[dict[str, Any]]:
        """What its file sink holds."""
        path = self.folder / "alerts.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass
class Fleet:
    """A topic, and workers that share it.

    Args:
        folder: of everything.
        bootstrap: the broker.
        partitions: of the topic.
        settings: of the source and the daemon, over the defaults below.
        copies: replicas of its topics.
    """

    folder: Path
    bootstrap: str
    partitions: int = 4
    settings: Mapping[str, Any] = field(default_factory=dict)
    topic: str = ""
    copies: int = 1
    workers: list[Worker] = field(default_factory=list)
    fed: int = 0  # lines in each partition
    _exists: bool = False

    def __post_init__(self) -> None:
        self.topic = self.topic or f"t{time.time_ns():x}"
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        copies = self.copies
        admin.create_topics(
            [NewTopic(self.topic, self.partitions, copies), NewTopic(f"{self.topic}-alerts", 2, copies)]
        )
        admin.close()

    def feed(self, until: int) -> None:
        """Bring every partition to so many lines."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20, acks="all", enable_idempotence=True)
        for partition in range(self.partitions):
            for line in lines(until, partition, self.fed):
                producer.send(self.topic, value=line, partition=partition)
        producer.flush()
        producer.close()
        self.fed = until

    def configured(self, name: str, **settings: Any) -> Worker:
        """A worker that is not started."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        values = {
            "folder": folder, "bootstrap": self.bootstrap, "topic": self.topic, "group": "watch", "state": "topic",
            "learning": "online", "session_ms": 3000, "heartbeat_ms": 500, "revoke_timeout": "10s", "more": "",
        }  # fmt: skip
        config = folder / "logwatchd.toml"
        config.write_text(CONFIG.format(**{**values, **self.settings, **settings}))
        return Worker(folder, config)

    def worker(self, name: str, **settings: Any) -> Worker:
        """A started worker."""
        worker = self.configured(name, **settings).start()
        self.workers.append(worker)
        return worker

    @property
    def state(self) -> TopicSettings:
        """Of the state topic."""
        name = f"logwatchd-state-{self.settings.get('group', 'watch')}-{self.topic}"
        return TopicSettings({"bootstrap_servers": self.bootstrap}, name, self.topic)

    def positions(self) -> list[int]:
        """Next offsets by partition, as saved in the state topic."""
        if not self._exists:  # to read a topic that is not there may create it
            self._exists = look(self.state, make=False).state
        return [self._position(p) if self._exists else 0 for p in range(self.partitions)]

    def _position(self, partition: int) -> int:
        lane = TopicLane(self.state, f"{self.topic}-{partition}", partition, Spill(None))
        return int((lane.look() or {"next": 0})["next"])

    def finish(self) -> None:
        """Wait until everything that was fed is saved."""
        self.until(lambda: min(self.positions()) >= self.fed)

    def until(self, holds: Callable[[], Any], patience: float = PATIENCE_S) -> Any:
        """Wait until something holds; no worker may end meanwhile by itself."""

        def alive() -> Any:
            ended = [w.folder.name for w in self.workers if w.process is not None and w.process.poll() is not None]
            assert not ended, f"{ended} ended:\n{self.logs()}"
            return holds()

        return eventually(alive, lambda: (self.positions(), self.logs()), patience=patience)

    def logs(self) -> str:
        """The ends of what the workers said."""
        return "\n".join(f"--- {worker.folder.name}\n{worker.log[-1500:]}" for worker in self.workers)

    def close(self) -> None:
        """End what still runs, stopped or not."""
        for worker in self.workers:
            if worker.process is not None:
                worker.signal(signal.SIGCONT)
                worker.kill()

    def told(self) -> Counter[str]:
        """Ids in all file sinks, in this and in earlier runs."""
        return Counter(alert["id"] for worker in self.workers for alert in worker.alerts())

    def committed_alerts(self) -> Counter[str]:
        """Ids in the alert topic, as readers of committed records see it."""
        return Counter(json.loads(record.value)["id"] for record in committed(self.bootstrap, f"{self.topic}-alerts"))

    def expected(self, **settings: Any) -> Counter[str]:
        """Ids that one uninterrupted worker raises on what was fed."""
        worker = self.configured("expected", **settings)
        configured = configure(worker.config)
        loaded, found = configured.loaded, Counter[str]()
        with opened(
            loaded.settings, configured.resolved, worker.folder / "own", {"kafka": loaded.settings.source[0]}
        ) as s:
            for partition in range(self.partitions):
                s.lanes.open(f"{self.topic}-{partition}", 1 / self.partitions)
                for records in self._batches(partition):
                    s.lanes.process(records, "kafka")
            for pipeline in s.lanes:
                found.update(alert.id for alert in pipeline.raised)
        return found

    def _batches(self, partition: int) -> Iterator[RecordBatch]:
        own = list(lines(self.fed, partition))
        for at in range(0, len(own), 1000):
            part = own[at : at + 1000]
            start = np.arange(at, at + len(part), dtype=np.int64)
            none = np.zeros(len(part), np.uint8)
            stream = Stream(f"{self.topic}/{partition}", f"{self.topic}:{partition}")
            lane = f"{self.topic}-{partition}"
            yield RecordBatch(part, [stream], none.astype(np.int32), start, start + 1, none, lane=lane)


def committed(bootstrap: str, topic: str) -> list[Any]:
    """Every record of a topic that readers of committed records see."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, isolation_level="read_committed"
    )
    try:
        parts: Sequence[TopicPartition] = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends, found = consumer.end_offsets(parts), []
        while any(consumer.position(part) < ends[part] for part in parts):
            found += [record for records in consumer.poll(500).values() for record in records]
        return found
    finally:
        consumer.close()
