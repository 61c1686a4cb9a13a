"""What people tell one of several workers, told to all: feedback and deployment marks, in a compacted topic.

A worker obeys what it is told at once, and journals it; from there it goes into the topic as soon as a broker takes
it. Every worker reads the topic whole and obeys what it does not know yet, from where its lanes are. What is asked is
known by its id, so hearing a thing twice, or one's own words, changes nothing; what never reached the topic since its
worker ended is sent when that one starts again.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from logwatch.directives import MOST, Directive
from logwatch.errors import StateFull, UsageError
from logwatch.telemetry import Logger

log = Logger(__name__)

KINDS = ("feedback", "mark")
"""What travels. Choices of a model do not: versions belong to a lane, and move with its state."""

VERSION = 1
POLL_MS = 500
AGAIN_S = (1.0, 5.0, 30.0)
"""Waits after a failure; the last one is repeated."""

SETTINGS = {"cleanup.policy": "compact"}


@dataclass(frozen=True)
class ControlSettings:
    """Which topic, and how it is reached.

    Args:
        client: keyword arguments that every client takes.
        copies: of a topic that is made; 0: as the brokers have it.
    """

    client: Mapping[str, Any]
    name: str
    copies: int = 0


class ControlTopic:
    """Reads and writes the topic in a thread of its own; a keeper of `Lanes`, which gives it its turns.

    Args:
        obey: takes a directive, False where it is known; called in `turn` alone. Raises StateFull.
        known: what was asked here before, oldest first.
    """

    def __init__(
        self, settings: ControlSettings, obey: Callable[[Directive], bool], known: Iterable[Directive]
    ) -> None:
        self._settings = settings
        self._obey = obey
        self._asked: SimpleQueue[Directive] = SimpleQueue()
        self._heard: deque[Directive] = deque(maxlen=MOST)
        self._there: dict[str, None] = {}  # ids that the topic holds, oldest first
        self._ended = threading.Event()
        for one in known:
            self.tell(one)
        self._thread = threading.Thread(target=self._run, name="control-topic", daemon=True)
        self._thread.start()

    def tell(self, directive: Directive) -> None:
        """Have the other workers hear of it."""
        if directive.kind in KINDS:
            self._asked.put(directive)

    def turn(self) -> int:
        """Obey what was heard; no alert comes of it."""
        while self._heard:
            directive = self._heard.popleft()
            try:
                self._obey(directive)
            except StateFull:  # said by the commit; tried again at the next turn
                self._heard.appendleft(directive)
                break
        return 0

    def commit(self, delivered: Mapping[str, int]) -> None:
        """Nothing of it is kept here: the journal has it."""

    def settle(self, seconds: float) -> bool:
        """What is not sent yet is sent after the next start."""
        return True

    def raised(self) -> bool:
        """It raises none."""
        return False

    def close(self) -> None:
        """Let go of the brokers."""
        self._ended.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        from kafka.errors import KafkaError

        failures = 0
        while not self._ended.is_set():
            try:
                with self._clients() as (consumer, producer):
                    self._read_whole(consumer)
                    if failures:
                        log.info("the control topic is read again", topic=self._settings.name)
                    failures = 0
                    while not self._ended.is_set():
                        self._send(producer)
                        self._hear(consumer, POLL_MS)
            except (KafkaError, OSError, ValueError) as error:  # ValueError: the client's, of what it was given
                if not failures:
                    log.warning(
                        "the control topic cannot be used: feedback and marks stay on the worker that is told, until "
                        "it can", topic=self._settings.name, reason=f"{type(error).__name__}: {error}",
                        hint="it needs the rights to describe, read, write and create it",
                    )  # fmt: skip
                self._ended.wait(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
                failures += 1

    @contextlib.contextmanager
    def _clients(self) -> Iterator[tuple[Any, Any]]:
        from kafka import KafkaConsumer, KafkaProducer, TopicPartition

        from logwatch.kafka.consumer import BOOTSTRAP_MS, make

        client = {**self._settings.client, "bootstrap_timeout_ms": BOOTSTRAP_MS}
        _make_topic(self._settings, client)
        reads = {
            "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False, "isolation_level": "read_committed",
        }  # fmt: skip
        with contextlib.ExitStack() as stack:
            consumer = make(KafkaConsumer, {**client, **reads})
            stack.callback(consumer.close)
            producer = make(KafkaProducer, {**client, "acks": "all", "max_block_ms": 10_000})
            stack.callback(producer.close, timeout=5)
            consumer.assign([TopicPartition(self._settings.name, 0)])
            yield consumer, producer

    def _read_whole(self, consumer: Any) -> None:
        """Hear everything up to the topic's present end, so that nothing is sent that it holds."""
        (place,) = consumer.assignment()
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while consumer.position(place) < end and not self._ended.is_set():
            self._hear(consumer, POLL_MS)

    def _hear(self, consumer: Any, wait_ms: int) -> None:
        for records in consumer.poll(timeout_ms=wait_ms).values():
            for record in records:
                directive = read(record.value)
                if directive is None:
                    log.warning(
                        "a record of the control topic makes no sense, and is passed over",
                        topic=self._settings.name, offset=record.offset,
                    )  # fmt: skip
                elif directive.id not in self._there:
                    self._there[directive.id] = None
                    if len(self._there) > 2 * MOST:
                        del self._there[next(iter(self._there))]
                    self._heard.append(directive)

    def _send(self, producer: Any) -> None:
        with contextlib.suppress(Empty):
            while True:
                directive = self._asked.get_nowait()
                if directive.id in self._there:
                    continue
                try:
                    sent = producer.send(self._settings.name, key=directive.id.encode(), value=write(directive))
                    sent.get(10)
                except Exception:
                    self._asked.put(directive)  # with the next connection
                    raise


def write(directive: Directive) -> bytes:
    """A directive as a record's value."""
    head = {"v": VERSION, "kind": directive.kind, "id": directive.id, "asked": directive.asked, "by": directive.by}
    return json.dumps({**head, "body": dict(directive.body)}).encode()


def read(value: bytes | None) -> Directive | None:
    """The directive of a record; None where it is none, of a kind that does not travel, or of a newer program."""
    try:
        told = json.loads(value or b"")
        fits = told["v"] == VERSION and told["kind"] in KINDS and isinstance(told["body"], dict)
        asked, id, by = told["asked"], told["id"], told["by"]
        if not fits or type(asked) is not int or not isinstance(id, str) or not isinstance(by, str):
            return None
        return Directive(told["kind"], told["body"], id, asked, by) if 0 < len(id) <= 200 and len(by) <= 200 else None
    except (KeyError, RecursionError, TypeError, ValueError, UsageError):
        return None


def _make_topic(settings: ControlSettings, client: Mapping[str, Any]) -> None:
    """Make it where it is missing, with one partition: what is said stays in its order."""
    from kafka.admin import NewTopic
    from kafka.errors import TopicAlreadyExistsError

    from logwatch.kafka.consumer import administering

    with administering(client) as admin:
        (found,) = admin.describe_topics([settings.name])
        if found["error_code"] or not found["partitions"]:
            with contextlib.suppress(TopicAlreadyExistsError):  # another worker was quicker
                admin.create_topics([NewTopic(settings.name, 1, settings.copies or -1, topic_configs=SETTINGS)])
                log.info("control topic made", topic=settings.name)
