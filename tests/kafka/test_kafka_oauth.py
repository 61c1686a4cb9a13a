"""OAUTHBEARER: the token in a file, as it is now, at each login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from logwatch.errors import ConfigError
from logwatch.kafka.connection import ConnectionConfig
from logwatch.sinks.kafka import KafkaSink, KafkaSinkConfig
from logwatch.testing.samples import sample_alert
from tests.kafka.broker import Broker
from tests.kafka.reading import failure, reading, settings
from tests.kafka.security import token
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

LIFE_S = 2.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of the token."""
    path = tmp_path / "token"
    path.touch(0o600)
    return path


def access(broker: Broker, path: Path, listener: str = "SASL") -> dict[str, Any]:
    return settings(broker, listener, {"sasl": "OAUTHBEARER", "oauth_token_file": path})


def test_a_topic_is_read_with_a_token_from_a_file(secured: Topics, path: Path) -> None:
    topic = secured.create()
    secured.send(topic, [b"secret"])
    path.write_text(token("alice", 60) + "\n")
    with reading(
        secured.broker, topic, **access(secured.broker, path, "SASLSSL"), tls_ca=secured.broker.trusted
    ) as run:
        assert run.read(1) == [b"secret"]


def test_alerts_are_written_with_a_token_and_without_a_good_one_it_is_said(secured: Topics, path: Path) -> None:
    topic = secured.create()
    path.write_text(token("alice", -100))
    sink = KafkaSink(KafkaSinkConfig.model_validate(access(secured.broker, path) | {"topic": topic}))
    with pytest.raises(ConfigError, match=r"refuses the token in `oauth_token_file`"):
        sink.deliver([sample_alert()])
    path.write_text(token("alice", 60))
    sink.deliver([sample_alert()])
    sink.close()
    with reading(secured.broker, topic) as run:
        run.read(1)


def test_an_expired_token_is_said_with_its_end(secured: Topics, path: Path) -> None:
    path.write_text(expired := token("alice", -100))
    error = failure(secured.broker, "t", **access(secured.broker, path))
    assert isinstance(error, ConfigError)
    assert f"refuses the token in `oauth_token_file` {path}, good until 20" in error.message
    assert "renewed before it ends" in error.hint
    assert expired not in str(error)


def test_a_token_that_is_not_of_the_brokers_kind_is_said(secured: Topics, path: Path) -> None:
    path.write_text("opaque")
    error = failure(secured.broker, "t", **access(secured.broker, path))
    assert isinstance(error, ConfigError)
    assert f"refuses the token in `oauth_token_file` {path}: " in error.message


def test_rights_are_those_of_the_tokens_user(secured: Topics, path: Path) -> None:
    topic, group = secured.create(), secured.new_name("g")
    secured.allow("bob", "GROUP", group)
    path.write_text(token("bob", 60))
    error = failure(secured.broker, topic, group=group, **access(secured.broker, path))
    assert f"may not use topic {topic}" in error.message


def test_reading_outlives_a_token_that_is_renewed_late(secured: Topics, path: Path) -> None:
    topic = secured.create()
    path.write_text(token("alice", LIFE_S))
    with capture_logs() as said, reading(secured.broker, topic, **access(secured.broker, path)) as run:
        secured.send(topic, [b"first"])
        run.read(1)
        run.until(lambda: any("refuses the token" in entry["event"] for entry in said))
        secured.send(topic, [b"second"])
        path.write_text(token("alice", 60))
        assert run.read(2) == [b"first", b"second"]


def test_a_file_without_a_token_is_named(path: Path) -> None:
    given = {"bootstrap": "a:1", "sasl": "OAUTHBEARER", "oauth_token_file": path}
    provider = ConnectionConfig.model_validate(given).client_config()["sasl_oauth_token_provider"]
    for text in ("first", "second"):
        path.write_text(text + "\n")
        assert provider.token() == text
    path.write_text("")
    with pytest.raises(ConfigError, match=r"`oauth_token_file` .* is empty"):
        provider.token()
    path.unlink()
    with pytest.raises(ConfigError, match=r"`oauth_token_file` .* cannot be read"):
        provider.token()
