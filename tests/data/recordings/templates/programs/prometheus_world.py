"""The world around the recorded Prometheus: scraped targets, discovery and remote storage that work badly."""

from __future__ import annotations

import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 9200


class World(BaseHTTPRequestHandler):
    """One server for all; the path says what goes wrong."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """Metrics and discovery."""
        kind = self.path.partition("?")[0].strip("/").partition("/")[0]
        if kind == "flaky":
            kind = random.choice(("good", "status", "slow", "broken"))
        if kind == "slow":
            time.sleep(random.choice((0.1, 3)))
        if kind == "cut":
            self.connection.close()
            return
        if kind == "status":
            self._answer(random.choice((500, 503, 404, 401)), "no\n")
        elif kind == "sd":
            self._answer(*random.choice(DISCOVERED), kind="application/json")
        else:
            self._answer(200, metrics(kind), "text/plain; version=0.0.4")

    def do_POST(self) -> None:
        """Remote storage and Alertmanager."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        moment = int(time.time() / 6) % 4
        if moment == 0 and "slow" in self.path:
            time.sleep(3)
        status = (200, 200, 500, 400)[moment] if "good" not in self.path else 200
        self._answer(status, "out of order sample\n" if status == 400 else "")

    def _answer(self, status: int, body: str, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def metrics(kind: str) -> str:
    """An exposition of this kind of goodness."""
    now = int(time.time() * 1000)
    rows = [f'shop_orders_total{{shop="{n}",article="{n % 3}"}} {now / 1e6 + n}' for n in range(20)]
    rows += [f'shop_seconds{{quantile="0.{n}"}} {random.random()}' for n in range(1, 9)]
    match kind:
        case "broken":
            rows.insert(7, random.choice(SPOILED))
        case "twice":
            rows += [f'shop_orders_total{{shop="1",article="1"}} {random.random()}' for _ in range(2)]
        case "old":
            rows += [f"shop_old {n} {now - random.randrange(0, 9_000_000)}" for n in range(5)]
            rows += [f"shop_future {n} {now + 9_000_000}" for n in range(2)]
        case "many":
            rows += [f'shop_many{{id="{n}{random.random()}"}} 1' for n in range(400)]
        case "labels":
            rows.append('shop_long{a="' + "x" * 300 + '",b="1",c="2",d="3",e="4"} 1')
    return "\n".join(rows) + "\n"


class Server(ThreadingHTTPServer):
    """A server whose clients may break off."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Stay silent."""


def serve() -> ThreadingHTTPServer:
    """Start it in threads of this process."""
    server = Server(("127.0.0.1", PORT), World)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


SPOILED = ("shop_broken{ 3", "shop broken 7 7 7", 'shop_bad{a="b} 1', "# TYPE shop_x nonsense", "{} 1", 'x{a="\xff"} 1')
DISCOVERED = (
    (200, json.dumps([{"targets": ["localhost:9200"], "labels": {"__metrics_path__": "/good/sd"}}])),
    (200, '[{"targets": ["localhost:9200"'),
    (200, '[{"targets": [9200]}]'),
    (200, json.dumps([{"targets": [f"localhost:{n}" for n in range(9300, 9304)]}])),
    (500, "oops"),
)
