"""Squid: a caching proxy before an origin that misbehaves, for clients that do too, at debug levels 2 to 5."""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import ClassVar

import psutil

from tests.data.recordings.machine import fill_disk, small_disk
from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

PLACED = re.compile(r"(?P<head>\S+ \S+?( kid\d+)?\| \d+,\d+\| )(?P<file>\S+)\((?P<line>\d+)\) (?P<text>.*)", re.DOTALL)
SETTINGS = """http_port 127.0.0.1:3128
visible_hostname bastion1
pid_filename {home}/squid.pid
cache_log {home}/raw.log
access_log stdio:{home}/access.log
cache_dir ufs {home}/cache 8 4 4
cache_mem 2 MB
maximum_object_size 1 MB
coredump_dir {home}
cache_effective_user proxy
shutdown_lifetime 1 seconds
pinger_enable off
dns_nameservers 127.0.0.1
dns_timeout 2 seconds
connect_timeout 2 seconds
read_timeout 3 seconds
request_timeout 3 seconds
client_lifetime 1 minute
negative_ttl 2 seconds
debug_options ALL,{level}
auth_param basic program /usr/lib/squid/basic_ncsa_auth {home}/passwords
auth_param basic children 2 startup=1
acl staff proxy_auth REQUIRED
acl private urlpath_regex ^/private
acl local src 127.0.0.1
acl forbidden dstdomain .forbidden.example
acl ssl_ports port 443 8443
acl CONNECT method CONNECT
acl many maxconn 12
http_access deny forbidden
http_access deny many
http_access deny CONNECT !ssl_ports
http_access allow private staff
http_access deny private
http_access allow local manager
http_access allow local
http_access deny all
cache_peer 127.0.0.1 parent 8999 0 no-query name=dead connect-timeout=1
cache_peer_access dead allow private
cache_peer_access dead deny all
refresh_pattern -i /page 0 20% 1
request_body_max_size 200 KB
reply_body_max_size 600 KB
delay_pools 1
delay_class 1 1
delay_access 1 allow all
delay_parameters 1 400000/400000
{more}
"""
MORE = (
    "acl broken nothing here",
    "http_access perhaps all",
    "cache_mem lots",
    "nothing 1",
    "cache_dir ufs /nowhere 100 16 256",
    "http_port 127.0.0.1:99999",
    "url_rewrite_program /nowhere/rewrite",
    "auth_param digest program /nowhere/digest",
    "refresh_pattern [ 0 20% 1",
)
PATHS = (
    "/page/{n}",
    "/fresh/{n}",
    "/fresh/1",
    "/fresh/2",
    "/large/{n}",
    "/huge",
    "/slow",
    "/reset",
    "/chunked/{n}",
    "/broken",
    "/redirect",
    "/missing/{n}",
    "/error",
    "/vary/{n}",
    "/private/{n}",
    "/nolength",
    "/old/1",
)
HEADERS = (
    "",
    "Cache-Control: no-cache\r\n",
    'If-None-Match: "a"\r\n',
    "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
    "Range: bytes=0-10\r\n",
    f"Proxy-Authorization: Basic {base64.b64encode(b'ann:secret').decode()}\r\n",
    f"Proxy-Authorization: Basic {base64.b64encode(b'ann:wrong').decode()}\r\n",
    "Proxy-Authorization: Digest x\r\n",
    "Connection: close\r\n",
    "Accept-Encoding: gzip\r\n",
    "Cache-Control: only-if-cached\r\n",
    "Expect: 100-continue\r\nContent-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "X-Long: " + "x" * 70_000 + "\r\n",
    "Broken Header: 1\r\n",
)
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET\r\n\r\n",
    b"GET http:// HTTP/1.1\r\n\r\n",
    b"GET http://nowhere.example/ HTTP/1.1\r\nHost: nowhere.example\r\n\r\n",
    b"GET http://forbidden.example/ HTTP/1.1\r\nHost: forbidden.example\r\n\r\n",
    b"GET ftp://127.0.0.1/x HTTP/1.1\r\n\r\n",
    b"GET gopher://127.0.0.1/x HTTP/1.1\r\n\r\n",
    b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
    b"CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n",
    b"CONNECT 127.0.0.1:8443 HTTP/1.1\r\n\r\nhello",
    b"PURGE http://127.0.0.1:8000/fresh/1 HTTP/1.1\r\n\r\n",
    b"GET http://127.0.0.1:8000/page/%zz HTTP/9.9\r\n\r\n",
    b"GET /squid-internal-mgr/info HTTP/1.1\r\nHost: bastion1:3128\r\n\r\n",
    b"GET /squid-internal-mgr/nothing HTTP/1.1\r\nHost: bastion1:3128\r\n\r\n",
    b"GET cache_object://127.0.0.1/menu HTTP/1.0\r\n\r\n",
    b"POST http://127.0.0.1:8000/page/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nshort",
)


