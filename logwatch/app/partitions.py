"""Who keeps the state of the partitions of each Kafka source: this machine's store, or a state topic."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from logwatch.api import Sink, Source
from logwatch.app.session import Session
from logwatch.directives import Directive
from logwatch.plugins.loader import Resolved

if TYPE_CHECKING:
    from logwatch.checkpoint.topic_admin import TopicSettings
    from logwatch.partitions import Partitions
    from logwatch.sources.kafka_config import KafkaConfig
    from logwatch.stored_partitions import StoredPartitions

Kept: TypeAlias = "Partitions | StoredPartitions"

SHARE_OF_TIMEOUT = 0.75
"""Of a revocation's time, what one last commit may take: the source must still let go in time."""


@contextlib.contextmanager
def kept_partitions(
    session: Session, resolved: Sequence[Resolved], sources: Mapping[str, Source], sinks: Mapping[str, Sink]
) -> Iterator[list[Kept]]:
    """Give each source with lanes of its own a keeper, as its `state` says; set before the sources are opened."""
    kept: list[Kept] = []
    with contextlib.ExitStack() as stack:
        for one in resolved:
            if one.part.kind == "source" and hasattr(sources[one.part.id], "hooks"):
                within = _within(one.config, resolved, sinks)
                keeper = _keeper(session, one.part.id, sources[one.part.id], one.config, within, stack)
                stack.callback(keeper.close)
                session.lanes.keepers.append(keeper)
                kept.append(keeper)
        _told_to_all(session, resolved, stack)
        yield kept


def _told_to_all(session: Session, resolved: Sequence[Resolved], stack: contextlib.ExitStack) -> None:
    """Feedback and marks that any worker of a group is given reach the others."""
    lanes = session.lanes
    if not any(hasattr(one.config, "control_topic") for one in resolved):
        return
    from logwatch.kafka.control_topic import ControlSettings, ControlTopic
    from logwatch.sources.kafka_config import KafkaConfig

    configs = [one.config for one in resolved if isinstance(one.config, KafkaConfig)]
    settings = {one.whole_control_topic: one for one in configs if one.whole_control_topic}
    known = [one.directive for one in session.store.journal]
    topics = []
    for name, config in settings.items():
        topic = ControlTopic(ControlSettings(_client(config), name, config.state_copies), lanes.direct, known)
        stack.callback(topic.close)
        lanes.keepers.append(topic)
        topics.append(topic)

    def tell(directive: Directive) -> None:
        for topic in topics:
            topic.tell(directive)

    lanes.on_direct = tell


def _within(config: Any, resolved: Sequence[Resolved], sinks: Mapping[str, Sink]) -> dict[str, Any]:
    """Kafka sinks on the same brokers, logged in alike: their alerts are part of the commit's transaction."""
    from logwatch.sinks.kafka_config import KafkaSinkConfig

    return {
        one.part.id: sinks[one.part.id]
        for one in resolved
        if one.part.kind == "sink"
        and isinstance(one.config, KafkaSinkConfig)
        and not getattr(one.part.table, "routed", False)
        and _access(one.config) == _access(config)
    }


def _access(config: Any) -> tuple[Any, ...]:
    """Where, and as whom."""
    return (
        set(config.bootstrap),
        config.protocol,
        config.sasl,
        config.username,
        config.tls_cert,
        config.oauth_token_file,
    )


def _keeper(
    session: Session, component: str, source: Any, config: Any, within: Mapping[str, Any], stack: contextlib.ExitStack
) -> Kept:
    from logwatch.partitions import Partitions
    from logwatch.sources.kafka import LaneHooks
    from logwatch.stored_partitions import StoredPartitions

    beside = tuple(sink.topic for sink in within.values()) if config.state == "topic" else ()

    def settings(topic: str) -> TopicSettings:
        return _settings(config, topic, beside)

    keeper: Kept
    if config.state == "topic":
        spill = stack.enter_context(contextlib.closing(_spill(session, component)))
        keeper = Partitions(
            session.lanes, component, source, settings, spill, session.clock,
            bounded_s=SHARE_OF_TIMEOUT * config.revoke_timeout,
            within={name: sink.encode for name, sink in within.items()},
        )  # fmt: skip
    else:
        keeper = StoredPartitions(session.lanes, component, source, settings, session.clock)
    source.hooks = LaneHooks(keeper.assigned, keeper.revoked, keeper.lost)
    return keeper


def _spill(session: Session, component: str) -> Any:
    from logwatch.checkpoint.spill import Spill

    name = "".join(letter if letter.isalnum() else "-" for letter in component)
    return Spill(session.store.directory / f"spill-{name}.db")


def _settings(config: KafkaConfig, topic: str, beside: tuple[str, ...]) -> TopicSettings:
    from logwatch.checkpoint.topic_admin import TopicSettings

    name = config.state_topic.replace("{group}", config.group).replace("{topic}", topic)
    family = config.state_topic.replace("{group}", config.group).replace("{topic}", "") if config.pattern else ""
    return TopicSettings(_client(config), name, topic, config.state_copies, beside, config.whole_pattern, family)


def _client(config: KafkaConfig) -> dict[str, Any]:
    """What consumers, producers and admin clients all take."""
    from logwatch.kafka.client_settings import SHARED

    return {key: value for key, value in config.client_config().items() if key not in config.client or key in SHARED}
