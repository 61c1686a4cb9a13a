"""What every request passes before anything looks at it: Host, Origin, size, rate, and who asks.

An ASGI middleware (asgi.readthedocs.io). A page of another site can make a browser send requests here, under a name
that it lets point to 127.0.0.1: so `Host` must be one of ours, and writes must come from our own `Origin`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from logwatch.config.http import Address
from logwatch.web.limits import RateLimit
from logwatch.web.refusal import Refused, refusal
from logwatch.web.sessions import COOKIE, Sessions

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 64 * 1024
"""Of a body."""

READS = {"GET", "HEAD", "OPTIONS"}
OPEN, OPEN_BELOW = {"/", "/healthz", "/readyz", "/login"}, "/page/"
"""What needs no token: it shows nothing of a log."""

HEADERS = [
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]  # fmt: skip

_SECRETS = {"token", "access_token", "api_key", "apikey", "password", "authorization"}
_COOKIE = re.compile(rf"(?:^|;\s*){COOKIE}=([A-Za-z0-9_-]{{16,128}})(?:;|$)")


class Guard:
    """Args:
    app: what answers.
    sessions: who may come in.
    listen: where; names its host.
    hosts: further names of this machine, lower case.
    rate: of one peer.
    logins: tries of one peer to log in, or to use a token.
    """

    def __init__(
        self, app: App, sessions: Sessions, listen: Address, hosts: Iterable[str] = (), *,
        rate: RateLimit | None = None, logins: RateLimit | None = None,
    ) -> None:  # fmt: skip
        self._app, self._sessions = app, sessions
        self._hosts = {"localhost", "127.0.0.1", "[::1]", *hosts}
        if listen.host not in ("", "0.0.0.0", "::"):  # noqa: S104  # compared, not bound
            self._hosts.add((f"[{listen.host}]" if ":" in listen.host else listen.host).lower())
        self._rate = rate or RateLimit(100.0, 400)
        self._logins = logins or RateLimit(0.2, 10)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")

        async def headed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                names = {name for name, _ in headers}
                message["headers"] = headers + [one for one in HEADERS if one[0] not in names]
                if b"cache-control" not in names:
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        try:
            self._check(scope)
        except Refused as error:
            await refusal(error)(scope, receive, headed)
            return
        await self._app(scope, _bounded(receive), headed)

    def _check(self, scope: Scope) -> None:
        """Raises Refused."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        peer = (scope.get("client") or ("local", 0))[0]
        wait = self._rate.wait(peer)
        if wait:
            raise Refused(429, "too many requests", "slow down", wait)
        _check_host(headers, self._hosts)
        _check_query(scope)
        _check_size(headers)
        writes = scope["method"] not in READS
        user = self._user(headers, peer)
        if writes:
            _check_origin(headers, needed=user == "session")
        scope["user"] = user
        path = scope["path"]
        if path in OPEN or path.startswith(OPEN_BELOW):
            return
        if writes and not self._sessions.guarded and path != "/logout":
            raise Refused(
                403, "nothing can be changed over HTTP without a token",
                "set token_file in [http], or use the command line on this machine",
            )  # fmt: skip
        if self._sessions.guarded and user == "nobody":
            raise Refused(401, "this needs the token", "log in at /login, or send `Authorization: Bearer TOKEN`")

    def _user(self, headers: dict[str, str], peer: str) -> str:
        """`token`, `session` or `nobody`. Raises Refused for a token that is wrong."""
        given = headers.get("authorization", "")
        if given:
            scheme, _, token = given.partition(" ")
            if scheme.lower() == "bearer" and self._sessions.is_token(token.strip()):
                return "token"
            wait = self._logins.wait(peer)
            if wait:
                raise Refused(429, "too many wrong tokens", "wait a little", wait)
            raise Refused(401, "that is not the token", "send `Authorization: Bearer TOKEN`")
        cookie = _COOKIE.search(headers.get("cookie", ""))
        return "session" if cookie and self._sessions.holds(cookie[1]) else "nobody"


def _check_host(headers: dict[str, str], hosts: set[str]) -> None:
    host = headers.get("host", "").lower()
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    if name not in hosts:
        shown = "".join(c if c.isprintable() and c.isascii() else "?" for c in name[:80])
        raise Refused(
            421, f'this daemon is not called "{shown}"', f'add it to [http] allowed_hosts: allowed_hosts = ["{shown}"]'
        )


def _check_origin(headers: dict[str, str], needed: bool) -> None:
    origin = headers.get("origin")
    if origin is None:
        if needed:
            raise Refused(403, "a write by cookie needs an Origin", "send the token instead")
        return
    if urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise Refused(403, "a page of another site may not write here")


def _check_query(scope: Scope) -> None:
    query = scope.get("query_string", b"")
    if len(query) > 4096:
        raise Refused(414, "the query is too long")
    names = {name.lower() for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)}
    if names & _SECRETS:
        raise Refused(
            400, "a secret does not belong into a URL: it ends up in logs and histories",
            "send `Authorization: Bearer TOKEN`, and make a new token",
        )  # fmt: skip


def _check_size(headers: dict[str, str]) -> None:
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise Refused(400, "Content-Length is not a number")
    if int(length) > MOST_BYTES:
        raise Refused(413, f"the body is too long: {MOST_BYTES} bytes at most")


def _bounded(receive: Receive) -> Receive:
    """A body that says nothing of its length is bounded, too: what is too long ends as if the peer had gone."""
    seen = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                return {"type": "http.disconnect"}
        return message

    return bounded