class Origin(BaseHTTPRequestHandler):
    """The site behind the proxy."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer as the first part of the path asks."""
        kind = self.path.split("/")[1]
        if kind == "slow":
            time.sleep(4)
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if kind == "broken":
            self.wfile.write(b"HTTQ/1.1 OKAY\r\n\x00\r\n")
            self.close_connection = True
            return
        body = os.urandom({"large": 90_000, "huge": 900_000}.get(kind, 500))
        self.send_response({"redirect": 302, "missing": 404, "error": 500}.get(kind, 200))
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif kind == "nolength":
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        caching = {"fresh": "max-age=60", "page": "max-age=0", "private": "private", "old": "max-age=1"}
        self.send_header("Cache-Control", caching.get(kind, "public"))
        self.send_header("ETag", '"a"')
        self.send_header("Location", "/page/1")
        self.send_header("Vary", "Accept-Encoding" if kind == "vary" else "*" if kind == "old" else "Accept")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n" if kind == "chunked" else body)

    do_POST = do_HEAD = do_PUT = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


class Squid(TemplateProgram):
    """Squid on port 3128, the origin on 8000."""

    name: ClassVar[str] = "squid"
    client_errors: ClassVar[tuple[type[Exception], ...]] = (Exception,)
    title = "Squid"
    language = "C++"
    half = "held_out"
    how = (
        "debug levels 2, 3 and 5 (0 and 1 are printed without a place, hence not judged); a cache, accounts, limits of"
        " bandwidth, a dead parent, an origin slow, broken and resetting, full disk, killed workers, mistakes, garbage"
    )
    header = r"\S+ \S+?( kid\d+)?\| \d+,(?P<level>\d+)\| "
    wrappers: ClassVar[dict[str, str]] = {r"store_swapout\.cc:327": "its text is its place and nothing else"}

    def version(self) -> str:
        """As squid says."""
        return subprocess.check_output(["squid", "-v"], text=True).split("\n")[0].split()[-1]

    def lines(self) -> Iterator[Line]:
        """Take file and line out of each line; the function stays."""
        for row in self.raw().read_text(errors="replace").removesuffix("\n").split("\n"):
            if found := PLACED.fullmatch(row):
                text = found["text"].replace(f"{found['file']}({found['line']}) ", "")  # some tell it twice
                yield Line(found["head"] + text, f"{Path(found['file']).name}:{found['line']}")
            else:
                yield Line(row)

    def activities(self) -> Sequence[Activity]:
        """Browsers, strangers, people who leave."""
        return (
            Activity(self._browse, every=0.4, threads=2),
            Activity(self._stranger, every=1.0),
            Activity(self._leave, every=2.0),
        )

    def drive(self) -> None:
        """Levels 2, 3 and 5 in turn, with faults between them; then mistaken configurations."""
        origin = ThreadingHTTPServer(("127.0.0.1", 8000), Origin)
        threading.Thread(target=origin.serve_forever, daemon=True).start()
        (self.home / "passwords").write_text("ann:$apr1$x$7bKL7ZVvSmFAbv2LOpzLm.\n")
        small_disk(self.home / "cache", "4m")
        for path in (self.home, self.home / "cache"):
            shutil.chown(path, "proxy", "proxy")
        self._configure(2)
        self._squid("-z", "--foreground").wait(30)
        self._serve()
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, seconds in ((2, 20), (3, 12), (5, 5), (2, 15), (5, 5), (3, 12)):
            self._configure(level)
            self._tell("reconfigure")
            self.over.wait(seconds)
            self._kill(helpers=level == 5)
            self.over.wait(4)
            self._tell("rotate")
            if self.server.poll() is not None:
                self._serve()
        filler = fill_disk(self.home / "cache")
        self.over.wait(15)
        filler.unlink()
        self.over.set()
        self._tell("shutdown")
        self.server.wait(20)
        for more in MORE:
            self._configure(3, more)
            self._serve()
            self._tell("shutdown")
            with suppress(subprocess.TimeoutExpired):
                self.server.wait(8)
            self.server.kill()

    def _configure(self, level: int, more: str = "") -> None:
        (self.home / "squid.conf").write_text(SETTINGS.format(home=self.home, level=level, more=more))

    def _squid(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self.spawn(["squid", "-f", self.home / "squid.conf", *arguments], stdout=-3, stderr=-3, cwd=self.home)

    def _serve(self) -> None:
        self.server = self._squid("--foreground")
        time.sleep(4)

    def _tell(self, what: str) -> None:
        self._squid("-k", what).wait(20)

    def _kill(self, helpers: bool) -> None:
        for child in psutil.Process(self.server.pid).children(recursive=True):
            with suppress(psutil.Error):
                if ("ncsa" in " ".join(child.cmdline())) == helpers:
                    child.kill()
                    return

    def _connect(self) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", 3128), 2)
        peer.settimeout(2)
        return peer

    def _browse(self, rng: Random) -> None:
        with self._connect() as peer:
            for _ in range(rng.randint(1, 6)):
                method = rng.choice(("GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "BREW"))
                headers = "".join(rng.sample(HEADERS, rng.randint(0, 2)))
                url = f"http://127.0.0.1:8000{rng.choice(PATHS).format(n=rng.randrange(40))}"
                peer.sendall(f"{method} {url} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n{headers}\r\n".encode())
                if not peer.recv(200_000):
                    return

    def _stranger(self, rng: Random) -> None:
        with self._connect() as peer:
            peer.sendall(rng.choice(GARBAGE))
            peer.recv(2000)

    def _leave(self, rng: Random) -> None:
        with self._connect() as peer:
            path = rng.choice(("/large/1", "/slow", "/huge"))
            peer.sendall(f"GET http://127.0.0.1:8000{path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n".encode())
            time.sleep(rng.choice((0.0, 0.2)))


if __name__ == "__main__":
    assert __spec__
    main(Squid, __spec__.name)
