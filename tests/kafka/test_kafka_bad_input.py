"""What cannot work is said in one sentence, with the setting and what to check; here: what no other file has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kafka.codec
import pytest
from structlog.testing import capture_logs

from logwatch.checkpoint.store import Store
from logwatch.errors import ConfigError, StateLocked
from logwatch.kafka import consumer, diagnosis
from logwatch.sinks.kafka import KafkaSink, KafkaSinkConfig
from logwatch.sources import kafka_watch
from logwatch.testing.samples import sample_alert
from tests.kafka.broker import Broker, free_ports
from tests.kafka.program import daemon
from tests.kafka.reading import failure, reading, settings
from tests.kafka.security import USERS
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

BOB = f"""state = "topic"
sasl = "PLAIN"
username = "bob"
password = "{USERS["bob"]}"
"""


COMPACT = {"cleanup.policy": "compact"}


def warning(broker: Broker, topic: str, word: str, **given: Any) -> str:
    """What is said of something that may mend itself: the first warning with the word."""
    said: list[str] = []
    with capture_logs() as logged, reading(broker, topic, **given) as run:

        def found() -> bool:
            said[:] = [entry["event"] for entry in logged if word in entry["event"]]
            return bool(said)

        run.until(found)
        assert not run.source.ready
    return said[0]


def test_a_host_that_is_unknown_is_said(topics: Topics) -> None:
    told = warning(topics.broker, "t", "not known", bootstrap=["no-such-host.invalid:9092"])
    assert 'the name "no-such-host.invalid" is not known: check `bootstrap`' in told


def test_a_port_where_nobody_listens_is_said(topics: Topics) -> None:
    place = f"127.0.0.1:{free_ports(1)[0]}"
    told = warning(topics.broker, "t", "nothing answers", bootstrap=[place])
    assert f"nothing answers at {place} (connection refused): check `bootstrap`, and that the broker runs" in told


def test_a_port_of_something_else_is_said(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setitem(consumer.OVERRIDES, "bootstrap_timeout_ms", 300)
    monkeypatch.setattr(diagnosis, "CONNECT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        told = warning(topics.broker, "t", "answers", bootstrap=[place])
    assert f"{place} answers, but not in time, or not as a Kafka broker" in told


@pytest.mark.parametrize(("given", "word"), [({}, "topics"), ({"topics": [], "pattern": "nothing-.*"}, "pattern")])
def test_a_missing_topic_is_said(topics: Topics, monkeypatch: pytest.MonkeyPatch, given: Any, word: str) -> None:
    monkeypatch.setattr(kafka_watch, "PATIENCE_S", 0.5)
    topic = topics.new_name("nowhere")
    wanted = {"topics": f'topic "{topic}" does not exist: create it, or check `topics`',
              "pattern": 'no topic matches `pattern` "nothing-.*"'}  # fmt: skip
    assert wanted[word] in warning(topics.broker, topic, word, **given)


@pytest.mark.parametrize(
    ("listener", "given", "said"),
    [
        ("SASL", {}, "wants a login (OAUTHBEARER, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)"),
        ("SASLSSL", {"tls_ca": True}, "wants a login (OAUTHBEARER, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)"),
        ("PLAINTEXT", {"sasl": "PLAIN"}, "the broker does not offer PLAIN at this port"),
        ("SASL", {"sasl": "SCRAM-SHA-512", "password": "wrong"}, "refuses to log alice in with SCRAM-SHA-512"),
    ],
)
def test_a_login_that_does_not_fit_is_said(
    secured: Topics, listener: str, given: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(consumer.OVERRIDES, "bootstrap_timeout_ms", 500)
    monkeypatch.setattr(diagnosis, "CONNECT_S", 1.0)
    error = failure(secured.broker, "t", **settings(secured.broker, listener, given))
    assert isinstance(error, ConfigError)
    assert said in error.message
    assert "`sasl`" in error.hint


@pytest.mark.parametrize("codec", ["snappy", "lz4", "zstd"])
def test_a_missing_compression_extra_ends_reading_with_its_installation(
    topics: Topics, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topics.create()
    topics.send(topic, [b"x" * 1000], compression_type=codec)
    monkeypatch.setattr(kafka.codec, {"snappy": "snappy", "lz4": "lz4", "zstd": "zstd"}[codec], None)
    error = failure(topics.broker, topic)
    assert isinstance(error, ConfigError)
    assert codec in error.message
    assert "pip install 'kafka-python[snappy,lz4,zstd]'" in error.hint


@pytest.mark.parametrize("codec", ["zstd", "zipped"])
def test_a_compression_that_a_sink_cannot_write_is_said(
    topics: Topics, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka.codec, "zstd", None)
    given = {"bootstrap": topics.broker.bootstrap, "topic": topics.create(), "client": {"compression_type": codec}}
    sink = KafkaSink(KafkaSinkConfig.model_validate(given))
    with pytest.raises(ConfigError, match=rf"refuses its settings: .*{codec}[\s\S]*`client`"):
        sink.deliver([sample_alert()])


@pytest.fixture
def of_bob(secured: Topics) -> str:
    """A topic that bob may read, in the group of its name."""
    topic = secured.create(partitions=2)
    secured.allow("bob", "TOPIC", topic)
    secured.allow("bob", "GROUP", topic)
    return topic


def state_of(topic: str) -> str:
    return f"logwatchd-state-{topic}-{topic}"


@pytest.mark.parametrize(
    ("partitions", "said", "command"),
    [
        (0, "does not exist, and may not be made", "kafka-topics.sh .* --create --topic {name} --partitions 2 "),
        (1, "has 1 partitions, the topic .* has 2, and it may not be changed",
         "kafka-topics.sh .* --alter --topic {name} --partitions 2"),
        (2, "may not be used .TransactionalIdAuthorizationFailed",
         "kafka-acls.sh .* --topic {name} --transactional-id {name} "),
    ],
)  # fmt: skip
def test_a_right_that_the_state_lacks_ends_the_daemon_with_the_command_that_mends_it(
    secured: Topics, of_bob: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], partitions: int, said: str,
    command: str,
) -> None:  # fmt: skip
    name = state_of(of_bob)
    secured.allow("bob", "TOPIC", name)
    if partitions:
        secured.create(partitions, COMPACT, name)
    with pytest.raises(ConfigError, match=f"the state topic {name} {said}[\\s\\S]*{command.format(name=name)}"):
        daemon(secured.broker, tmp_path, of_bob, BOB, listener="SASL")
    unseen = "settings of the state topic may not be seen" in capsys.readouterr().out
    assert unseen == (partitions == 2), "whether a wrong policy would be noticed"


def test_a_state_topic_of_the_wrong_policy_ends_the_daemon_with_the_command_that_mends_it(
    topics: Topics, tmp_path: Path
) -> None:
    topic = topics.create()
    name = topics.create(config={"cleanup.policy": "delete"}, name=state_of(topic))
    said = (
        f'topic {name} has cleanup.policy = "delete"[\\s\\S]*--entity-name {name} --add-config cleanup.policy=compact'
    )
    with pytest.raises(ConfigError, match=said):
        daemon(topics.broker, tmp_path, topic, 'state = "topic"')


def test_a_state_topic_that_may_not_be_seen_ends_the_daemon_with_the_command_that_grants_it(
    secured: Topics, of_bob: str, tmp_path: Path
) -> None:
    name = secured.create(2, COMPACT, state_of(of_bob))
    with pytest.raises(ConfigError, match=f"the state topic {name} may not be used .TopicAuth.*\n *kafka-acls.sh "):
        daemon(secured.broker, tmp_path, of_bob, BOB, listener="SASL")


def test_two_daemons_on_one_state_directory_are_refused(topics: Topics, tmp_path: Path) -> None:
    topic = topics.create()
    with Store(tmp_path / "state"), pytest.raises(StateLocked, match=str(tmp_path)):
        daemon(topics.broker, tmp_path, topic)
