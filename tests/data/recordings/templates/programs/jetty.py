"""Jetty: an embedded site with sessions, a login, HTTP/2 and web sockets, and clients of every manner."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import ClassVar

from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.jvm import JavaProgram, compiled, java, logback
from tests.data.recordings.templates.recording import main

VERSION = "12.0.16"
NAME = f"jetty-{VERSION}"
JARS = (
    f"org.eclipse.jetty.ee10:jetty-ee10-servlet:{VERSION}",
    f"org.eclipse.jetty.ee10.websocket:jetty-ee10-websocket-jetty-server:{VERSION}",
    f"org.eclipse.jetty.http2:jetty-http2-server:{VERSION}",
    "ch.qos.logback:logback-classic:1.5.12",
)
PATTERN = "%d{yyyy-MM-dd HH:mm:ss.SSS}:%-5p:%logger{0}:%thread: %m%n"
PORT = 8080
PAGES = (
    *(
        "/shop/index.html",
        "/shop/large.txt",
        "/shop/nothing.html",
        "/shop/",
        "/shop/../etc/passwd",
        "/shop/%2e%2e/x",
        "/",
        "/admin/x",
    ),
    *(
        f"/shop/page/{kind}/7"
        for kind in ("session", "end", "fail", "checked", "error", "redirect", "large", "async", "late", "closed")
    ),
    *(
        "/shop/page/private/1",
        "/shop/page/slow/1",
        "/shop/page/a%zz",
        "/shop/page/;x=1",
        "*",
        "/shop/broken",
        "/shop/page/x?a=1&b=%",
    ),
)
HEADERS = (
    "",
    "Accept-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "Cookie: JSESSIONID=node0abcdef; broken=\x01\r\n",
    f"Authorization: Basic {base64.b64encode(b'ann:secret').decode()}\r\n",
    f"Authorization: Basic {base64.b64encode(b'bob:wrong').decode()}\r\n",
    "Authorization: Magic x\r\n",
    "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT\r\n",
    "Range: bytes=5-2\r\n",
    "Expect: 100-continue\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 12\r\n",
    "Content-Length: twelve\r\n",
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "X-Large: " + "x" * 4000 + "\r\n",
    "No-Colon\r\n",
)
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x00\x00\x00",
    b"POST /shop/page/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nshort",
    b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000") + b"\xff" * 20,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000 00000806000000000000000000000000ff"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + bytes.fromhex("000000040000000000 000003010500000001828684 0000080700000000000000000000000001"),
)
UPGRADE = (
    "GET /shop/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: {version}\r\n\r\n"
)
MISTAKES = ("threads", "servlet", "login", "path", "mapping", "port")


class Jetty(JavaProgram):
    """A site on port 8080."""

    name: ClassVar[str] = "jetty"
    folder, jars, release = NAME, JARS, VERSION
    title = "Eclipse Jetty"
    language = "Java"
    half = "held_out"
    how = (
        "logback, an embedded site with static files, servlets, sessions, a login, gzip, HTTP/2 and web sockets, INFO "
        "and DEBUG in turn; failing pages, broken requests, slow and leaving clients, floods, restarts, mistakes"
    )
    header = r"\S+ \S+?:(?P<level>[A-Z]+) *:[\w$.]*:[^:]*: "
    same = (r"Received \S+Frame@.* on HTTP2.*",)

    def activities(self) -> Sequence[Activity]:
        """Visitors, chatters, strangers, people who leave, floods."""
        return (
            Activity(self._visit, every=0.5, threads=2),
            Activity(self._chat, every=2.0),
            Activity(self._stranger, every=1.5),
            Activity(self._leave, every=2.5),
            Activity(self._flood, every=25.0),
        )

    def drive(self) -> None:
        """INFO and DEBUG in turn with restarts, kills and freezes; then mistaken starts."""
        self.classpath = compiled(NAME, self.home, "JettySite")
        site = self.home / "site"
        site.mkdir()
        (site / "index.html").write_text("<h1>Shop</h1>")
        (site / "large.txt").write_text("line of text\n" * 40_000)
        logback(self.home, PATTERN, "INFO")
        self._site()
        self.run_clients(Pace(self.rng("pace"), 300))
        for level in ("DEBUG", "INFO", "DEBUG", "INFO"):
            logback(self.home, PATTERN, level)
            self.over.wait(25 if level == "INFO" else 12)
            self.server.send_signal(signal.SIGSTOP)
            self.over.wait(2)
            self.server.send_signal(signal.SIGCONT)
            self.over.wait(3)
            self.server.send_signal(signal.SIGTERM if level == "DEBUG" else signal.SIGKILL)
            self.server.wait(30)
            self._site()
        for mistake in MISTAKES:
            logback(self.home, PATTERN, "DEBUG" if mistake in ("login", "mapping") else "INFO")
            self.server.terminate()
            self.server.wait(30)
            self._site(mistake)
        self.over.set()

    def _site(self, mistake: str = "") -> None:
        port = 99999 if mistake == "port" else PORT
        argv = java(self.classpath, "JettySite", self.home / "site", port, mistake)
        with self.raw().open("ab") as log:
            self.server: subprocess.Popen[bytes] = self.spawn(argv, cwd=self.home, stdout=log, stderr=log)
        self.over.wait(6)

    def _connect(self) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", PORT), 2)
        peer.settimeout(1.5)
        return peer

    def _visit(self, rng: Random) -> None:
        with self._connect() as peer:
            for _ in range(rng.randint(1, 6)):
                method = rng.choice(("GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "BREW"))
                headers = "".join(rng.sample(HEADERS, rng.randint(0, 2)))
                version = rng.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"))
                body = "3\r\nabc\r\n0\r\n\r\n" if "chunked" in headers else ""
                peer.sendall(
                    f"{method} {rng.choice(PAGES)} {version}\r\nHost: localhost\r\n{headers}\r\n{body}".encode()
                )
                with suppress(TimeoutError):
                    if not peer.recv(65536):
                        return
                time.sleep(rng.choice((0.01, 0.1, 1.7)))

    def _chat(self, rng: Random) -> None:
        with self._connect() as peer:
            peer.sendall(UPGRADE.format(version=rng.choice((13, 13, 13, 7))).encode())
            peer.recv(1000)
            for _ in range(rng.randint(1, 4)):
                text = rng.choice((b"hello", b"fail now", b"x" * 120))
                mask = os.urandom(4)
                masked = bytes(c ^ mask[n % 4] for n, c in enumerate(text))
                first = rng.choice((0x81, 0x81, 0x81, 0x89, 0x88, 0x83, 0xF1))
                peer.sendall(bytes([first, 0x80 | len(text)]) + mask + masked)
                peer.recv(1000)

    def _stranger(self, rng: Random) -> None:
        with self._connect() as peer:
            peer.sendall(rng.choice(GARBAGE))
            peer.recv(1000)

    def _leave(self, rng: Random) -> None:
        with self._connect() as peer:
            page = rng.choice(("/shop/large.txt", "/shop/page/large/1", "/shop/page/slow/1", "/shop/page/async/1"))
            peer.sendall(f"GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            time.sleep(rng.choice((0, 0.1)))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    def _flood(self, rng: Random) -> None:
        peers = [self._connect() for _ in range(rng.randint(30, 60))]
        for peer in peers:
            peer.sendall(b"GET /shop/page/slow/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2)
        for peer in peers:
            peer.close()


if __name__ == "__main__":
    assert __spec__
    main(Jetty, __spec__.name)
