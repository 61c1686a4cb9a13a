"""Sinks that talk to others pass the conformance check, with real peers; and hostile text escapes from none of them."""

from __future__ import annotations

import json
import re
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.api import Sink
from logwatch.config import SinkTable
from logwatch.plugins import Plugins
from logwatch.sinks.render import escape
from logwatch.testing import ManualClock, check_sink, sample_alert
from logwatch.types import Alert, Line
from tests.sinks.web_server import serving

Delivered = Callable[[], Sequence[str]]
Peer = tuple[SinkTable, Delivered, Callable[[], list[str]]]
"""A sink's table, the ids that arrived, and every text that arrived."""


def table(kind: str, **options: Any) -> SinkTable:
    return SinkTable.model_validate({"kind": kind, **options})


def texts(value: Any) -> Iterator[str]:
    """Every text in what JSON says, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


@contextmanager
def alertmanager() -> Iterator[Peer]:
    with serving() as server:

        def posted() -> list[dict[str, Any]]:
            return [one for body in server.bodies for one in json.loads(body)]

        yield (
            table("alertmanager", urls=server.url),
            lambda: [one["annotations"]["alert"] for one in posted()],
            lambda: [line for one in posted() for text in texts(one) for line in text.split("\n")],
        )


@contextmanager
def webhook(**options: Any) -> Iterator[Peer]:
    with serving() as server:
        yield (
            table("webhook", url=server.url, **options),
            lambda: [request.headers["webhook-id"] for request in server.requests],
            lambda: [body.decode() for body in server.bodies],
        )


@contextmanager
def datagrams(kind: str, key: str) -> Iterator[Peer]:
    with tempfile.TemporaryDirectory(prefix="lw") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.bind(f"{folder}/s")
        here.setblocking(False)
        got: list[bytes] = []

        def arrived() -> list[bytes]:
            try:
                while True:
                    got.append(here.recv(1 << 20))
            except BlockingIOError:
                return got

        def ids() -> list[str]:
            return [re.findall(rb"\b[0-9a-f]{64}\b", data)[0].decode() for data in arrived()]

        def said() -> list[str]:
            if kind == "journal":  # its own framing: lengths are binary
                return [part.decode() for data in arrived() for part in re.split(rb"\n.{8}|\n", data, flags=re.DOTALL)]
            return [data.decode().replace("\ufeff", "", 1) for data in arrived()]

        yield table(kind, **{key: f"{folder}/s"}), ids, said


@contextmanager
def notify() -> Iterator[Peer]:
    pytest.importorskip("apprise", reason="Apprise is not installed: pip install 'logwatchd[notify]'")
    with serving() as server:

        def said() -> list[str]:
            return [line for body in server.bodies for text in texts(json.loads(body)) for line in text.split("\n")]

        # what Apprise sends holds no id: its place in the row of those that were sent does
        yield (
            table("notify", urls=f"json://127.0.0.1:{server.port}/"),
            lambda: [f"{number:064x}" for number in [*range(1, 9), *range(1000, 2000)][: len(server.bodies)]],
            said,
        )


PEERS: dict[str, Callable[[], Any]] = {
    "alertmanager": alertmanager,
    "webhook": webhook,
    "webhook with a template": lambda: webhook(template='{"a": {{ alert }}, "h": {{ headline }}, "t": {{ text }}}'),
    "webhook of plain text": lambda: webhook(
        template="{{ headline }} {{ alert.lines }} {{ alert.entity }}", content_type="text/plain"
    ),
    "syslog": lambda: datagrams("syslog", "address"),
    "journal": lambda: datagrams("journal", "socket"),
    "notify": notify,
}


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_sink_with_a_peer_conforms(name: str) -> None:
    with PEERS[name]() as (config, delivered, _):
        check_sink(lambda: Plugins().build("sink", config, clock=ManualClock()), delivered)


HOSTILE = st.one_of(
    st.text(st.characters(), max_size=60),
    st.sampled_from(
        [
            "\r\nX-Injected: 1", "\n<0>1 - - - - - - forged", '"] [x y="', '"}, "alert": "forged',
            "{{ 7 * 7 }}{% raw %}", "\x1b]0;title\x07", "\ud800\udfff", "a\x00b", '",severity="critical',
            "\u202eabc", "MESSAGE=forged\nPRIORITY=0",
            "@everyone <!channel>", "%n%s%x", "\ufeff", "\x85\u2028\u2029", "'; DROP TABLE alerts; --", "$(id)`id`",
        ]
    ),
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(PEERS))
def test_no_hostile_text_escapes(name: str) -> None:
    with ExitStack() as stack:
        config, delivered, said = stack.enter_context(PEERS[name]())
        sink: Sink = Plugins().build("sink", config, clock=ManualClock())
        stack.callback(sink.close)

        @settings(max_examples=30, database=None)
        @given(text=HOSTILE)
        def try_it(text: str) -> None:
            before = len(delivered())
            sink.deliver([hostile(text)])
            assert len(delivered()) == before + 1  # one message, however many lines were in it

        try_it()
        for text in said():
            assert escape(text) == text or name == "webhook"
            assert text.isascii() or not name.startswith("webhook with")


def hostile(text: str) -> Alert:
    """An alert that says the same everywhere."""
    line = Line(text, 0, 0)
    return sample_alert(
        1, source=text, entity=text, instance=text, rule=text, template=text, detail=text, lines=(line,), before=(line,)
    )


@given(HOSTILE)
def test_a_webhook_without_a_template_sends_json_that_cannot_act_on_a_terminal(text: str) -> None:
    from logwatch.sinks.schema import dump_line

    body = dump_line(hostile(text)).decode()
    assert json.loads(body)["source"] == json.loads(json.dumps(text))  # halves of a character that meet are one
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", body)
