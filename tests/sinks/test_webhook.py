"""The webhook: the alert as JSON, signed, one request each, the same id whenever it comes again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from logwatch.config import ConfigProblems
from logwatch.errors import DeliveryError, RefusedError
from logwatch.plugins import check
from logwatch.sinks.webhook import WebhookSink
from logwatch.sinks.webhook_config import WebhookConfig
from logwatch.testing import ManualClock, sample_alert
from logwatch.types import Line
from tests.sinks.web_server import OK, WebServer, answer, hang, serving


def sink(server: WebServer, **config: Any) -> WebhookSink:
    return WebhookSink(WebhookConfig(**{"url": server.url, "timeout": 5.0} | config), ManualClock())


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_each_alert_is_a_request_with_the_alert_as_json() -> None:
    with serving() as server:
        sink(server).deliver([sample_alert(1), sample_alert(2)])
    assert [json.loads(body)["id"] for body in server.bodies] == [f"{n:064x}" for n in (1, 2)]
    assert [request.headers["webhook-id"] for request in server.requests] == [f"{n:064x}" for n in (1, 2)]
    assert server.requests[0].headers["content-type"] == "application/json"


def test_a_request_is_signed_over_its_id_its_time_and_its_body(tmp_path: Path) -> None:
    secret = private(tmp_path / "secret", "s3cret-of-the-hook\n")
    with serving() as server:
        hook = sink(server, secret_file=secret)
        hook.deliver([sample_alert(1)])
        secret.write_text("whsec_" + base64.b64encode(b"another").decode())
        hook.deliver([sample_alert(1)])
    for request, key in zip(server.requests, (b"s3cret-of-the-hook", b"another"), strict=True):
        headers = request.headers
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert headers["webhook-timestamp"] == "1700000000"


def test_without_a_secret_nothing_is_signed() -> None:
    with serving() as server:
        sink(server).deliver([sample_alert(1)])
    assert "webhook-signature" not in server.requests[0].headers


def test_a_secret_that_went_away_is_an_error_that_passes(tmp_path: Path) -> None:
    secret = private(tmp_path / "secret", "x")
    with serving() as server:
        hook = sink(server, secret_file=secret)
        secret.unlink()
        with pytest.raises(DeliveryError, match="secret_file"):
            hook.deliver([sample_alert(1)])
    assert server.requests == []


def test_further_headers_are_sent_and_shown_nowhere() -> None:
    with serving() as server:
        config = WebhookConfig(url=server.url, headers={"X-Key": "very-secret"})
        WebhookSink(config, ManualClock()).deliver([sample_alert(1)])
    assert server.requests[0].headers["x-key"] == "very-secret"
    assert "very-secret" not in repr(config) + str(config) + config.model_dump_json()


def test_a_failure_says_how_many_arrived_before_it() -> None:
    alerts = [sample_alert(n) for n in range(4)]
    with serving(OK, OK, answer(500), OK) as server, pytest.raises(DeliveryError) as told:
        sink(server).deliver(alerts)
    assert told.value.delivered == 2
    assert len(server.requests) == 3
    with serving(OK, answer(400)) as server, pytest.raises(RefusedError) as refused:
        sink(server).deliver(alerts)
    assert refused.value.delivered == 1


def test_a_close_ends_a_request_in_progress() -> None:
    import threading
    import time

    with serving(hang) as server:
        hook = sink(server, timeout=60.0)
        errors: list[Exception] = []

        def deliver() -> None:
            try:
                hook.deliver([sample_alert(1)])
            except DeliveryError as error:
                errors.append(error)

        thread = threading.Thread(target=deliver)
        thread.start()
        while not server.requests:
            time.sleep(0.01)
        hook.close()
        hook.close()
        thread.join(10)
        assert not thread.is_alive()
        assert len(errors) == 1


def test_a_template_writes_the_body() -> None:
    text = '{"text": {{ headline }}, "lines": {{ alert.lines | map(attribute="text") | list }}}'
    with serving() as server:
        sink(server, template=text).deliver([sample_alert(1, lines=(Line('quote " and\nline', 0, 0),))])
    assert json.loads(server.bodies[0])["lines"] == ['quote " and\nline']
    assert json.loads(server.bodies[0])["text"].startswith("A kind of line")


def test_a_template_of_plain_text_shows_control_characters_as_escapes(tmp_path: Path) -> None:
    file = tmp_path / "body.j2"
    file.write_text("{{ alert.source }}: {{ alert.detail }}\n")
    with serving() as server:
        hook = sink(server, template_file=file, content_type="text/plain; charset=utf-8")
        hook.deliver([sample_alert(1, source="a\nb", detail="\x1b[31mred \u202e {{ 7 * 7 }}")])
    assert server.bodies == [b"a\\nb: \\x1b[31mred \\u202e {{ 7 * 7 }}\n"]
    assert server.requests[0].headers["content-type"] == "text/plain; charset=utf-8"


CASES = {
    "url": ('url = "htp://host/SECRET"', "url: is no URL of http or https"),
    "no host": ('url = "http:///SECRET"', "url: is no URL"),
    "port": ('url = "http://host:port/SECRET"', "url: is no URL"),
    "login in the URL": ('url = "https://me:SECRET@host/"', "url: holds a user or a password"),
    "space": ('url = "https://host/SECRET x"', "url: is no URL"),
    "missing secret": ('url = "https://host/SECRET"\nsecret_file = "DIR/none"', "secret_file: DIR/none cannot be read"),
    "secret of everybody": (
        'url = "https://host/SECRET"\nsecret_file = "DIR/open"',
        "everybody on this machine can read",
    ),
    "url of everybody": ('url = { file = "DIR/open" }', "url: everybody on this machine can read DIR/open"),
    "empty secret": ('url = "https://host/SECRET"\nsecret_file = "DIR/empty"', "DIR/empty is empty"),
    "two templates": ('url = "https://host/SECRET"\ntemplate = "1"\ntemplate_file = "DIR/number"', "there is one body"),
    "header": ('url = "https://host/SECRET"\nheaders = { "a b" = "x" }', '"a b" is no name of a header'),
    "our header": ('url = "https://host/SECRET"\nheaders = { Webhook-Id = "x" }', "is set by logwatchd"),
    "header value": ('url = "https://host/SECRET"\nheaders = { a = "x\\r\\nSECRET: 1" }', "is not one line"),
    "two logins": ('url = "https://host/SECRET"\ntoken_file = "DIR/open"\nusername = "x"', "DIR/open"),
    "kind": ('kind = "webhok"', 'unknown sink "webhok"; did you mean "webhook"?'),
    "key": ('url = "https://host/SECRET"\nsecret_fil = "x"', 'unknown key "secret_fil"; did you mean "secret_file"?'),
    "severity": ('url = "https://host/SECRET"\nseverity = "bad"', "severity: must be 'info', 'warning' or 'critical'"),
    "template": (
        'url = "https://host/SECRET"\ntemplate = "{{ alrt }}"',
        'sink[0].template: unknown name "alrt"; did you',
    ),
    "template in a file": ('url = "https://host/SECRET"\ntemplate_file = "DIR/open"', "sink[0].template_file: what it"),
    "no template": (
        'url = "https://host/SECRET"\ntemplate_file = "DIR/none"',
        "template_file: DIR/none cannot be read",
    ),
    "text without template": ('url = "https://host/SECRET"\ncontent_type = "text/plain"', "needs a `template`"),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_what_is_wrong_is_said_with_its_file_and_key_and_without_a_secret(case: str, tmp_path: Path) -> None:
    given, expected = CASES[case]
    (tmp_path / "open").write_text("text")
    (tmp_path / "open").chmod(0o644)
    private(tmp_path / "empty", "\n")
    (tmp_path / "number").write_text("2")
    file = tmp_path / "logwatchd.toml"
    kind = "" if given.startswith("kind") else 'kind = "webhook"\n'
    file.write_text(f'[[source]]\nkind = "stdin"\n[[sink]]\n{kind}{given}\n'.replace("DIR", str(tmp_path)))
    with pytest.raises(ConfigProblems) as told:
        check(file, {})
    assert expected.replace("DIR", str(tmp_path)) in str(told.value)
    assert str(told.value).startswith(f"{file}:")
    assert "sink[0]" in str(told.value)
    assert "SECRET" not in str(told.value)


def test_check_config_shows_where_a_url_leads_and_no_more(tmp_path: Path) -> None:
    config = WebhookConfig(url="https://hooks.example.org/services/T0/SECRET?key=SECRET")
    assert config.model_dump(mode="json")["url"] == "https://hooks.example.org/…"
    assert "SECRET" not in repr(config) + str(config) + config.model_dump_json()
