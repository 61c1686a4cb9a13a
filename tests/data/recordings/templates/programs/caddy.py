"""Caddy: files, proxies that fail, certificates of three kinds, reloads through its API, mistakes in its settings."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.programs.prometheus_world import Server, World
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

BINARY = Path("/srv/recording/tools/caddy/caddy")
MODULE = "github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9"
CALLER = re.compile(r',"caller":"([^"]*)"')
MESSAGE = re.compile(r'"msg":"((?:[^"\\]|\\.)*)"')
PATHS = ("/", "/index.html", "/none", "/private/x", "/old/1", "/moved", "/t/good.html", "/t/bad.html", "/php/index.php")
PATHS += (
    "/api/good",
    "/api/flaky",
    "/api/slow",
    "/api/cut",
    "/api/status",
    "/dyn/x",
    "/secure/good",
    "/auth/x",
    "/teapot",
)
PATHS += ("/abort", "/hang", "/boom", "/..%2f..%2fetc", "/%zz", "/browse/", "/api/many", "/api/broken")
NAMES = ("shop.test", "pay.shop.test", "www.shop.test", "other.test", "localhost", "never.test")
PLACED = {"with_caller": True, "exclude": ["none"]}  # without an exclusion the loggers of modules tell no place
BROKEN = (
    ("POST", "load", b"{"),
    ("POST", "load", b'{"apps": {"nothing": {}}}'),
    ("POST", "load", b'{"apps": {"http": {"servers": {"a": {"listen": [":99999"]}}}}}'),
    ("POST", "load", b'{"apps": {"tls": {"automation": {"policies": [{"subjects": ["x"]}, {"subjects": ["x"]}]}}}}'),
    ("PATCH", "config/apps/http/grace_period", b'"soon"'),
    ("PATCH", "config/apps/http/grace_period", b"3000000000"),
    ("PUT", "config/none/deep", b"1"),
    ("DELETE", "config/apps/none/x", b""),
    ("GET", "config/apps/http/servers", b""),
    ("GET", "reverse_proxy/upstreams", b""),
    ("GET", "pki/ca/local", b""),
    ("GET", "pki/ca/none", b""),
    ("GET", "metrics", b""),
    ("GET", "debug/vars", b""),
    ("POST", "adapt", b"{"),
    ("GET", "nowhere", b""),
    ("POST", "id/none", b"1"),
)


class Caddy(TemplateProgram):
    """Caddy."""

    name = "caddy"
    title = "Caddy, JSON"
    language = "Go"
    half = "held_out"
    how = (
        "with_caller in the settings of its log, the field caller taken out; INFO and DEBUG in turn; failing "
        "proxies, three kinds of certificates, changes through its API, broken requests, spoilt files, mistaken "
        "settings"
    )
    header = r'\{"level":"(?P<level>\w+)","ts":[\d.]+,'

    wrappers: ClassVar = {
        r"internal/logbuffer\.go:\d+": "what was said before logging was set up",
        r"caddyhttp/app\.go:714": "lines of Go's own HTTP server",
        r"caddyhttp/server\.go:750": "prints any error of a request as the message",
        r"cmd/cobra\.go:156": "prints any error that ends the program as the message",
    }

    @classmethod
    def prepare(cls) -> None:
        """Build it."""
        if not BINARY.exists():
            environment = {**os.environ, "GOBIN": str(BINARY.parent), "GOFLAGS": "-p=1"}
            subprocess.run(["go", "install", MODULE], env=environment, check=True)

    def version(self) -> str:
        """Of Caddy."""
        return MODULE.partition("@")[2]

    def lines(self) -> Iterator[Line]:
        """Lines without their caller."""
        for row in self.raw().read_text(errors="surrogateescape").splitlines():
            found = CALLER.search(row) if row.startswith('{"level"') else None
            yield Line(row[: found.start()] + row[found.end() :], found[1]) if found else Line(row)

    def said(self, text: str) -> str:
        """The text of ``msg`` and the names of the other fields."""
        found = MESSAGE.search(text)
        keys = re.findall(r',"(\w+)":', text.partition('"msg"')[2]) if found else ()
        return f"{found[1]} {sorted(set(keys))}" if found else text

    def drive(self) -> None:
        """Lives at both levels under requests and changes of settings; at last settings that it refuses."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        with Path("/etc/hosts").open("a") as hosts:
            hosts.write(f"127.0.0.1 {' '.join(NAMES)}\n")
        threading.Thread(target=Server(("127.0.0.1", 9200), World).serve_forever, daemon=True).start()
        self.site()
        for number, (level, seconds) in enumerate((("INFO", 50), ("DEBUG", 70), ("INFO", 30), ("DEBUG", 50))):
            server = self.caddy(self.settings(level), "--resume" if number == 3 else "--watch")
            clients = [threading.Thread(target=self.client, args=(seconds, Random(f"{number}/{n}"))) for n in range(3)]
            for client in clients:
                client.start()
            self.change(seconds, Random(f"{number}/change"), level)
            for client in clients:
                client.join()
            server.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGQUIT)[number])
            server.wait(30)
            self.harm(number)
        self.mistakes()
        (self.home / "storage" / "pki" / "authorities" / "local" / "root.crt").write_bytes(b"spoilt")
        self.caddy(self.settings("DEBUG")).wait(20)

    def site(self) -> None:
        """The files it serves."""
        for folder in ("t", "browse", "private"):
            (self.home / "site" / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "site" / "index.html").write_text("hello " * 500)
        (self.home / "site" / "t" / "good.html").write_text('{{now | date "2006"}} {{include "/index.html"}}')
        (self.home / "site" / "t" / "bad.html").write_text("{{nothing}} {{.Req.None}")
        for n in range(5):
            (self.home / "site" / "browse" / f"{n}.txt").write_text(str(n))

    def settings(self, level: str) -> Path:
        """The settings as JSON, with the place of each line."""
        text = Path(__file__).with_suffix(".Caddyfile").read_text().replace("STORAGE", str(self.home / "storage"))
        (self.home / "Caddyfile").write_text(text)
        argv = [BINARY, "adapt", "--config", "Caddyfile"]
        adapted = json.loads(subprocess.check_output(argv, cwd=self.home, stderr=subprocess.DEVNULL))
        logs = adapted.setdefault("logging", {}).setdefault("logs", {})
        for name in {"default", *logs}:
            logs.setdefault(name, {}).update(PLACED, level=level)
        path = self.home / f"caddy-{level}.json"
        path.write_text(json.dumps(adapted))
        return path

    def caddy(self, path: Path, *options: str) -> subprocess.Popen[bytes]:
        """Start it."""
        with self.raw().open("ab") as out:
            argv = [BINARY, "run", "--config", path, *options]
            child = self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env={**os.environ, "HOME": str(self.home)})
        time.sleep(3)
        return child

    def change(self, seconds: float, rng: Random, level: str) -> None:
        """Reloads and broken requests to the API of administration."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            method, path, body = rng.choice(BROKEN)
            if path == "load":  # even settings that are refused decide how it logs from then on
                body = (
                    body[:1]
                    + b'"logging": {"logs": {"default": %s}}, ' % json.dumps(PLACED | {"level": level}).encode()
                    + body[1:]
                )
            request = urllib.request.Request(f"http://localhost:2019/{path}", body or None, method=method)
            request.add_header("Content-Type", rng.choice(("application/json",) * 5 + ("text/weird",)))
            if rng.random() < 0.1:
                request.add_header("Origin", "http://evil.test")
            with suppress(OSError):
                urllib.request.urlopen(request, timeout=5).read()  # noqa: S310 - to localhost
            if rng.random() < 0.2:
                path = self.settings(level).name
                argv = [BINARY, "reload", "--force", "--config", path]
                subprocess.run(argv, cwd=self.home, capture_output=True, check=False)
            time.sleep(1.5)

    def client(self, seconds: float, rng: Random) -> None:
        """Requests of all kinds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(OSError):
                rng.choice((self.plain, self.plain, self.plain, self.secure, self.misbehave))(rng)
            time.sleep(rng.expovariate(5))

    def plain(self, rng: Random) -> None:
        """One request by curl."""
        more = rng.choice(
            ((), (), ("-u", "bob:wrong"), ("-d", "x" * 9000), ("--http2-prior-knowledge",), ("-X", "PURGE"))
        )
        argv = ["curl", "-s", "--compressed", "--max-time", "2", f"http://localhost:8081{rng.choice(PATHS)}", *more]
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=False)

    def secure(self, rng: Random) -> None:
        """TLS with some name."""
        more = rng.choice(
            ((), (), ("--tls-max", "1.1"), ("--http1.1",), ("--ciphers", "AES128-SHA", "--tls-max", "1.2"))
        )
        argv = ["curl", "-sk", "--max-time", "3", f"https://{rng.choice(NAMES)}:8443{rng.choice(PATHS)}", *more]
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def misbehave(self, rng: Random) -> None:
        """Broken HTTP and TLS, and clients that leave."""
        said = rng.choice(
            (
                b"nonsense\r\n\r\n",
                b"GET / HTTP/1.1\r\n\r\n",
                b"POST /api/good HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n",
            )
        )
        with socket.create_connection(("localhost", rng.choice((8081, 8443, 8080))), 1) as link:
            link.send(
                rng.choice((said, b"\x16\x03\1\2\0\1\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.randbytes(60)))
            )
            time.sleep(rng.choice((0.05, 2.5)))
        context = ssl.create_default_context()
        with socket.create_connection(("localhost", 8443), 1) as link:
            context.wrap_socket(link, server_hostname=rng.choice(NAMES))

    def harm(self, number: int) -> None:
        """Damage its storage between two lives."""
        files = [path for path in (self.home / "storage" / "certificates").rglob("*.*") if path.is_file()]
        for path in sorted(files)[number % 3 :: 3]:
            path.write_bytes(b"spoilt")

    def mistakes(self) -> None:
        """Settings that it does not start with."""
        good = json.loads(self.settings("DEBUG").read_text())
        servers = good["apps"]["http"]["servers"]
        wrong = (
            {**good, "storage": {"module": "file_system", "root": "/proc/none"}},
            {**good, "admin": {"listen": "localhost:99999"}},
            {**good, "apps": {"http": {"servers": {"a": {"listen": ["203.0.113.7:80"]}}}}},
            {**good, "apps": {"http": {"servers": {**servers, "twice": {"listen": [":8081"]}}}}},
            {**good, "apps": {"http": {"servers": {"a": {"routes": [{"handle": [{"handler": "none"}]}]}}}}},
            {**good, "apps": {"pki": {"certificate_authorities": {"local": {"root": {"certificate": "none.pem"}}}}}},
        )
        for number, settings in enumerate(wrong):
            path = self.home / f"wrong-{number}.json"
            path.write_text(json.dumps(settings))
            child = self.caddy(path)
            time.sleep(2)
            child.terminate()
            child.wait(20)


if __name__ == "__main__":
    assert __spec__ is not None
    main(Caddy, __spec__.name)
