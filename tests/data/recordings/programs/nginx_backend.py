"""The application behind nginx: answers a few paths, and misbehaves when told to by ``POST /fault``."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
ITEMS = 500


class Handler(BaseHTTPRequestHandler):
    """One connection from nginx."""

    protocol_version = "HTTP/1.1"
    rng = Random(5)
    fault = {"delay": 0.0, "reset": 0.0}  # noqa: RUF012 - shared on purpose

    def do_GET(self) -> None:
        """Items, search, export."""
        item = self.path.removeprefix("/api/items/")
        known = not item.isdigit() or int(item) <= ITEMS
        slow = 0.7 if self.path.startswith("/api/export") else 0.0
        self._reply(200 if known else 404, self.rng.randrange(200, 9000), slow)

    def do_POST(self) -> None:
        """Cart, login, upload; the fault switch."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/fault":
            self.fault.update(json.loads(body))
            return self._send(200, 2)
        wrong = self.path == "/api/login" and self.rng.random() < 0.08
        return self._reply(401 if wrong else 201, 120, 0.0)

    def _reply(self, status: int, size: int, slow: float) -> None:
        time.sleep(slow + self.rng.lognormvariate(-4.3, 0.6) + self.fault["delay"] * self.rng.random() * 2)
        if self.rng.random() < self.fault["reset"]:
            return self._break_off()
        return self._send(status, size)

    def _send(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b" " * size)

    def _break_off(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if self.rng.random() < 0.5:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n[")
            self.wfile.flush()
        self.connection.close()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing: nginx keeps the log."""


class Server(ThreadingHTTPServer):
    """Daemon threads, and no complaints about clients that went away."""

    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """A connection broke: that is expected here."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
