"""Files, lines and metrics that mean harm go through the whole program, and act on nothing that reads what it says.

Each sink by itself is in tests/sinks/test_sinks_conform.py, the page in tests/e2e, the report in tests/backtest.
"""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from logwatch.plain import escape
from tests.integration.program import Program, eventually, habit, line
from tests.integration.served import TOKEN, Api
from tests.sinks.web_server import WebServer, serving

NAMES = (
    "<img src=x onerror=alert(1)>", "'; DROP TABLE alerts; --", 'a"b\\c} 1', 'two\nlines{x="y"} 1',
    "\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe", "%s%n{{ 7 * 7 }}${HOME}$(id)`id`", "-rf", "up\u2215..",
    "data: x\r\rid: 9", "=cmd|' -C calc'!A0",
)  # fmt: skip
"""Of files, and so of sources."""

EVIL = "ERROR </script>" + " ".join(NAMES).replace("\n", " ") + " \x00\x9b2J \x85\u2028\u2066 \ufeff \\u0000 @everyone"
SERIES = ("cpu\x1b[2J", '"><i>load</i>', "{{7*7}}\u202e", "x'; DROP TABLE heatmaps; --")
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
STYLE = re.compile(r"\x1b\[[0-9;]*m|\x1b\[2K|\x1b\[1A|\x1b\[\?25[hl]|\r(?=\n|\x1b)")
"""What the program itself sends to a terminal: colours, and its line of status."""

SETTINGS = """
state = "{0}/state"
budget = "20/hour"
[http]
listen = "127.0.0.1:0"
token_file = "{0}/token"
[[source]]
kind = "file"
name = "{{name}}"
paths = ["{0}/logs/*.log", "{0}/logs/*.csv"]
start = "beginning"
[[source]]
kind = "file"
name = "not-json"
paths = ["{0}/logs/broken.txt"]
format = "json"
start = "beginning"
[[sink]]
kind = "file"
path = "{0}/alerts.jsonl"
[[sink]]
kind = "stdout"
format = "json"
[[sink]]
kind = "webhook"
url = "{1}"
template = "{{{{ headline }}}} {{{{ alert.source }}}} {{{{ alert.lines }}}}"
content_type = "text/plain"
"""


@dataclass
class Ran:
    """A daemon that has read it all."""

    folder: Path
    program: Program
    api: Api
    server: WebServer

    def cli(self, *arguments: str) -> str:
        """What a verb prints, both streams."""
        done = self.program(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def typed(self, *arguments: str) -> str:
        """The same on a real terminal, without the styles that it may use."""
        above, below = pty.openpty()
        command = [sys.executable, "-m", "logwatch", *arguments]
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"}
        with subprocess.Popen(
            command, cwd=self.folder, stdin=below, stdout=below, stderr=below, env=environment
        ) as one:
            os.close(below)
            said = b""
            while True:
                try:
                    said += os.read(above, 65536)
                except OSError:  # the other end is closed
                    break
        os.close(above)
        assert one.returncode == 0, said
        return STYLE.sub("", said.decode())

    def incident(self, source: str) -> str:
        """Of a source."""
        return str(self.api(f"/api/v1/alerts?source={quote(source)}")["alerts"][0]["incident"])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "logs").mkdir()
    (folder / "token").touch(0o600)
    (folder / "token").write_text(TOKEN)
    for name in NAMES:
        evil = f"{line(3300).split(' ', 1)[0]} {EVIL}\n"
        (folder / "logs" / f"{name}.log").write_text(habit(3300) + evil + habit(100, 3301), newline="")
    stamps = [line(number).split(" ", 1)[0] for number in range(1200)]
    rows = [
        ",".join([stamp, *[str(number % 60 + 90 * (number > 1150))] * len(SERIES)])
        for number, stamp in enumerate(stamps)
    ]
    head = ",".join(["time", *('"' + one.replace('"', '""') + '"' for one in SERIES)])
    (folder / "logs" / f"{NAMES[0]}.csv").write_text("\n".join([head, *rows]) + "\n")
    (folder / "logs" / "broken.txt").write_text(f"{EVIL}\n" * 3)
    program = Program(folder)
    with serving() as server:
        (folder / "logwatchd.toml").write_text(SETTINGS.format(folder, server.url))
        running = program.start("run", "-c", "logwatchd.toml", "--log-format", "json")

        def port() -> int:
            told = [json.loads(one) for one in running.err.read_text().splitlines() if one.startswith("{")]
            return next((int(one["url"].rsplit(":", 1)[1]) for one in told if one["event"] == "listening"), 0)

        try:
            one = Ran(folder, program, Api(eventually(port, "it listens")), server)
            eventually(lambda: told(one) >= set(NAMES), "every file alerts")
            eventually(lambda: one.api("/api/v1/heatmaps")["heatmaps"], "a heatmap is kept")
            note = {
                "incident": one.incident(NAMES[4]),
                "verdict": "normal",
                "note": f"{NAMES[4]} {NAMES[0]} {NAMES[5]}",
            }
            one.api("/api/v1/feedback", note)
            yield one
        except BaseException:
            running.process.kill()
            raise
        assert running.end(15) == 0


