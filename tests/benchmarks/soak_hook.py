"""A server that takes alerts by webhook, in changing moods: well, refusing, erring, talking rubbish, saying nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

MOODS = ("well", "error", "well", "hang", "well", "rubbish", "well", "refuse")
TIMES = 24
"""Changes of mood in a soak; the last one is to be well."""


class Hook:
    """Counts the ids of alerts that it has said yes to."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.failed = 0
        self._mood = "well"
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def mood(self, share: float) -> None:
        """Be as it is due at that share of the soak; at its end, well."""
        self._mood = MOODS[int(share * TIMES) % len(MOODS)] if share < 1.0 else "well"

    def take(self, body: bytes) -> str:
        """Count an alert, or a failure; the mood."""
        with self._lock:
            if self._mood == "well":
                self.taken[json.loads(body)["id"]] += 1
            else:
                self.failed += 1
            return self._mood

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                mood = hook.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.close_connection = mood != "well"
                if mood == "refuse":
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif mood == "rubbish":
                    self.connection.sendall(b"\x00\xff not HTTP at all \r\n\r\n" * 100)
                elif mood == "hang":
                    time.sleep(5)
                else:
                    self.send_response(200 if mood == "well" else 503)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
