"""A daemon with HTTP that has read a log with odd and hostile lines, and metrics; and how tests ask it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.integration.program import BEGIN, Program, eventually, habit, line, odd

TOKEN = "0123456789abcdef" * 2  # of the test alone
HOSTILE = (
    "ERROR </script><img src=x onerror=alert(1)> \x1b[2J\x1b]0;owned\x07 \u202egnp.exe "
    '\\u0000 {{7*7}} "quoted\\" event: alert\\n\\ndata: x ' + "A" * 10_000
)
NAMED = "<b>evil 'name\"&"


class Api:
    """Asks a daemon."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self, path: str, body: Any = None, method: str = "", status: int = 200, **headers: str) -> Any:
        to = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json", **headers}
        to.request(method or ("GET" if body is None else "POST"), path, data, sent)
        answer = to.getresponse()
        text = self.body = answer.read()
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        to.close()
        assert answer.status == status, text
        return json.loads(text) if self.headers.get("content-type") == "application/json" else text


@contextmanager
def daemon(folder: Path, more: str = "") -> Iterator[Api]:
    """One that listens on a free port, with a token.

    Args:
        more: of the configuration.
    """
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    hostile = f"{line(3300).split(' ', 1)[0]} {HOSTILE}\n"
    (folder / f"{NAMED}.log").write_bytes(
        (habit(2500) + odd(2500) + habit(800, 2501)).encode()
        + hostile.encode()
        + b"bad \xff\xfe\n"
        + habit(400, 3302).encode()
    )
    stamps = [(BEGIN + timedelta(seconds=i)).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(1200)]
    rows = [f"{stamp},{i % 60},{i % 7 + (50 if i == 1000 else 0)}" for i, stamp in enumerate(stamps)]
    (folder / "m.csv").write_text("\n".join(["time,cpu,<i>load</i>", *rows]) + "\n")
    (folder / "logwatchd.toml").write_text(
        f'state = "{folder}/state"\nbudget = "20/hour"\n[http]\nlisten = "127.0.0.1:0"\ntoken_file = "{folder}/token"\n'
        f'[[source]]\nkind = "file"\nname = "{{name}}"\npaths = ["{folder}/*.log", "{folder}/*.csv"]\n'
        f'start = "beginning"\n{more}'
    )
    program = Program(folder)
    running = program.start("run", "-c", folder / "logwatchd.toml", "--log-format", "json")

    def port() -> int:
        assert running.process.poll() is None, running.err.read_text()
        told = [json.loads(one) for one in running.err.read_text().splitlines() if one.startswith("{")]
        return next((int(one["url"].rsplit(":", 1)[1]) for one in told if one["event"] == "listening"), 0)

    try:
        api = Api(eventually(port, "it listens"))
        eventually(lambda: len(api("/api/v1/alerts")["alerts"]) >= 2, "both lines alert")
        eventually(lambda: api("/api/v1/heatmaps")["heatmaps"], "a heatmap is kept")
        yield api
    except BaseException:
        running.process.kill()
        raise
    assert running.end(15) == 0
