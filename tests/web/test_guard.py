"""Who may ask what over HTTP, tried over a real socket."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from logwatch.config.http import Address
from logwatch.web.app import application
from logwatch.web.asking import Asking
from logwatch.web.guard import MOST_BYTES, Guard
from logwatch.web.health import Health
from logwatch.web.limits import RateLimit
from logwatch.web.login import login
from logwatch.web.pages import pages
from logwatch.web.server import Server, bind
from logwatch.web.sessions import Sessions
from tests.waiting import outcome

TOKEN = "0123456789abcdef" * 2  # of the test alone


class Web:
    """A server on a free port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        to = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(body).encode() if body is not None else None
        if data is not None:
            sent["content-type"] = "application/json"
        to.request(method, path, data, sent)
        answer = to.getresponse()
        text = answer.read()
        to.close()
        told = {name.lower(): value for name, value in answer.getheaders()}
        kind = told.get("content-type", "")
        return answer.status, told, json.loads(text) if kind.startswith("application/json") else text.decode()


@contextmanager
def served(token: str | None = TOKEN, rate: RateLimit | None = None, waiting: str = "") -> Iterator[Web]:
    sessions = Sessions(SecretStr(token) if token else None)
    app = application(Health(lambda: 0.0, lambda: waiting), [login(sessions, secure=False), pages()])

    @app.get("/api/v1/read")
    def read() -> dict[str, int]:
        return {"read": 1}

    @app.post("/api/v1/write")
    def write(given: dict[str, Any]) -> dict[str, int]:
        return {"written": len(given)}

    bound = bind(Address("127.0.0.1", 0))
    guard = Guard(app, sessions, bound.address, ("logs.example",), rate=rate)
    server = Server([(bound, guard, None)])
    server.start()
    try:
        yield Web(bound.address.port)
    finally:
        server.close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with served(rate=RateLimit(1000, 10_000)) as one:
        yield one


@pytest.fixture(scope="module")
def open_web() -> Iterator[Web]:
    with served(token=None, rate=RateLimit(1000, 10_000)) as one:
        yield one


BEARER = f"Bearer {TOKEN}"


def test_with_a_token_set_reads_need_it_too(web: Web) -> None:
    status, headers, body = web.ask("GET", "/api/v1/read")
    assert (status, headers["www-authenticate"][:6]) == (401, "Bearer")
    assert "hint" in body
    assert web.ask("GET", "/api/v1/read", authorization=BEARER)[0] == 200
    assert web.ask("GET", "/metrics")[0] == 401


def test_without_a_token_everybody_here_reads_and_nobody_writes(open_web: Web) -> None:
    assert open_web.ask("GET", "/api/v1/read")[0] == 200
    status, _, body = open_web.ask("POST", "/api/v1/write", {})
    assert status == 403
    assert "token_file" in body["hint"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login"])
def test_health_and_login_need_no_token(web: Web, path: str) -> None:
    assert web.ask("GET", path)[0] == 200


def test_a_daemon_that_is_not_ready_says_why() -> None:
    with served(waiting="no broker answers") as one:
        status, _, body = one.ask("GET", "/readyz")
        assert status == 503
        assert "no broker answers" in body["error"]
        assert one.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    "given", ["Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xe9"]
)
def test_what_is_not_the_token_is_refused(given: str) -> None:
    with served() as one:
        assert one.ask("GET", "/api/v1/read", authorization=given)[0] == 401


def test_guessing_tokens_is_slowed_down() -> None:
    with served() as one:
        tries = [one.ask("GET", "/api/v1/read", authorization=f"Bearer guess{n}")[0] for n in range(12)]
        assert tries == [401] * 10 + [429] * 2
        assert one.ask("GET", "/api/v1/read", authorization=BEARER)[0] == 200, "who knows it comes in all the same"


