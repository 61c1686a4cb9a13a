"""TLS: it works, with certificates of clients too, and where it does not, one sentence names the setting."""

from __future__ import annotations

import contextlib
import re
import socketserver
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from logwatch.errors import ConfigError
from logwatch.kafka import consumer
from logwatch.kafka.connection import ConnectionConfig
from logwatch.kafka.diagnosis import check_files
from logwatch.sources import kafka_watch
from tests.kafka.broker import Broker, own_broker
from tests.kafka.reading import failure, reading, settings
from tests.kafka.security import KEY_PASSWORD
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

LOCKED = {"tls_cert": "worker.crt", "tls_key": "worker.locked.key"}


def access(broker: Broker, listener: str, given: dict[str, Any]) -> dict[str, Any]:
    """`settings`, with the names of our files as paths."""
    assert broker.trusted is not None
    ours = {name: broker.trusted.parent / given[name] for name in ("tls_cert", "tls_key") if name in given}
    return settings(broker, listener, given | ours)


@pytest.mark.parametrize(
    ("listener", "given"),
    [
        ("SSL", {}),
        ("ELSEWHERE", {"client": {"ssl_check_hostname": False}}),
        ("MUTUAL", {"tls_cert": "worker.pem"}),
        ("MUTUAL", {**LOCKED, "tls_key_password": KEY_PASSWORD}),
    ],
)
def test_tls_that_fits_is_read(secured: Topics, listener: str, given: dict[str, Any]) -> None:
    topic = secured.create()
    secured.send(topic, [b"secret"])
    with reading(secured.broker, topic, **access(secured.broker, listener, {"tls_ca": True, **given})) as run:
        assert run.read(1) == [b"secret"]


@pytest.mark.parametrize(
    ("listener", "given", "said"),
    [
        ("SSL", {"tls": True}, "the certificate of .* is not trusted: self.signed certificate\n.*`tls_ca`"),
        ("ELSEWHERE", {"tls_ca": True}, "is not valid for '127.0.0.1'.*\n.*`bootstrap` has the name"),
        ("SSL", {}, "speaks TLS.*\n.*`tls = true`"),
        ("PLAINTEXT", {"tls": True}, "does not speak TLS.*\n.*remove `tls`"),
        ("MUTUAL", {"tls_ca": True}, "wants a certificate.*\n.*`tls_cert` and `tls_key`"),
        ("MUTUAL", {"tls_ca": True, "tls_cert": "stranger.pem"}, "refuses .*`tls_cert` .*stranger.pem.*\n.*signed it"),
        ("MUTUAL", {"tls_ca": True, "tls_cert": "expired.pem"}, "refuses .*`tls_cert` .*expired.pem.*\n.*not expired"),
    ],
)
def test_tls_that_does_not_fit_is_said(
    secured: Topics, listener: str, given: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(consumer.OVERRIDES, "bootstrap_timeout_ms", 1000)
    error = failure(secured.broker, "t", **access(secured.broker, listener, given))
    assert isinstance(error, ConfigError)
    assert re.search(said, str(error)), str(error)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({**LOCKED, "tls_key_password": "wrong"}, "`tls_key_password` opens"),
        (LOCKED, "`tls_key_password` opens"),
        (LOCKED | {"tls_key": "expired.key"}, "`tls_cert` .* `tls_key` cannot be used.*\n.* belong together"),
        ({"tls_cert": "worker.crt"}, "`tls_cert` .* `tls_key` cannot be used"),
    ],
)
def test_a_key_that_does_not_open_is_said_and_nobody_is_asked_for_its_password(
    secured: Topics, given: dict[str, Any], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    error = failure(secured.broker, "t", **access(secured.broker, "MUTUAL", given))
    assert isinstance(error, ConfigError)
    assert re.search(said, str(error)), str(error)
    assert "pass phrase" not in "".join(capfd.readouterr())


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    no_pem = tmp_path / "ca.pem"
    no_pem.write_text("not a certificate")
    for path, said in ((tmp_path / "missing.pem", "`tls_ca` .* no such file"), (no_pem, "`tls_ca` .*ca.pem cannot")):
        with pytest.raises(ConfigError, match=said):
            check_files(ConnectionConfig.model_validate({"bootstrap": "a:1", "tls_ca": path}))


class _HangsUp(socketserver.BaseRequestHandler):
    """Takes a connection, and ends it."""


@pytest.mark.slow
def test_a_port_that_hangs_up_for_a_while_ends_nothing_that_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_watch, "PATIENCE_S", 0.5)
    with own_broker(secure=True) as own, contextlib.closing(Topics(own)) as topics:
        topic, (host, port) = topics.create(), own.listeners["SSL"].split(":")
        topics.send(topic, [b"before"])
        with capture_logs() as said, reading(own, topic, **access(own, "SSL", {"tls_ca": True})) as run:
            run.read(1)
            own.kill()
            with socketserver.TCPServer((host, int(port)), _HangsUp) as rude:
                threading.Thread(target=rude.serve_forever, daemon=True).start()
                run.until(lambda: any("does not speak TLS" in entry["event"] for entry in said))
                rude.shutdown()
            own.start()
            topics.send(topic, [b"after"])
            assert run.read(2) == [b"before", b"after"]
