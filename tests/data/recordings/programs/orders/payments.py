"""The payment gateway of the order service: authorises, declines now and then, and can be slow."""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random


class Gateway(BaseHTTPRequestHandler):
    """One payment, or the fault switch."""

    rng = Random(11)
    fault = {"delay": 0.0}  # noqa: RUF012 - shared on purpose

    def do_POST(self) -> None:
        """Answer a payment; ``POST /fault`` sets the delay."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/fault":
            self.fault.update(body)
            return self._send({})
        time.sleep(self.rng.lognormvariate(-3.2, 0.4) + self.fault["delay"] * self.rng.uniform(0.6, 1.4))
        declined = self.rng.random() < 0.04
        reference = f"PX-{self.rng.randrange(10**6):06d}"
        return self._send({"declined": declined, "reference": reference})

    def _send(self, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep no log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Gateway).serve_forever()