def test_the_cookie_of_a_login_reads_and_writes_from_our_own_page_alone(web: Web) -> None:
    status, headers, _ = web.ask("POST", "/login", {"token": TOKEN})
    cookie = headers["set-cookie"]
    assert status == 204
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    mine = cookie.partition(";")[0]
    assert web.ask("GET", "/api/v1/read", cookie=mine)[0] == 200
    here = f"http://127.0.0.1:{web.port}"
    assert web.ask("POST", "/api/v1/write", {"a": 1}, cookie=mine, origin=here)[0] == 200
    assert web.ask("POST", "/api/v1/write", {"a": 1}, cookie=mine)[0] == 403
    for origin in (
        "http://evil.example",
        "null",
        f"http://127.0.0.1:{web.port + 1}",
        f"https://x@127.0.0.1.evil:{web.port}",
    ):
        assert web.ask("POST", "/api/v1/write", {"a": 1}, cookie=mine, origin=origin)[0] == 403, origin
    assert web.ask("POST", "/logout", cookie=mine, origin=here)[0] == 204
    assert web.ask("GET", "/api/v1/read", cookie=mine)[0] == 401


def test_a_wrong_login_gives_no_cookie_and_is_slowed_down() -> None:
    with served() as one:
        answers = [one.ask("POST", "/login", {"token": "guess"}) for _ in range(12)]
        assert [status for status, _, _ in answers] == [401] * 10 + [429] * 2
        assert not any("set-cookie" in headers for _, headers, _ in answers)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil:80", "[::2]:1", "\xe4"])
def test_another_hosts_name_is_refused(web: Web, host: str) -> None:
    assert web.ask("GET", "/healthz", host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost:1", "LOCALHOST", "127.0.0.1:8711", "[::1]:8711", "logs.example:443"])
def test_our_own_names_are_taken(web: Web, host: str) -> None:
    assert web.ask("GET", "/healthz", host=host)[0] == 200


@pytest.mark.parametrize("query", ["token=x", "a=1&Access_Token=", "api_key=1", "password"])
def test_a_secret_in_a_url_is_refused(web: Web, query: str) -> None:
    assert web.ask("GET", f"/api/v1/read?{query}", authorization=BEARER)[0] == 400


def test_what_is_too_long_is_refused(web: Web) -> None:
    assert web.ask("POST", "/api/v1/write", {"a": "x" * MOST_BYTES}, authorization=BEARER)[0] == 413
    assert web.ask("GET", "/api/v1/read?a=" + "x" * 5000, authorization=BEARER)[0] == 414


def test_a_body_without_a_length_is_bounded_too(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as to:
        to.sendall(
            f"POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BEARER}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        try:
            for _ in range(40):
                to.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
            to.sendall(b"0\r\n\r\n")
            answer = to.recv(4096)
        except ConnectionError:
            return
    assert b" 200 " not in answer.partition(b"\r\n")[0]


def test_one_peer_cannot_ask_without_end() -> None:
    with served(rate=RateLimit(0.1, 5)) as one:
        assert [one.ask("GET", "/healthz")[0] for _ in range(7)] == [200] * 5 + [429] * 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/no/such%0d%0aroute", 404), ("DELETE", "/api/v1/read", 405), ("POST", "/api/v1/write", 400)],
)
def test_what_is_no_request_of_ours_is_told_in_one_form(web: Web, method: str, path: str, status: int) -> None:
    got, _, body = web.ask(method, path, authorization=BEARER)
    assert got == status
    assert set(body) <= {"error", "hint"}
    assert body["error"]


def test_malformed_json_is_a_bad_request(web: Web) -> None:
    to = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    to.request("POST", "/api/v1/write", b"{", {"content-type": "application/json", "authorization": BEARER})
    assert to.getresponse().status == 400


def test_every_answer_forbids_foreign_content(web: Web) -> None:
    for path in ("/healthz", "/", "/nope", "/login"):
        _, headers, _ = web.ask("GET", path, authorization=BEARER)
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_answers_of_the_loop_are_shared_and_bounded() -> None:
    asking, asked = Asking(), []

    async def many() -> list[Any]:
        waits = [asyncio.create_task(asking.recent("status", 1.0)) for _ in range(50)]
        await asyncio.sleep(0)
        asking.serve({"status": lambda request: asked.append(request) or {"n": len(asked)}})
        return await asyncio.gather(*waits)

    assert outcome(many()) == [{"n": 1}] * 50