def told(ran: Ran) -> set[str]:
    """Sources of which a hostile line alerted."""
    return {row["source"] for row in ran.api("/api/v1/alerts?limit=200")["alerts"] if "</script>" in row["line"]}


def stream(ran: Ran) -> str:
    """Server-sent events, as far as the first status."""
    import http.client

    to = http.client.HTTPConnection("127.0.0.1", ran.api.port, timeout=30)
    to.request("GET", "/api/v1/events", headers={"authorization": f"Bearer {TOKEN}", "last-event-id": "0"})
    answer, said = to.getresponse(), ""
    while "event: status" not in said:
        said += answer.readline().decode()
    said += answer.readline().decode()
    to.close()
    return said


TEMPLATES = f"templates?source={quote(NAMES[4])}"
OUTPUTS: dict[str, Callable[[Ran], str]] = {
    "terminal: alerts list": lambda ran: ran.typed("alerts", "list", "--state", "state"),
    "terminal: alerts show": lambda ran: ran.typed("alerts", "show", ran.incident(NAMES[4])[:12], "--state", "state"),
    "terminal: feedback": lambda ran: ran.typed("alerts", "list", "--feedback", "--state", "state"),
    "terminal: status": lambda ran: ran.typed("status", "--state", "state"),
    "terminal: tail": lambda ran: ran.typed(
        "tail", "--once", *(str(one) for one in (ran.folder / "logs").glob("*.log"))
    ),
    "terminal: score": lambda ran: ran.typed("score", *(str(one) for one in (ran.folder / "logs").glob("*.csv"))),
    "terminal: templates": lambda ran: ran.typed("templates", str(ran.folder / "logs" / f"{NAMES[4]}.log")),
    "terminal: heatmap": lambda ran: ran.typed("heatmap", str(ran.folder / "logs" / f"{NAMES[0]}.csv")),
    "pipe: alerts list": lambda ran: ran.cli("alerts", "list", "--state", "state"),
    "pipe: alerts show": lambda ran: ran.cli("alerts", "show", ran.incident(NAMES[4])[:12], "--state", "state"),
    "pipe: status": lambda ran: ran.cli("status", "--state", "state"),
    "JSON: status": lambda ran: ran.cli("status", "--json", "--state", "state"),
    "JSON: file sink": lambda ran: (ran.folder / "alerts.jsonl").read_text(),
    "JSON: stdout sink": lambda ran: ran.program.started[0].out.read_text(),
    "JSON: dead letters": lambda ran: (ran.folder / "state" / "dead-letters.jsonl").read_text(),
    "JSON: events": stream,
    "log": lambda ran: ran.program.started[0].err.read_text(),
    "webhook template": lambda ran: "\n".join(one.decode() for one in ran.server.bodies),
    "metrics": lambda ran: raw(ran, "/metrics"),
    **{
        f"JSON: /api/v1/{path}": lambda ran, path=path: raw(ran, f"/api/v1/{path}")
        for path in (
            "alerts",
            "status",
            "sources",
            "scores",
            "heatmaps",
            "feedback",
            f"templates?source={quote(NAMES[4])}",
        )
    },
}


