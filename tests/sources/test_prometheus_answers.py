"""What targets may answer, and what of it is an exposition: bounded, never led elsewhere, secrets kept."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from logwatch.clock import SystemClock
from logwatch.errors import ConfigError
from logwatch.sources.prometheus import Scrape, instance_of
from logwatch.sources.prometheus_config import PrometheusConfig
from logwatch.sources.prometheus_fetch import Fetch, ScrapeFailed
from logwatch.telemetry import configure_log
from tests.sources.exposing import TEXT, Answer, Exposing, Handler, exposing

BODY = b"jobs 1\n"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
def server() -> Iterator[Exposing]:
    with exposing() as running:
        yield running


def fetch(url: str, **config: Any) -> bytes:
    settings = PrometheusConfig(urls=[url], **config)
    return Fetch(settings, settings.urls[0]).get()


def moved(to: str, status: int = 302) -> Answer:
    return lambda handler: handler.say(b"", status=status, Location=to)


def test_it_asks_for_what_it_can_read(server: Exposing) -> None:
    fetch(server.url("/metrics?job=a"), interval=5)
    path, headers = server.seen[0]
    assert path == "/metrics?job=a"
    assert "openmetrics" in headers["Accept"]
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["X-Prometheus-Scrape-Timeout-Seconds"] == "5"
    assert "Authorization" not in headers


def test_an_answer_comes_whole_packed_or_not_with_a_length_or_in_chunks_or_to_the_end(server: Exposing) -> None:
    body = b"".join(b'jobs{n="%d"} %d\n' % (n, n) for n in range(20_000))

    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for at in range(0, len(body), 50_000):
            part = body[at : at + 50_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")

    def to_the_end(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        handler.close_connection = True

    server.answers |= {
        "/plain": lambda handler: handler.say(body),
        "/gzip": lambda handler: handler.say(gzip.compress(body), Content_Encoding="gzip"),
        "/chunked": chunked,
        "/end": to_the_end,
    }
    for path in ("/plain", "/gzip", "/chunked", "/end"):
        assert fetch(server.url(path)) == body, path


def cut_short(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\njobs 1\n")
    handler.close_connection = True


def drip(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b"#")
        handler.wfile.flush()


def drip_a_head(handler: Handler) -> None:
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b"HTTP/1.1 200 O"[:1])
        handler.wfile.flush()


WRONG: dict[str, tuple[Answer, str]] = {
    "an error": (lambda handler: handler.say(BODY, status=500), "status 500"),
    "login wanted": (lambda handler: handler.say(BODY, status=401), "status 401"),
    "nothing": (lambda handler: handler.say(b"", status=204), "status 204"),
    "a page": (lambda handler: handler.say(b"<html>", "text/html"), "no exposition"),
    "a page that says text": (lambda handler: handler.say(b"\n<!DOCTYPE html>"), "a page"),
    "JSON": (lambda handler: handler.say(b"{}", "application/json"), "no exposition"),
    "protobuf": (lambda handler: handler.say(b"\1", "application/vnd.google.protobuf"), "no exposition"),
    "another packing": (lambda handler: handler.say(BODY, Content_Encoding="br"), "not asked for"),
    "no gzip": (lambda handler: handler.say(BODY, Content_Encoding="gzip"), "cannot be read"),
    "half a gzip": (lambda handler: handler.say(gzip.compress(BODY)[:-4], Content_Encoding="gzip"), "cut off"),
    "half an answer": (cut_short, "cut off"),
    "OpenMetrics without an end": (lambda handler: handler.say(BODY, OPENMETRICS), "cut off"),
    "too much": (lambda handler: handler.say(b"#" * 100_001), "max_bytes"),
    "a bomb": (lambda handler: handler.say(gzip.compress(b"#" * 2_000_000), Content_Encoding="gzip"), "max_bytes"),
    "a drip": (drip, "within"),
    "a head that drips": (drip_a_head, "within"),
    "no answer": (lambda handler: handler.server.over.wait(20), "within"),
    "not HTTP": (lambda handler: handler.wfile.write(b"hello\r\n"), "cannot be read"),
    "circles": (moved("/wrong"), "redirects"),
    "a move to nowhere": (lambda handler: handler.say(b"", status=301), "redirected"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_exposition_is_a_failed_scrape(server: Exposing, what: str) -> None:
    server.answers["/wrong"], reason = WRONG[what]
    with pytest.raises(ScrapeFailed, match=reason):
        fetch(server.url("/wrong"), timeout=0.4, max_bytes=100_000)


def test_redirects_are_followed_on_the_same_host(server: Exposing) -> None:
    server.answers |= {"/old": moved("/older", 301), "/older": moved(server.url("/new"), 307)}
    server.answers["/new"] = lambda handler: handler.say(BODY)
    assert fetch(server.url("/old")) == BODY


def test_redirects_lead_nowhere_else_and_take_no_token_there(server: Exposing, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("s3cret\n")
    with exposing() as other:
        port = other.server_address[1]
        for place in (
            other.url(),
            f"http://localhost:{port}/metrics",
            f"//127.0.0.1:{port}/x",
            "https://127.0.0.1/",
            "file:///etc/passwd",
        ):
            server.answers["/away"] = moved(place)
            with pytest.raises(ScrapeFailed, match="redirected"):
                fetch(server.url("/away"), token_file=token)
        assert other.seen == []


def test_a_token_is_read_again_at_each_scrape(server: Exposing, tmp_path: Path) -> None:
    token = tmp_path / "token"
    config = PrometheusConfig(urls=[server.url()], token_file=token)
    fetching = Fetch(config, config.urls[0])
    for text in ("first\n", "second"):
        token.write_text(text)
        fetching.get()
        assert server.seen[-1][1]["Authorization"] == f"Bearer {text.strip()}"
    for wrong in ("", "two\nlines", "n\u00f6"):
        token.write_text(wrong)
        with pytest.raises(ScrapeFailed, match="holds no token"):
            fetching.get()
    token.unlink()
    with pytest.raises(ScrapeFailed, match="`token_file` cannot be read: no such file"):
        fetching.get()


def test_a_password_is_sent_and_never_shown(server: Exposing, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.touch(0o600)
    secret.write_text("hunter2\n")
    config = PrometheusConfig.model_validate(
        {"urls": [server.url()], "username": "me", "password": {"file": str(secret)}}
    )
    Fetch(config, config.urls[0]).get()
    assert server.seen[-1][1]["Authorization"] == "Basic " + b64encode(b"me:hunter2").decode()
    assert "hunter2" not in repr(config) + config.model_dump_json()


def test_a_target_that_fails_is_told_once_and_when_it_is_back_and_no_secret_with_it(
    server: Exposing, tmp_path: Path
) -> None:
    said, token = io.StringIO(), tmp_path / "token"
    token.touch(0o600)
    token.write_text("s3cret")
    configure_log("logfmt", stream=said)
    server.answers["/app"] = lambda handler: handler.say(b"s3cret in an error", status=503)
    config = PrometheusConfig(urls=[server.url("/app")], token_file=token)
    scrape = Scrape(Fetch(config, config.urls[0]), instance_of(config.urls[0]), SystemClock())
    for _ in range(3):
        assert scrape.read(1) == b"# logwatchd scrape 1\n# TYPE up gauge\nup 0"
    server.answers["/app"] = lambda handler: handler.say(BODY)
    for _ in range(2):
        assert b"\njobs 1\n# TYPE up gauge\nup 1\n" in scrape.read(2)
    told = said.getvalue().splitlines()
    assert len(told) == 2
    assert "status 503" in told[0]
    assert "again" in told[1]
    assert "s3cret" not in said.getvalue()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"urls": []}, "at least 1"),
        ({"urls": ["app:8080"]}, "no target"),
        ({"urls": ["ftp://app/"]}, "no target"),
        ({"urls": ["http://"]}, "no target"),
        ({"urls": ["http://app:99999/"]}, "no URL"),
        ({"urls": ["http://me:hunter2@app/"]}, "holds a user"),
        ({"urls": ["http://app/a b"]}, "no URL"),
        ({"urls": ["http://app", "http://app/metrics"]}, "given twice"),
        ({"urls": ["http://app"], "username": "me"}, "go together"),
        ({"urls": ["http://app"], "username": "a:b", "password": "x"}, "pattern"),
        ({"urls": ["http://app"], "username": "me", "password": "x", "token_file": "t"}, "one way to log in"),
        ({"urls": ["http://app"], "tls_key": "k"}, "`tls_cert`"),
        ({"urls": ["http://app"], "interval": "10ms"}, "greater than or equal"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PrometheusConfig.model_validate(options)
    text = str(refused.value.errors(include_input=False, include_url=False))
    assert said in text
    assert "hunter2" not in text


def test_one_url_needs_no_list_and_no_path() -> None:
    assert PrometheusConfig.model_validate({"urls": "http://app:80"}).urls == ["http://app:80/metrics"]


def test_instances_are_host_port_path_and_query() -> None:
    assert instance_of("https://app/probe?target=a") == "app:443/probe?target=a"
    assert instance_of("http://[::1]:9100/metrics") == "[::1]:9100/metrics"


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key."""
    both, key = tmp_path / "both.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(both)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    both.write_bytes(both.read_bytes() + key.read_bytes())
    return both


