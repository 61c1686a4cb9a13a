"""A real HTTP server on the loopback that exposes a real registry of Prometheus' client, well or badly."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

Answer = Callable[["Handler"], None]
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

    protocol_version = "HTTP/1.1"
    server: Exposing

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        try:
            self.server.answers[self.path.partition("?")[0]](self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked went away

    def say(self, body: bytes, kind: str = TEXT, status: int = 200, **headers: str) -> None:
        """One whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


class Exposing(ThreadingHTTPServer):
    """What is exposed at `/metrics`, and `answers` by path beside it. `seen`: paths and headers of requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.registry = CollectorRegistry()
        self.requests = Counter("app_requests", "Answered.", ["code"], registry=self.registry)
        self.queue = Gauge("app_queue_length", "Waiting.", registry=self.registry)
        self.seconds = Histogram("app_seconds", "Time taken.", registry=self.registry)
        self.answers: dict[str, Answer] = {"/metrics": self.expose}
        self.seen: list[tuple[str, Mapping[str, str]]] = []
        self.over = threading.Event()
        self.scheme = "http"

    def expose(self, handler: Handler) -> None:
        """The registry, in the format and the packing that are asked for."""
        encode, kind = choose_encoder(handler.headers.get("Accept", ""))
        body = encode(self.registry)
        packed = "gzip" in handler.headers.get("Accept-Encoding", "")
        handler.say(gzip.compress(body) if packed else body, kind, **({"Content_Encoding": "gzip"} if packed else {}))

    def url(self, path: str = "/metrics") -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}{path}"

    def instance(self, path: str = "/metrics") -> str:
        return f"127.0.0.1:{self.server_address[1]}{path}"


@contextmanager
def exposing(tls: ssl.SSLContext | None = None) -> Iterator[Exposing]:
    """A server of its own, until the end."""
    with Exposing() as server:
        if tls is not None:
            server.scheme = "https"
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
