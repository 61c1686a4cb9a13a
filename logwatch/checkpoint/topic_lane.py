"""The state of one lane in its partition of the state topic: one transaction a commit, one owner at a time.

The owner is whoever last initialised the transactional id of the partition: Kafka itself refuses every other (a worker
that was stopped, and wakes after its partition has moved), and ends what it had begun. So: first become the owner,
then read the partition to its end, then go on from there. A producer that failed once is never used again: whether its
last transaction was committed is known only by becoming the owner anew, and reading.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, Protocol

from logwatch.cells import SPILLED
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.store import Cell, Cells
from logwatch.checkpoint.topic_admin import TopicSettings
from logwatch.checkpoint.topic_records import Encoder, Newest, encode_marker
from logwatch.errors import StateCorrupt, StateFull, UnreachableError
from logwatch.tasks import Task

READ_AT_ONCE = 20_000
STALLED_S = 60.0
"""A read that gets nothing for so long is given up, and begun again."""

MARKED_WITHIN = 8
"""Offsets before the end among which the last marker is: it ends a transaction, and a control record follows."""

TRANSACTION_MS = 300_000
"""A transaction that stays open for longer is aborted by the broker: it holds up everybody who reads."""

INITIALISE_MS = 30_000

WAIT_MS = 1000
"""How often a commit looks whether it has failed, or was abandoned."""

NO_GATE: AbstractContextManager[Any] = nullcontext()

Progress = Callable[[int, int], None]
"""Offsets read so far, of how many."""


def _untold(done: int, total: int) -> None:
    """Nobody watches the reading."""


def _nowhere(cells: Mapping[str, bytes | None]) -> None:
    """Only the marker is wanted."""


class Message(Protocol):
    """A record for another topic, in the same transaction: an alert of a Kafka sink."""

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes: ...
    @property
    def value(self) -> bytes: ...


class TopicLane:
    """One lane on a state topic. `acquire` and `commit` block, and are called from any thread, one at a time.

    Args:
        settings: of the state topic.
        lane: its name.
        partition: its number in the input and in the state topic.
        spill: where keys that fell silent are kept.
    """

    def __init__(self, settings: TopicSettings, lane: str, partition: int, spill: Spill) -> None:
        self.lane = lane
        self._settings = settings
        self._partition = partition
        self._spill = spill
        self._spilled = spill.owner(lane)  # the name of its cells there
        self._encoder = Encoder()
        self._producer: Any = None
        self._stopped = threading.Event()
        self._restored: dict[str, dict[str, bytes]] = {}
        self._adopted: dict[Cell, bytes | None] = {}
        self.marker: dict[str, Any] | None = None

    @property
    def topic(self) -> str:
        """Name of the state topic."""
        return self._settings.name

    def acquire(
        self,
        progress: Progress = _untold,
        reading: AbstractContextManager[Any] = NO_GATE,
    ) -> None:
        """Become the owner and read the state; `cell` and `cells` then show it, but for keys that are not in memory
        until `release`.

        Args:
            progress: told how far the reading is.
            reading: held while it reads.

        Raises:
            StateCorrupt, StateFull, UnreachableError, or what the client raises.
        """
        if self._stopped.is_set():  # while it waited for its turn: the lane has an owner, who must not be fenced
            return
        producer = self._producer = self._new_producer()
        try:
            producer.init_transactions()
            with reading:
                self.load(progress)
        finally:
            if self._stopped.is_set():  # abandoned meanwhile, perhaps before there was a producer
                self._spill.drop(self._spilled)
                _close(producer)

    def load(self, progress: Progress = _untold) -> None:
        """Read the state without becoming its owner."""
        newest = self._read(Newest(partial(self._spill.put, self._spilled)), progress)
        self.marker = newest.marker()
        cells = newest.take()
        self._encoder.knows(cells)
        self._hold(cells)

    def adopt(self, cells: Mapping[Cell, bytes]) -> None:
        """Go on from these cells instead of what was read; the next commit brings them there. Raises StateFull."""
        self._adopted = {cell: None for cell in self.all() if cell not in cells} | dict(cells)
        self._spill.drop(self._spilled)
        self._hold(cells)

    def all(self) -> dict[Cell, bytes]:
        """Everything that was read, also keys that are not in memory."""
        parts = {**self._restored, SPILLED: self._spill.all(self._spilled)}
        return {(part, name): value for part, cells in parts.items() for name, value in cells.items()}

    def _hold(self, cells: Mapping[Cell, bytes]) -> None:
        self._restored = {}
        for (component, name), value in cells.items():
            self._restored.setdefault(component, {})[name] = value
        self._spill.put(self._spilled, self._restored.pop(SPILLED, {}))

    def _new_producer(self) -> Any:
        from kafka import KafkaProducer
        from kafka.codec import has_lz4

        from logwatch.kafka.consumer import make

        own = {
            "transactional_id": f"{self._settings.name}-{self._partition}", "transaction_timeout_ms": TRANSACTION_MS,
            "max_block_ms": INITIALISE_MS, "acks": "all", "linger_ms": 5, "batch_size": 256 * 1024,
            "max_request_size": 4 * 2**20, "compression_type": "lz4" if has_lz4() else None,
        }  # fmt: skip
        return make(KafkaProducer, {**self._settings.client, **own})

    def look(self) -> dict[str, Any] | None:
        """The marker alone, without becoming the owner: among the last records, unless those were taken back."""
        return self._read(Newest(_nowhere), last=MARKED_WITHIN).marker() or self._read(Newest(_nowhere)).marker()

    def _read(self, newest: Newest, progress: Progress = _untold, last: int | None = None) -> Newest:
        from kafka import KafkaConsumer, TopicPartition

        from logwatch.kafka.consumer import make

        options = {
            "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "isolation_level": "read_committed", "max_poll_records": READ_AT_ONCE,
            "fetch_max_bytes": 64 * 2**20, "max_partition_fetch_bytes": 16 * 2**20,
        }  # fmt: skip
        consumer = make(KafkaConsumer, {**self._settings.client, **options})
        try:
            self._read_all(consumer, TopicPartition(self._settings.name, self._partition), newest, progress, last)
        finally:
            consumer.close()
        return newest

    def _read_all(self, consumer: Any, partition: Any, newest: Newest, progress: Progress, last: int | None) -> None:
        """Up to the end as of now: positions are compared, since control records and compaction leave gaps."""
        consumer.assign([partition])
        begin = consumer.beginning_offsets([partition])[partition]
        end = consumer.end_offsets([partition])[partition]
        begin = begin if last is None else max(begin, end - last)
        consumer.seek(partition, begin)
        at, idle = begin, 0.0
        while at < end:
            for record in consumer.poll(timeout_ms=500).get(partition, ()):
                if record.key is not None:
                    newest.add(record.key, record.value)
            before, at = at, consumer.position(partition)
            idle = 0.0 if at > before else idle + 0.5
            if self._stopped.is_set() or idle > STALLED_S:
                raise UnreachableError(f"the state of {self.lane} cannot be read to its end ({at} of {end})")
            progress(at - begin, end - begin)

    def cell(self, component: str, name: str) -> bytes | None:
        """One cell; keys that fell silent come from the disk."""
        found = self._restored.get(component, {}).get(name)
        return self._spill.get(self._spilled, name) if found is None and component == SPILLED else found

    def cells(self, component: str) -> Mapping[str, bytes]:
        """All cells of a component, as they were read."""
        return self._restored.get(component, {})

    def corrupt(self, error: Exception) -> StateCorrupt:
        """What to raise where cells cannot be read."""
        return StateCorrupt(
            f"the state of {self.lane} in the topic {self._settings.name} is corrupt: {error}",
            "name another state topic, or delete this one: logwatchd then learns afresh",
        )

    def release(self) -> None:
        """The pipeline is restored: keep nothing in memory."""
        self._restored = {}

    def spill(self, cells: Cells) -> None:
        """Keep keys that left the table, to be found by `cell`. Raises StateFull."""
        self._spill.put(self._spilled, {name: cell for (part, name), cell in cells.items() if part == SPILLED and cell})

    def forget(self, expired: Callable[[str, bytes], bool]) -> Cells:
        """Forget some of the keys that are not in memory; the cells are for the next commit.

        Args:
            expired: whether a key can go, by its cell's name and first bytes.
        """
        with suppress(StateFull):  # done later
            return {(SPILLED, name): None for name in self._spill.sweep(self._spilled, expired)}
        return {}

    def commit(self, cells: Cells, marker: Mapping[str, Any], messages: Iterable[Message] = ()) -> None:
        """One transaction: cells, messages, the marker last. Any error leaves the lane to be acquired anew."""
        producer = self._producer
        cells, self._adopted = {**self._adopted, **cells}, {}
        producer.begin_transaction()
        sent = [
            producer.send(self._settings.name, key=key, value=value, partition=self._partition)
            for key, value in self._encoder.encode(cells)
        ]
        sent += [producer.send(message.topic, key=message.key, value=message.value) for message in messages]
        key, value = encode_marker(marker)
        sent.append(producer.send(self._settings.name, key=key, value=value, partition=self._partition))
        for future in sent:
            self._wait(producer, future)
        self._end(producer)

    def _wait(self, producer: Any, future: Any) -> None:
        """Until a record is written. The client ends a transaction also where it gave up one of its records."""
        from kafka.errors import KafkaTimeoutError

        while not future.is_done:
            with suppress(KafkaTimeoutError):
                future.get(WAIT_MS / 1000)
            self._look_whether_over(producer)
        future.get(0)  # raises what it failed with

    def _end(self, producer: Any) -> None:
        """As `commit_transaction`, which waits for ever where the client has failed meanwhile, or tries for ever."""
        result = producer._transaction_manager.begin_commit()
        producer._sender.wakeup()
        while not result.wait(timeout_ms=WAIT_MS):
            self._look_whether_over(producer)

    def _look_whether_over(self, producer: Any) -> None:
        """Raises what a commit failed with meanwhile, if it has, or was abandoned."""
        transaction = producer._transaction_manager
        if transaction.has_error():
            raise transaction.last_error
        if self._stopped.is_set():
            raise UnreachableError(f"a commit of {self.lane} was given up")

    def abandon(self) -> None:
        """Stop at once, whatever is in flight. Safe to call twice, from any thread."""
        self._stopped.set()
        self._restored = {}
        self._spill.drop(self._spilled)
        producer, self._producer = self._producer, None
        if producer is not None:
            Task(partial(_close, producer), f"close-{self.lane}")


def _close(producer: Any) -> None:
    """At once, whatever is in flight: to close it alone gives up where something is, and leaves it trying."""
    from kafka.errors import KafkaTimeoutError

    producer._sender.force_close()
    with suppress(KafkaTimeoutError):
        producer.close(timeout=0)
