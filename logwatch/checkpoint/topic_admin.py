"""The state topic of an input topic: made with the right settings, or refused with the command that mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from logwatch.errors import ConfigError, LogwatchError, UnreachableError
from logwatch.telemetry import Logger

log = Logger(__name__)

LEAST_MESSAGE = 600_000
"""Bytes that the broker must take in one record: a part of a cell and its head."""

SETTINGS = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.2",  # a restore reads what is not compacted yet, too
    "segment.bytes": str(32 * 2**20),  # the newest segment is never compacted
    "compression.type": "producer",
}
"""Of a state topic that we make."""

MOST_COPIES = 3


@dataclass(frozen=True)
class TopicSettings:
    """Which topic holds the state of which, and how it is reached.

    Args:
        client: keyword arguments that every client takes.
        name: of the state topic.
        of: the input topic.
        replication: copies of a topic that is made; 0: as many as the input topic has, at most three.
        beside: topics that a commit writes to as well: alerts.
        pattern: of the input topics, whole names; empty: they are named.
        family: name that the state topics of one pattern share.
    """

    client: Mapping[str, Any]
    name: str
    of: str
    replication: int = 0
    beside: tuple[str, ...] = ()
    pattern: str = ""
    family: str = ""


class Topics(NamedTuple):
    """What there is: partitions of the input topic, and whether it has a state topic."""

    partitions: int
    state: bool


def look(settings: TopicSettings, *, make: bool) -> Topics:
    """Check the state topic, and make it where it is missing.

    Args:
        make: False: a missing one is left missing.

    Raises:
        ConfigError: it cannot serve, or may not be made or seen; says the command that mends it.
        UnreachableError: no broker answers, or there is no input topic yet.
    """
    from kafka.errors import AuthorizationError, KafkaError

    from logwatch.kafka.consumer import administering

    try:
        with administering(settings.client) as admin:
            return _look(admin, settings, make)
    except AuthorizationError as error:
        raise _refused(error, settings) from error
    except KafkaError as error:
        raise UnreachableError(
            f"the state topic {settings.name} cannot be looked at: {error}", "is `bootstrap` right, and a broker up?"
        ) from error


def count_partitions(settings: TopicSettings, topics: Sequence[str]) -> dict[str, int]:
    """Of topics that are there. Raises UnreachableError."""
    if not topics:
        return {}
    from kafka.errors import KafkaError

    from logwatch.kafka.consumer import administering

    try:
        with administering(settings.client) as admin:
            found = admin.describe_topics(list(topics))
    except KafkaError as error:
        raise UnreachableError(
            f"topics cannot be looked at: {error}", "is `bootstrap` right, and a broker up?"
        ) from error
    return {str(one["name"]): len(one["partitions"]) for one in found if not one["error_code"]}


def explain(error: BaseException, settings: TopicSettings) -> LogwatchError | None:
    """What an error of a commit means: a right that is missing, or another owner; None where it is neither."""
    from kafka.errors import AuthorizationError, InvalidProducerEpochError, ProducerFencedError

    if isinstance(error, AuthorizationError):
        return _refused(error, settings)
    if isinstance(error, ProducerFencedError | InvalidProducerEpochError):
        return UnreachableError(
            f"another worker has taken over what {settings.name} holds of the partition",
            "if that goes on, two groups share a state topic: check `group` and `state_topic`",
        )
    return None


def _refused(error: Exception, settings: TopicSettings) -> ConfigError:
    named = {name for one in error.args for name in ((one,) if isinstance(one, str) else one)}
    reason = type(error).__name__.removesuffix("Error")
    grant = f"kafka-acls.sh --bootstrap-server {_bootstrap(settings)} --add --allow-principal User:NAME"
    for name in named.intersection(settings.beside):
        return ConfigError(
            f'the topic "{name}" of a sink may not be written ({reason})',
            f"check `topic` of the sink, or grant it: {grant} --operation Describe --operation Write --topic {name}",
        )
    return ConfigError(
        f"the state topic {settings.name} may not be used ({reason})",
        f"{grant} --operation All --topic {settings.name} --transactional-id {settings.name} "
        "--resource-pattern-type prefixed",
    )


def _look(admin: Any, settings: TopicSettings, make: bool) -> Topics:
    wanted = _described(admin, settings.of)
    if wanted is None:
        raise UnreachableError(f"the topic {settings.of} does not exist", "create it, or wait for its producer")
    for name in settings.beside:
        if _described(admin, name) is None:
            raise ConfigError(f'the topic "{name}" of a sink does not exist', "create it, or check `topic` of the sink")
    found = _described(admin, settings.name)
    if found is not None:
        _check(admin, settings, found.partitions, wanted.partitions)
    elif make:
        _make(admin, settings, wanted)
    return Topics(wanted.partitions, found is not None or make)


@dataclass(frozen=True)
class _Topic:
    partitions: int
    copies: int


def _described(admin: Any, name: str) -> _Topic | None:
    from kafka.errors import TopicAuthorizationFailedError

    (topic,) = admin.describe_topics([name])
    if topic["error_code"] == TopicAuthorizationFailedError.errno:
        raise TopicAuthorizationFailedError(name)
    if topic["error_code"] or not topic["partitions"]:
        return None
    return _Topic(len(topic["partitions"]), len(topic["partitions"][0]["replica_nodes"]))


def _make(admin: Any, settings: TopicSettings, wanted: _Topic) -> None:
    from kafka.admin import NewTopic
    from kafka.errors import ClusterAuthorizationFailedError, KafkaError, TopicAlreadyExistsError
    from kafka.errors import TopicAuthorizationFailedError as NotAllowed

    copies = settings.replication or min(wanted.copies, MOST_COPIES)
    topic = NewTopic(settings.name, wanted.partitions, copies, topic_configs=SETTINGS)
    try:
        admin.create_topics([topic])
    except TopicAlreadyExistsError:
        return  # another worker was quicker
    except (ClusterAuthorizationFailedError, NotAllowed, KafkaError) as error:
        reason = type(error).__name__.removesuffix("Error")
        raise ConfigError(
            f"the state topic {settings.name} does not exist, and may not be made ({reason})",
            f"make it: {_create_command(settings, wanted.partitions, copies)}",
        ) from error
    log.info("state topic made", topic=settings.name, partitions=wanted.partitions, copies=copies)


def _check(admin: Any, settings: TopicSettings, partitions: int, wanted: int) -> None:
    where = f"--bootstrap-server {_bootstrap(settings)}"
    if partitions < wanted:
        _grow(admin, settings, partitions, wanted)
    found = _configs(admin, settings.name)
    change = f"kafka-configs.sh {where} --alter --entity-type topics --entity-name {settings.name} --add-config"
    policy = found.get("cleanup.policy", "compact")
    if policy != "compact":
        raise ConfigError(
            f'the state topic {settings.name} has cleanup.policy = "{policy}": it would forget what was learned',
            f"{change} cleanup.policy=compact",
        )
    if int(found.get("max.message.bytes", LEAST_MESSAGE)) < LEAST_MESSAGE:
        raise ConfigError(
            f"the state topic {settings.name} takes records of {found['max.message.bytes']} bytes at most",
            f"{change} max.message.bytes=1048588",
        )


def _grow(admin: Any, settings: TopicSettings, partitions: int, wanted: int) -> None:
    """The input topic has more partitions than before. Cells stay where they are: partitions are named, not hashed."""
    from kafka.errors import KafkaError

    try:
        admin.create_partitions({settings.name: wanted})
    except KafkaError as error:
        reason = type(error).__name__.removesuffix("Error")
        raise ConfigError(
            f"the state topic {settings.name} has {partitions} partitions, the topic {settings.of} has {wanted}, "
            f"and it may not be changed ({reason})",
            f"kafka-topics.sh --bootstrap-server {_bootstrap(settings)} --alter --topic {settings.name} "
            f"--partitions {wanted}",
        ) from error
    log.info("state topic grown", topic=settings.name, partitions=wanted)


def _configs(admin: Any, name: str) -> dict[str, str]:
    """Empty where we may not see them, which is said."""
    from kafka.admin import ConfigResource, ConfigResourceType
    from kafka.errors import KafkaError

    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        configs = {key: str(one["value"]) for key, one in found["topic"][name].items()}
    except (KafkaError, KeyError):
        configs = {}
    if not configs:
        hint = "grant DescribeConfigs on it, or see yourself that its cleanup.policy is compact"
        log.warning("settings of the state topic may not be seen", topic=name, hint=hint)
    return configs


def _create_command(settings: TopicSettings, partitions: int, copies: int) -> str:
    configs = " ".join(f"--config {key}={value}" for key, value in SETTINGS.items())
    return (
        f"kafka-topics.sh --bootstrap-server {_bootstrap(settings)} --create --topic {settings.name} "
        f"--partitions {partitions} --replication-factor {copies} {configs}"
    )


def _bootstrap(settings: TopicSettings) -> str:
    given = settings.client.get("bootstrap_servers", "")
    return given if isinstance(given, str) else ",".join(given)