def raw(ran: Ran, path: str) -> str:
    """An answer as it comes over the wire."""
    found = ran.api(path)
    return found.decode() if isinstance(found, bytes) else bytes(ran.api.body).decode()


@pytest.mark.parametrize("output", OUTPUTS)
def test_nothing_in_it_acts(ran: Ran, output: str) -> None:
    text = OUTPUTS[output](ran)
    tells = any(word in text for word in ("onerror", "load", "done in"))
    assert tells or output == "log", "it tells of what was read"  # the log names little: see tests/test_telemetry.py
    assert ACTING.findall(text) == []
    if output.startswith("JSON"):
        lines = [one.removeprefix("data: ") for one in text.splitlines()]
        assert all(json.loads(one) is not None for one in lines if one.startswith(("{", "[")))


def test_names_come_out_of_json_as_they_went_in(ran: Ran) -> None:
    alerts = [json.loads(one) for one in (ran.folder / "alerts.jsonl").read_text().splitlines()]
    assert {one["source"] for one in alerts} >= set(NAMES)
    assert {one["source"] for one in ran.api("/api/v1/sources")} >= set(NAMES)


def test_prometheus_reads_names_as_labels_and_nothing_else(ran: Ran) -> None:
    families = list(text_string_to_metric_families(ran.api("/metrics").decode()))
    records = next(one for one in families if one.name == "logwatchd_records")
    found = {sample.labels["source"]: sample.value for sample in records.samples if sample.name.endswith("_total")}
    assert {name: found.get(shown(name)) for name in NAMES} == dict.fromkeys(NAMES, 3401.0)
    assert all(one.name.startswith(("logwatchd_", "process_", "python_")) for one in families), "no line began a metric"


def shown(name: str) -> str:
    """As a label has it: line ends are of the format, all else that acts is made visible."""
    return "\n".join(map(escape, name.split("\n")))


def test_a_name_is_never_sql(ran: Ran) -> None:
    for name in NAMES:
        rows = ran.api(f"/api/v1/alerts?source={quote(name)}")["alerts"]
        assert {row["source"] for row in rows} == {name}
    for none in ("' OR 1=1 --", "%", "_" * len(NAMES[0]), '"', "\\"):
        assert ran.api(f"/api/v1/alerts?source={quote(none)}")["alerts"] == []
        ran.api(f"/api/v1/heatmap.png?source={quote(none)}", status=404)
    with closing(sqlite3.connect(f"file:{ran.folder}/state/state.db?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM alerts").fetchone()[0] >= len(NAMES)


def test_a_picture_is_one_and_no_name_makes_a_file(ran: Ran) -> None:
    source = f"{NAMES[0]}.csv"
    assert ran.api(f"/api/v1/heatmap.png?source={quote(source)}").startswith(b"\x89PNG\r\n")
    assert "content-disposition" not in ran.api.headers
    ran.cli("heatmap", str(ran.folder / "logs" / source), "-o", "out.png")
    assert (ran.folder / "out.png").read_bytes().startswith(b"\x89PNG\r\n")
    for found in (ran.folder / "state").rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", found.name), "a name of a source is no name of a file"


def test_no_header_of_an_answer_is_made_of_what_was_read(ran: Ran) -> None:
    ran.api(f"/api/v1/alerts?source={quote(NAMES[3])}")
    names = set(ran.api.headers)
    for path in ("alerts?source=x%0d%0aset-cookie:%20a=b", f"templates?source={quote(NAMES[9])}"):
        ran.api(f"/api/v1/{path}")
        assert set(ran.api.headers) == names