@needs_openssl
def test_tls_trusts_what_it_is_told_to(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with exposing(context) as server:
        server.answers["/jobs"] = lambda handler: handler.say(BODY)
        assert fetch(server.url("/jobs"), tls_ca=certificate) == BODY
        assert fetch(server.url("/jobs"), tls_verify=False) == BODY
        assert len(server.seen) == 2
        with pytest.raises(ScrapeFailed, match="certificate is refused"):
            fetch(server.url("/jobs"))
        with pytest.raises(ScrapeFailed, match="certificate is refused"):
            fetch(server.url("/jobs").replace("127.0.0.1", "localhost"), tls_ca=certificate)
        server.answers["/drip"] = drip
        with pytest.raises(ScrapeFailed, match="within"):
            fetch(server.url("/drip"), tls_ca=certificate, timeout=0.4)


def test_certificates_that_cannot_be_read_are_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        fetch("https://127.0.0.1:1/", tls_ca=tmp_path / "missing.pem")
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ConfigError, match="certificate or key"):
        fetch("https://127.0.0.1:1/", tls_ca=tmp_path / "empty.pem")


def test_proxies_of_the_environment_are_not_asked(server: Exposing, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/jobs"] = lambda handler: handler.say(BODY, TEXT)
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:1")
    assert fetch(server.url("/jobs")) == BODY
