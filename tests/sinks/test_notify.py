"""Apprise: its `json://` service against a real server; a service that fails is tried again, the others are not."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.errors import DeliveryError
from logwatch.sinks.notify import NotifySink, harmless, title
from logwatch.sinks.notify_config import NotifyConfig
from logwatch.sinks.render import escape
from logwatch.testing import sample_alert
from logwatch.types import Line
from tests.sinks.web_server import OK, WebServer, answer, raw, serving

pytest.importorskip("apprise", reason="Apprise is not installed: pip install 'logwatchd[notify]'")


def url(server: WebServer, more: str = "") -> str:
    return f"json://127.0.0.1:{server.port}/hook-secret?rto=2&cto=2{more}"


def sink(*urls: str, **config: Any) -> NotifySink:
    return NotifySink(NotifyConfig(urls=list(urls), **config))


def test_a_notification_says_what_happened_and_how_bad_it_is() -> None:
    with serving() as server:
        here = sink(url(server))
        here.deliver([sample_alert(1, severity="critical"), sample_alert(2, state="end")])
        here.close()
    first, end = (json.loads(body) for body in server.bodies)
    assert first["title"].startswith("CRITICAL web:/var/log/app.log: A kind of line")
    assert "→ 2026-03-01 12:00:00 ERROR out of memory: killed worker 3" in first["message"]
    assert first["type"] == "failure"
    assert end["type"] == "success"


def test_a_service_that_fails_is_tried_again_and_the_others_are_not_told_twice() -> None:
    with serving() as good, serving(answer(500), OK) as bad:
        here = sink(url(good), url(bad))
        with pytest.raises(DeliveryError, match="URL 2") as told:
            here.deliver([sample_alert(1), sample_alert(2)])
        assert told.value.delivered == 0
        here.deliver([sample_alert(1), sample_alert(2)])
    assert len(good.requests) == 2
    assert len(bad.requests) == 3


@pytest.mark.parametrize("behaviour", [answer(403), answer(500), raw(b"rubbish\r\n\r\n"), raw(b"")])
def test_no_error_and_no_log_tells_a_url(
    behaviour: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), serving(behaviour) as server, pytest.raises(DeliveryError) as told:
        sink(url(server)).deliver([sample_alert(1)])
    out, err = capfd.readouterr()
    own = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "hook-secret" not in str(told.value) + out + err + "".join(own)


def test_urls_come_from_a_file_that_is_not_everybodys(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    with serving() as server:
        file.write_text(f"# ours\n\n{url(server)}\n")
        file.chmod(0o600)
        config = NotifyConfig(urls_file=file)
        NotifySink(config).deliver([sample_alert(1)])
        assert len(server.requests) == 1
    file.chmod(0o644)
    with pytest.raises(ValueError, match="everybody on this machine"):
        NotifyConfig(urls_file=file)
    file.chmod(0o600)
    file.write_text("json://127.0.0.1\nnosuch://hook-secret\n")
    with pytest.raises(ValueError, match="URL 2 is no URL that Apprise knows") as told:
        NotifyConfig(urls_file=file)
    assert "hook-secret" not in str(told.value.errors()[0]["ctx"])


@pytest.mark.parametrize("bad", ["nosuch://x", "x", "", "slack://"])
def test_a_url_that_apprise_does_not_know_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="no URL that Apprise knows"):
        sink(bad)


def test_no_url_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="neither `urls` nor `urls_file`"):
        NotifyConfig()


def test_a_configuration_shows_the_scheme_alone() -> None:
    config = NotifyConfig(urls=["slack://tokenA12/tokenB/tokenC1234567890123456789/#c"])
    assert config.model_dump(mode="json")["urls"] == ["slack://…"]
    assert "token" not in repr(config)


def test_a_long_message_is_cut() -> None:
    with serving() as server:
        sink(url(server), max_chars=200).deliver([sample_alert(1, lines=(Line("x" * 9000, 0, 0),))])
    assert len(json.loads(server.bodies[0])["message"]) <= 200


@given(st.text(st.characters()))
def test_no_log_line_acts_or_calls_people(text: str) -> None:
    said = harmless(title(sample_alert(1, source=text, detail=text)))
    assert escape(said) == said
    assert "<!" not in said


@pytest.mark.parametrize(
    "call", ["@everyone", "@here", "@channel", "@all", "<!channel>", "<@U123>", "<#C1>", "@Everyone"]
)
def test_what_would_call_a_whole_channel_does_not(call: str) -> None:
    assert call not in harmless(f"line says {call} now")
    assert harmless("mail a@b.org <b> 5 < 6 @alliance") == "mail a@b.org <b> 5 < 6 @alliance"
