"""A visitor of the recorded Jupyter server, run in its environment: notebooks, kernels, terminals, mistakes."""

from __future__ import annotations

import json
import random
import sys
import time
import urllib.request
from contextlib import suppress

import websocket

HOME = "localhost:8888"
CODE = (
    "1 + 1",
    "print('x' * 99)",
    "1 / 0",
    "import time; time.sleep(2)",
    "import os; os._exit(3)",
    "while True: print('y' * 500)",
)
PATHS = (
    "",
    "a.ipynb",
    "b.txt",
    "none.ipynb",
    "../up",
    ".hidden",
    "dir",
    "dir/c.ipynb",
    "broken.ipynb",
    "caf\u00e9.txt",
    "%zz",
    "big.bin",
)
GET = (
    "api",
    "api/status",
    "api/kernels",
    "api/sessions",
    "api/terminals",
    "api/kernelspecs",
    "api/kernelspecs/none",
    "api/me",
)
GET += (
    "api/config/notebook",
    "api/config/../x",
    "api/nbconvert",
    "nbconvert/html/a.ipynb",
    "nbconvert/none/a.ipynb",
    "nbconvert/pdf/b.txt",
)
GET += (
    "files/a.ipynb",
    "files/none",
    "static/none.js",
    "none",
    "login",
    "logout",
    "metrics",
    "kernelspecs/python3/logo-64x64.png",
    "api/spec.yaml",
)
GET += (
    "view/a.ipynb",
    "edit/b.txt",
    "tree",
    "api/contents/dir?content=0&type=file",
    "api/contents?type=odd&format=odd",
)
NOTEBOOK = {
    "cells": [{"cell_type": "code", "source": "1", "metadata": {}, "outputs": [], "execution_count": None}],
    "metadata": {},
}


class Visitor:
    """Does this and that, minding no answer."""

    def __init__(self, token: str) -> None:
        self.token = token

    def ask(self, method: str, path: str, body: object = None) -> object:
        """One request; None where it fails."""
        token = random.choice((self.token,) * 19 + ("wrong",))
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{HOME}/{urllib.request.quote(path, '/?=&%')}", data, method=method)
        request.add_header("Authorization", f"token {token}")
        with suppress(Exception), urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - to localhost
            return json.loads(answer.read() or b"null")
        return None

    def kernel(self) -> None:
        """Start a kernel, run something, interrupt, restart, shut down."""
        name = random.choice(("python3", "python3", "python3", "none", "broken"))
        started = self.ask(
            "POST",
            random.choice(("api/kernels", "api/sessions")),
            {"name": name, "path": "a.ipynb", "type": "notebook", "kernel": {"name": name}},
        )
        found = (
            started.get("kernel", started)
            if isinstance(started, dict)
            else {"id": "11111111-2222-3333-4444-555555555555"}
        )
        kernel = found.get("id", "none")
        with suppress(Exception):
            self.talk(kernel)
        for order in random.sample(("interrupt", "restart", "none"), 2):
            self.ask("POST", f"api/kernels/{kernel}/{order}", b"")
        if random.random() < 0.8:
            self.ask("DELETE", f"api/kernels/{kernel}")

    def talk(self, kernel: str) -> None:
        """Run code over a web socket; leave in the middle at times."""
        protocol = random.choice((None, ["v1.kernel.websocket.jupyter.org"]))
        url = f"ws://{HOME}/api/kernels/{kernel}/channels?token={self.token}&session_id={random.randrange(99)}"
        link = websocket.create_connection(url, timeout=3, subprotocols=protocol)
        for code in random.sample(CODE, 2):
            header = {
                "msg_id": f"m{random.randrange(10**6)}",
                "msg_type": "execute_request",
                "username": "bob",
                "session": "s",
                "version": "5.3",
            }
            message = {
                "header": header,
                "parent_header": {},
                "metadata": {},
                "content": {"code": code, "silent": False},
                "channel": "shell",
            }
            link.send(
                random.choice(
                    (json.dumps(message),) * 4 + ("nonsense", json.dumps({**message, "channel": "odd"}), "{}")
                )
            )
            with suppress(Exception):
                for _ in range(8):
                    link.recv()
        link.close() if random.random() < 0.7 else link.shutdown()

    def contents(self) -> None:
        """Read, write, move, remove."""
        path = random.choice(PATHS)
        self.ask("GET", f"api/contents/{path}")
        model = random.choice(
            (
                {"type": "notebook", "content": NOTEBOOK | {"nbformat": 4, "nbformat_minor": 5}},
                {"type": "file", "format": "text", "content": "x"},
            )
        )
        wrong = (
            {"type": "odd"},
            {"type": "notebook", "content": {"cells": 1}},
            {"type": "file", "format": "base64", "content": "!"},
            b"{",
            {},
        )
        self.ask("PUT", f"api/contents/{random.choice(PATHS)}", random.choice((model, model, *wrong)))
        self.ask(
            "POST",
            f"api/contents/{random.choice(PATHS)}",
            random.choice(({"type": "notebook"}, {"copy_from": "a.ipynb"}, {"type": "directory"})),
        )
        self.ask("PATCH", f"api/contents/{random.choice(PATHS)}", {"path": random.choice(PATHS)})
        self.ask("POST", f"api/contents/{path}/checkpoints", b"")
        self.ask(random.choice(("GET", "POST", "DELETE")), f"api/contents/{path}/checkpoints/checkpoint")
        if random.random() < 0.4:
            self.ask("DELETE", f"api/contents/{path}")

    def terminal(self) -> None:
        """Open a terminal, type, close."""
        made = self.ask("POST", "api/terminals", random.choice((b"", {"cwd": "/none"}, {"name": "t1"})))
        name = made["name"] if isinstance(made, dict) and "name" in made else "9"
        with suppress(Exception):
            link = websocket.create_connection(f"ws://{HOME}/terminals/websocket/{name}?token={self.token}", timeout=2)
            link.send(json.dumps(["stdin", random.choice(("ls\r", "exit\r", "kill -9 $$\r"))]))
            link.recv()
            link.close()
        self.ask("DELETE", f"api/terminals/{name}")

    def look(self) -> None:
        """Any page."""
        self.ask("GET", random.choice(GET))
        self.ask(
            random.choice(("PUT", "POST", "HEAD", "OPTIONS", "PURGE")),
            random.choice(GET),
            random.choice((None, b"{", {"a": 1})),
        )
        event = {"schema_id": "https://events.jupyter.org/none", "version": 1, "data": {}}
        self.ask("POST", "api/events", random.choice((event, {})))
        self.ask("POST", "login", b"password=wrong")


if __name__ == "__main__":
    visitor = Visitor(sys.argv[1])
    random.seed(int(sys.argv[3]))
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        with suppress(Exception):
            random.choice(
                (visitor.kernel, visitor.contents, visitor.contents, visitor.terminal, visitor.look, visitor.look)
            )()
        time.sleep(random.expovariate(3))
