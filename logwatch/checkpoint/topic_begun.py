"""What a group began with: how many partitions each topic had then. What was added since is read from its beginning.

It is the first record of partition 0 of each state topic, and is written once, before any lane is acquired: in one
transaction for all topics that begin together, so that no worker sees a group that has half begun, and by one worker
at a time, since all use the same transactional id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from logwatch.checkpoint.topic_admin import Topics, TopicSettings, count_partitions, look
from logwatch.errors import StateCorrupt, UnreachableError
from logwatch.telemetry import Logger

log = Logger(__name__)

BEGUN = b"begun"
VERSION = 1
POLLS = 60
POLL_MS = 500
INITIALISE_MS = 30_000
INTERNAL = "__"
"""Topics of the brokers' own begin so, and no pattern finds them."""

Settings = Callable[[str], TopicSettings]


def partitions_begun(settings: TopicSettings, of: Settings, own: Mapping[str, int]) -> int:
    """How many partitions the topic had when the group's state began; 0: the topic is newer than that. Asked first, it
    is settled now, for all workers.

    Args:
        settings: of the state topic, which is there.
        of: of the state topics of others that `pattern` finds.
        own: what this machine's store knows, where it kept the state until now: partitions by topic.

    Raises:
        UnreachableError, StateCorrupt, or what the client raises.
    """
    found = read_begun(settings)
    return _begin(settings, of, own) if found is None else found


def _begin(settings: TopicSettings, of: Settings, own: Mapping[str, int]) -> int:
    from kafka import KafkaProducer

    from logwatch.kafka.consumer import make

    name = f"{settings.family or settings.name}-begun"
    producer = make(
        KafkaProducer,
        {**settings.client, "transactional_id": name, "max_block_ms": INITIALISE_MS, "acks": "all"},
    )
    try:
        producer.init_transactions()  # who was at it is refused from now on, and what it had not finished is undone
        topics = {one.name: one for one in (settings, *map(of, matching(settings)))}
        counts = {name: look(one, make=True).partitions for name, one in topics.items()}
        saved = {name: read_begun(one) for name, one in topics.items()}
        late = bool(settings.pattern) and (bool(own) or any(count is not None for count in saved.values()))
        new = {
            name: own.get(topics[name].of, 0 if late else counts[name])
            for name, count in saved.items()
            if count is None
        }
        if new:
            _write(producer, new)
            log.info("state begun", partitions=new)
        return (saved | new)[settings.name] or 0
    finally:
        producer.close(timeout=5)


def _write(producer: Any, counts: Mapping[str, int]) -> None:
    producer.begin_transaction()
    sent = [
        producer.send(name, key=BEGUN, value=json.dumps({"v": VERSION, "partitions": count}).encode(), partition=0)
        for name, count in counts.items()
    ]
    producer.commit_transaction()
    for future in sent:
        future.get(0)  # raises what a record failed with


def matching(settings: TopicSettings) -> Sequence[str]:
    """Topics that `pattern` finds now, sorted. Raises UnreachableError."""
    if not settings.pattern:
        return ()
    from kafka.errors import KafkaError

    from logwatch.kafka.consumer import administering

    wanted = re.compile(settings.pattern)
    try:
        with administering(settings.client) as admin:
            names = admin.list_topics()
    except KafkaError as error:
        raise UnreachableError(f"topics cannot be listed: {error}", "is `bootstrap` right, and a broker up?") from error
    return sorted(name for name in names if wanted.fullmatch(name) and not name.startswith(INTERNAL))


def read_begun(settings: TopicSettings) -> int | None:
    """What a state topic says; None where it has not begun. Raises StateCorrupt, UnreachableError."""
    for key, value in _records(settings):
        if key != BEGUN:
            return 0  # kept by a program that wrote no such record: whatever has no state yet came later
        try:
            facts = json.loads(value)
            if facts["v"] != VERSION:
                raise StateCorrupt(f"the state topic {settings.name} was begun by a newer program", "run that one")
            return int(facts["partitions"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt(f"the first record of the state topic {settings.name} cannot be read") from error
    return None


def _records(settings: TopicSettings) -> Iterator[tuple[bytes, bytes]]:
    """Of partition 0, in order, as they are needed."""
    from kafka import KafkaConsumer, TopicPartition

    from logwatch.kafka.consumer import make

    options = {
        "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False, "isolation_level": "read_committed", "max_poll_records": 1,
    }  # fmt: skip
    consumer, place = make(KafkaConsumer, {**settings.client, **options}), TopicPartition(settings.name, 0)
    try:
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        consumer.seek(place, consumer.beginning_offsets([place])[place])
        for _ in range(POLLS):
            if consumer.position(place) >= end:
                return
            for record in consumer.poll(timeout_ms=POLL_MS).get(place, ()):
                yield record.key, record.value
        raise UnreachableError(f"the state topic {settings.name} cannot be read")
    finally:
        consumer.close()


def first_seen(settings: TopicSettings, topics: Topics, own: Mapping[str, int]) -> dict[str, int]:
    """Where this machine's store keeps the state: what it is to note of a topic that it does not know yet.

    Args:
        topics: what was found of the topic.
        own: what the store knows: partitions by topic.
    """
    begun = read_begun(settings) if topics.state else None
    if begun is not None:
        return {settings.of: begun}
    if settings.pattern and own:
        return {settings.of: 0}
    return {settings.of: topics.partitions} | count_partitions(settings, matching(settings))
