"""A real HTTP server on loopback that answers as it is told to: well, badly, slowly or not at all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

Behaviour = Callable[[socket.socket, threading.Event], None]


class Request(NamedTuple):
    """What came."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Behaviour:
    """These bytes, and the connection's end."""

    def behave(peer: socket.socket, over: threading.Event) -> None:
        peer.sendall(data)

    return behave


def hang(peer: socket.socket, over: threading.Event) -> None:
    """Nothing, until the other side goes."""
    while not over.wait(0.01):
        with contextlib.suppress(BlockingIOError):
            if not peer.recv(1, socket.MSG_DONTWAIT):
                return


def drip(peer: socket.socket, over: threading.Event) -> None:
    """A header, a byte at a time, for ever."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not over.wait(0.02):
        peer.sendall(b"x")


def flood(peer: socket.socket, over: threading.Event) -> None:
    """An answer without an end."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    while not over.is_set():
        peer.sendall(b"x" * 65536)


OK = answer(200)


class WebServer:
    """Answers each request by the next behaviour; by the last one for ever."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.sent: list[int] = []  # bytes that a flood got rid of
        self._next = deque(behaviours or (OK,))
        self._tls = tls
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def will(self, *behaviours: Behaviour) -> None:
        """Go on with these."""
        self._next = deque(behaviours)

    @property
    def bodies(self) -> list[bytes]:
        """Of the requests, in order."""
        return [request.body for request in self.requests]

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(peer.close)
            peer.settimeout(20)
            if self._tls is not None:
                peer = stack.enter_context(self._tls.wrap_socket(peer, server_side=True))
            request = read(peer)
            if request is not None:
                behave = self._next.popleft() if len(self._next) > 1 else self._next[0]
                self.requests.append(request)
                behave(peer, self._over)

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def read(peer: socket.socket) -> Request | None:
    """The next request of a connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += peer.recv(65536)
    method, target, _ = first.split(" ", 2)
    return Request(method, target, headers, body)


@contextlib.contextmanager
def serving(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """A server, closed at the end."""
    server = WebServer(*behaviours, tls=tls)
    try:
        yield server
    finally:
        server.close()
