"""What servers do to a sink that speaks HTTP: each ends within its time, says why, and never where the URL leads."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from logwatch.errors import ConfigError, DeliveryError, RefusedError
from logwatch.sinks.http import READ_MOST, HttpPost
from logwatch.sinks.http_config import HttpConfig
from logwatch.testing import ManualClock
from tests.sinks.web_server import OK, Behaviour, WebServer, answer, drip, flood, hang, raw, read, serving

PLACE = "T0000-secret-in-the-path"


def post(server: WebServer, **config: Any) -> None:
    sent(server.url, **config)


def sent(url: str, **config: Any) -> None:
    HttpPost(SecretStr(f"{url}/{PLACE}?key={PLACE}"), HttpConfig(**{"timeout": 5.0} | config), ManualClock()).post(
        b'{"a": 1}', {"Content-Type": "application/json"}
    )


def test_a_body_arrives_whole_with_what_says_who_sends_it() -> None:
    with serving() as server:
        post(server)
    (request,) = server.requests
    assert request.method == "POST"
    assert request.target == f"/{PLACE}?key={PLACE}"
    assert request.body == b'{"a": 1}'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("logwatchd/")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 451])
def test_a_refusal_is_for_good(status: int) -> None:
    with serving(answer(status, b"no")) as server, pytest.raises(RefusedError, match=str(status)):
        post(server)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599, 304])
def test_trouble_of_the_server_passes(status: int) -> None:
    with serving(answer(status)) as server, pytest.raises(DeliveryError, match=str(status)) as told:
        post(server)
    assert not isinstance(told.value, RefusedError)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120.0), (" 7 ", 7.0), ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0), ("Tue, 14 Nov 2000 22:14:20 GMT", 0.0),
     ("soon", 0.0), ("-5", 0.0), ("9" * 400, 999_999_999.0), ("١٢", 0.0), ("", 0.0)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(said: str, seconds: float) -> None:
    header = raw(b"HTTP/1.1 503 No\r\nRetry-After: " + said.encode() + b"\r\nContent-Length: 0\r\n\r\n")
    with serving(header) as server, pytest.raises(DeliveryError) as told:
        post(server)
    assert told.value.retry_after == pytest.approx(seconds)


ODD: dict[str, Behaviour] = {
    "rubbish": raw(b"\x00\xff rubbish, no HTTP\r\n\r\n"),
    "nothing": raw(b""),
    "half a status": raw(b"HTTP/1.1 20"),
    "status of letters": raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    "endless header": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200),
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_what_is_no_http_is_an_error_that_passes(kind: str) -> None:
    with serving(ODD[kind]) as server, pytest.raises(DeliveryError) as told:
        post(server)
    assert not isinstance(told.value, RefusedError)


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_a_server_that_never_ends_its_answer_is_given_up(behaviour: Behaviour) -> None:
    with serving(behaviour) as server, pytest.raises(DeliveryError, match=r"no answer within 0\.2 s"):
        post(server, timeout=0.2)


def test_of_an_answer_without_an_end_a_bounded_part_is_read() -> None:
    with serving(flood) as server:
        post(server)  # the status says it was taken


@pytest.mark.parametrize("rest", [b"Content-Length: 100\r\n\r\nhalf", b"Content-Le", b""])
def test_a_status_is_an_answer_however_early_the_rest_ends(rest: bytes) -> None:
    with serving(raw(b"HTTP/1.1 200 OK\r\n" + rest)) as server:
        post(server)


def test_a_large_refusal_is_a_refusal() -> None:
    with serving(answer(400, b"x" * (4 * READ_MOST))) as server, pytest.raises(RefusedError):
        post(server)


def test_a_port_where_nobody_listens_is_an_error_that_passes() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(DeliveryError, match="refused") as told:
        sent(url)
    assert not isinstance(told.value, RefusedError)


def test_a_redirect_on_the_same_host_is_followed_with_the_same_body() -> None:
    with serving(answer(307, Location="/elsewhere"), answer(308, Location="again?x=1"), OK) as server:
        post(server)
    assert [request.target for request in server.requests][1:] == ["/elsewhere", "/again?x=1"]
    assert server.bodies == [b'{"a": 1}'] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_or_port_is_not_followed(status: int) -> None:
    with serving() as other, serving(answer(status, Location=f"{other.url}/x")) as server, pytest.raises(DeliveryError):
        post(server)
    assert other.requests == []


def test_redirects_in_a_circle_end() -> None:
    with serving(answer(307, Location="/")) as server, pytest.raises(DeliveryError, match="redirect"):
        post(server)
    assert len(server.requests) == 4


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_no_answer_whatever_raises_anything_else(data: bytes) -> None:
    with serving(raw(b"HTTP/1.1 " + data)) as server:
        try:
            post(server)
        except DeliveryError as error:
            assert PLACE not in str(error)  # noqa: PT017  # raising is allowed, not demanded


def test_no_error_tells_where_the_url_leads_beyond_its_host() -> None:
    for behaviour in (answer(403), answer(500), answer(302, Location=f"https://x/{PLACE}"), *ODD.values(), hang):
        with serving(behaviour) as server, pytest.raises(DeliveryError) as told:
            post(server, timeout=0.3)
        assert PLACE not in repr(told.value)
        assert PLACE not in str(told.value)
        assert told.value.__cause__ is None
        assert told.value.__suppress_context__ or told.value.__context__ is None


def test_a_token_is_read_again_at_each_request(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    token.chmod(0o600)
    with serving() as server:
        sender = HttpPost(SecretStr(server.url), HttpConfig(token_file=token), ManualClock())
        sender.post(b"", {})
        token.write_text("second\n")
        sender.post(b"", {})
        for wrong in ("", "two words", "two\nlines"):
            token.write_text(wrong)
            with pytest.raises(DeliveryError, match="`token_file` holds no token"):
                sender.post(b"", {})
        token.unlink()
        with pytest.raises(DeliveryError, match="`token_file` cannot be read: no such file"):
            sender.post(b"", {})
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer first", "Bearer second"]


def test_a_login_is_sent_as_basic_authentication() -> None:
    with serving() as server:
        post(server, username="us", **{"password": "pässword"})
    assert server.requests[0].headers["authorization"] == "Basic dXM6cMOkc3N3b3Jk"


def test_a_proxy_of_the_environment_is_asked_only_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server, serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://me:word@"))
        monkeypatch.delenv("no_proxy", raising=False)
        post(server)
        assert proxy.requests == []
        post(server, proxy=True)
        assert proxy.requests[0].target == f"{server.url}/{PLACE}?key={PLACE}"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6d29yZA=="
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        post(server, proxy=True)
    assert len(server.requests) == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is missing")
    return folder


def test_tls_is_checked_against_the_certificates_that_are_named(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(tls=context) as server:
        post(server, tls_ca=certificate / "cert.pem")
        assert len(server.requests) == 1
        with pytest.raises(DeliveryError, match="certificate is refused"):
            post(server)
    assert len(server.requests) == 1


def test_tls_goes_through_a_proxy_as_a_tunnel(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    inside = []

    def tunnel(peer: socket.socket, over: threading.Event) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(peer, server_side=True) as tls:
            inside.append(read(tls))
            tls.sendall(b"HTTP/1.1 204 OK\r\n\r\n")

    with serving(tunnel) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("http://", "http://me:word@"))
        monkeypatch.delenv("no_proxy", raising=False)
        sent("https://127.0.0.1:1", tls_ca=certificate / "cert.pem", proxy=True)
    assert (proxy.requests[0].method, proxy.requests[0].target) == ("CONNECT", "127.0.0.1:1")
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6d29yZA=="
    (request,) = inside
    assert request is not None
    assert request.body == b'{"a": 1}'
    assert "proxy-authorization" not in request.headers


def test_a_server_that_hangs_behind_tls_is_given_up(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(drip, tls=context) as server, pytest.raises(DeliveryError, match="no answer within"):
        post(server, tls_ca=certificate / "cert.pem", timeout=0.3)


def test_what_is_no_certificate_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="tls_ca"):
        sent("https://127.0.0.1:1", tls_ca=tmp_path / "ca.pem")
