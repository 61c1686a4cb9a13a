"""SASL and access lists: they work, and where they do not, one sentence names the setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from logwatch.errors import ConfigError
from tests.kafka.reading import failure, reading, settings
from tests.kafka.security import USERS
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("SASL", {"sasl": "PLAIN"}),
    "scram-256": ("SASL", {"sasl": "SCRAM-SHA-256"}),
    "scram-512 over tls": ("SASLSSL", {"sasl": "SCRAM-SHA-512", "tls_ca": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_secured_listeners_are_read(secured: Topics, case: str) -> None:
    topic = secured.create()
    secured.send(topic, [b"secret"])
    with reading(secured.broker, topic, **settings(secured.broker, *CASES[case])) as run:
        assert run.read(1) == [b"secret"]


def test_secrets_come_from_files_and_the_environment(
    secured: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = secured.create()
    secured.send(topic, [b"x"])
    (tmp_path / "pw").touch(0o600)
    (tmp_path / "pw").write_text(USERS["alice"] + "\n")
    monkeypatch.setenv("KAFKA_PW", USERS["alice"])
    for password in ({"file": str(tmp_path / "pw")}, {"env": "KAFKA_PW"}):
        given = settings(secured.broker, "SASL", {"sasl": "PLAIN", "password": password})
        with reading(secured.broker, topic, **given) as run:
            run.read(1)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_wrong_password_is_said_without_it(secured: Topics, mechanism: str) -> None:
    given = settings(secured.broker, "SASL", {"sasl": mechanism, "password": "guessed-wrong"})
    error = failure(secured.broker, "t", **given)
    assert isinstance(error, ConfigError)
    assert f"refuses to log alice in with {mechanism}" in error.message
    assert "`password`" in error.hint
    assert "guessed-wrong" not in str(error)


def test_a_missing_right_on_the_topic_is_said_with_the_command_that_grants_it(secured: Topics) -> None:
    topic = secured.create()
    given = settings(secured.broker, "SASL", {"sasl": "PLAIN", "username": "bob", "password": USERS["bob"]})
    group = secured.new_name("g")
    secured.allow("bob", "GROUP", group)
    error = failure(secured.broker, topic, group=group, **given)
    assert f"bob may not use topic {topic}" in error.message
    assert "kafka-acls" in error.hint
    assert "--allow-principal User:bob" in error.hint


def test_a_missing_right_on_the_group_is_said(secured: Topics) -> None:
    topic = secured.create()
    secured.allow("bob", "TOPIC", topic)
    given = settings(secured.broker, "SASL", {"sasl": "PLAIN", "username": "bob", "password": USERS["bob"]})
    error = failure(secured.broker, topic, group="not-for-bob", **given)
    assert 'bob may not read as a member of group "not-for-bob"' in error.message


def test_granted_rights_are_enough(secured: Topics) -> None:
    topic, group = secured.create(), secured.new_name("g")
    secured.send(topic, [b"x"])
    secured.allow("bob", "TOPIC", topic)
    secured.allow("bob", "GROUP", group)
    given = settings(secured.broker, "SASL", {"sasl": "PLAIN", "username": "bob", "password": USERS["bob"]})
    with reading(secured.broker, topic, group=group, **given) as run:
        assert run.read(1) == [b"x"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bootstrap": ["kafka"]}, "host:port"),
        ({"bootstrap": ["http://kafka:9092"]}, "host:port"),
        ({"topics": []}, "either `topics` or `pattern`"),
        ({"pattern": "x"}, "either `topics` or `pattern`"),
        ({"topics": ["a b"]}, "no name of a topic"),
        ({"sasl": "PLAIN"}, "needs `username` and `password`"),
        ({"username": "x"}, "without `sasl`"),
        ({"sasl": "OAUTHBEARER"}, "needs `oauth_token_file`"),
        ({"start": "yesterday"}, "a time like"),
        ({"key_from": "value"}, "must be"),
        ({"client": {"fetch_min_bites": 1}}, 'did you mean "fetch_min_bytes"'),
        ({"client": {"enable_auto_commit": True}}, "positions are kept with the state"),
        ({"client": {"group_id": "x"}}, "write `group`"),
        ({"client": {"fetch_min_bytes": "many"}}, "must be a whole number"),
        ({"password": {"env": "NOT_SET_HERE"}, "sasl": "PLAIN", "username": "u"}, "NOT_SET_HERE is not set"),
        ({"password": {"file": "/no/such"}, "sasl": "PLAIN", "username": "u"}, "/no/such cannot be read"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(given: dict[str, Any], said: str) -> None:
    from logwatch.sources.kafka_config import KafkaConfig

    with pytest.raises(ValidationError, match=said):
        KafkaConfig.model_validate({"bootstrap": "a:1,b:2", "topics": ["t"]} | given)


def test_every_setting_of_the_installed_client_is_known_or_refused_with_a_reason() -> None:
    from kafka import KafkaConsumer, KafkaProducer

    from logwatch.kafka.client_settings import CONSUMER, OURS, PRODUCER

    for ours, theirs in ((CONSUMER, KafkaConsumer.DEFAULT_CONFIG), (PRODUCER, KafkaProducer.DEFAULT_CONFIG)):
        assert set(ours) <= set(theirs)
        assert set(theirs) <= set(ours) | set(OURS)


def test_secrets_are_not_shown() -> None:
    from logwatch.sources.kafka_config import KafkaConfig

    config = KafkaConfig.model_validate(
        {"bootstrap": "a:1", "topics": ["t"], "sasl": "PLAIN", "username": "u", "password": "hush-hush"}
    )
    assert "hush-hush" not in repr(config) + str(config.model_dump(mode="json"))
    assert config.client_config()["sasl_plain_password"].startswith("hush")
