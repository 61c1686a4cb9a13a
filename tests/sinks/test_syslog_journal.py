"""Syslog and the journal, on real sockets: each message is one, whole, bounded, and says no more than it should."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.errors import DeliveryError
from logwatch.sinks.journal import LINES_MOST, VALUE_MOST, JournalSink, entry
from logwatch.sinks.journal_config import JournalSinkConfig
from logwatch.sinks.render import escape
from logwatch.sinks.syslog import SyslogSink, message
from logwatch.sinks.syslog_config import SyslogConfig
from logwatch.testing import ManualClock, sample_alert
from logwatch.types import Line

MESSAGE = re.compile(
    r"<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) "
    r'\[(\S+)((?: [!-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] \ufeff(.*)',
    re.DOTALL,
)
"""RFC 5424, section 6, as far as we write it."""

PAIR = re.compile(r' (\S+?)="((?:[^"\\\]]|\\["\\\]])*)"')


def parsed(data: bytes) -> tuple[int, dict[str, str], str]:
    """Priority, structured data and text of a message that keeps the standard's grammar."""
    match = MESSAGE.fullmatch(data.decode())
    assert match is not None, data
    pairs = {name: re.sub(r"\\(.)", r"\1", value) for name, value in PAIR.findall(match[8])}
    return int(match[1]), pairs, match[9]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lw") as folder:  # the paths of sockets are short
        yield Path(folder)


@contextlib.contextmanager
def datagrams(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        yield listener


def sink(address: str, **config: Any) -> SyslogSink:
    return SyslogSink(SyslogConfig(address=address, **config), ManualClock())


def test_a_socket_of_this_machine_gets_a_message_by_the_standard(folder: Path) -> None:
    with datagrams(folder / "log") as log:
        here = sink(str(folder / "log"), facility="local3", app_name="watch")
        here.deliver([sample_alert(1, severity="critical"), sample_alert(2, state="end")])
        priority, data, text = parsed(log.recv(65536))
        assert priority == 19 * 8 + 2
        assert data["id"] == f"{1:064x}"
        assert data["source"] == "web:/var/log/app.log"
        assert text.startswith("web:/var/log/app.log: A kind of line that was never seen here before | 2026-03-01")
        assert parsed(log.recv(65536))[0] == 19 * 8 + 5
        here.close()
        here.close()


def test_udp_and_tcp_with_octet_counts() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_server(("127.0.0.1", 0)) as tcp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(10)
        sink(f"udp://127.0.0.1:{udp.getsockname()[1]}").deliver([sample_alert(1)])
        assert parsed(udp.recv(65536))[1]["id"] == f"{1:064x}"
        here = sink(f"tcp://127.0.0.1:{tcp.getsockname()[1]}")
        here.deliver([sample_alert(1, lines=(Line("two\nlines", 0, 0),)), sample_alert(2)])
        peer, _ = tcp.accept()
        here.close()
        with peer:
            data = b""
            while more := peer.recv(65536):
                data += more
    ids = []
    while data:
        size, _, rest = data.partition(b" ")
        ids.append(parsed(rest[: int(size)])[1]["id"])
        data = rest[int(size) :]
    assert ids == [f"{1:064x}", f"{2:064x}"]


def test_a_stream_socket_of_this_machine_gets_a_line_each(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "log"))
        listener.listen()
        here = sink(str(folder / "log"))
        here.deliver([sample_alert(1), sample_alert(2)])
        peer, _ = listener.accept()
        here.close()
        with peer, peer.makefile("rb") as file:
            assert [parsed(line[:-1])[1]["id"] for line in file] == [f"{1:064x}", f"{2:064x}"]


def test_a_collector_that_comes_back_is_found_again(folder: Path) -> None:
    here = sink(str(folder / "log"))
    with pytest.raises(DeliveryError, match="no such file"):
        here.deliver([sample_alert(1)])
    with datagrams(folder / "log") as log:
        here.deliver([sample_alert(1)])
        log.recv(65536)
    with pytest.raises(DeliveryError):
        here.deliver([sample_alert(2)])
    (folder / "log").unlink()
    with datagrams(folder / "log") as log:
        here.deliver([sample_alert(2)])
        assert parsed(log.recv(65536))[1]["id"] == f"{2:064x}"
    here.close()


def test_a_tcp_collector_that_has_gone_is_noticed_before_a_message_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        here = sink(f"tcp://127.0.0.1:{tcp.getsockname()[1]}")
        here.deliver([sample_alert(1)])
        tcp.accept()[0].close()
        time.sleep(0.05)  # until this end knows
        here.deliver([sample_alert(2)])
        peer, _ = tcp.accept()
        with peer:
            assert f"{2:064x}".encode() in peer.recv(65536)
        here.close()


def test_a_collector_that_takes_nothing_is_given_up(folder: Path) -> None:
    with datagrams(folder / "log"):
        here = sink(str(folder / "log"), timeout="100ms")
        with pytest.raises(DeliveryError, match="no answer") as told:
            here.deliver([sample_alert(number) for number in range(5000)])
        assert told.value.delivered > 0
        here.close()


TEXT = st.text(st.characters(), max_size=400)


@given(text=TEXT, most=st.integers(480, 4096))
def test_whatever_a_log_says_a_message_keeps_the_grammar_and_its_bound(text: str, most: int) -> None:
    alert = sample_alert(1, source=text, entity=text, instance=text, rule=text, detail=text, lines=(Line(text, 0, 0),))
    data = message(alert, SyslogConfig(max_bytes=most), "host", 1_700_000_000_000_000_000)
    assert len(data) <= most
    _, pairs, said = parsed(data)
    assert pairs["id"] == f"{1:064x}"
    for value in [said, *pairs.values()]:
        assert escape(value) == value
    if "source" in pairs and text:
        assert escape(text).startswith(pairs["source"])


def test_quotes_backslashes_and_brackets_come_back_as_they_were() -> None:
    alert = sample_alert(1, source='a"] b="c\\', entity="]" * 200)
    pairs = parsed(message(alert, SyslogConfig(), "host", 0))[1]
    assert pairs["source"] == 'a"] b="c\\'
    assert pairs["entity"] == "]" * 128
    assert "b" not in pairs


@pytest.mark.parametrize(
    "address", ["log", "ftp://host", "udp://", "tcp://host:99999", "tcp://a b", "/" + "x" * 200, ""]
)
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(ValueError, match=r"no address|too long"):
        SyslogConfig(address=address)


def fields(data: bytes) -> dict[str, bytes]:
    """A datagram as systemd's journal reads it."""
    found: dict[str, bytes] = {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
            data = rest
        else:
            name, (size,) = line, struct.unpack("<Q", rest[:8])
            value, end = rest[8 : 8 + size], rest[8 + size :]
            assert end[:1] == b"\n"
            data = end[1:]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name), name
        assert name.decode() not in found
        found[name.decode()] = value
    return found


def test_an_alert_is_an_entry_of_the_journal_with_fields(folder: Path) -> None:
    with datagrams(folder / "socket") as journal:
        here = JournalSink(JournalSinkConfig(socket=str(folder / "socket")))
        here.deliver([sample_alert(1, severity="critical", lines=(Line("one", 0, 0), Line("two\nX=1", 0, 0)))])
        found = fields(journal.recv(1 << 20))
        here.close()
        here.close()
    assert found["MESSAGE"] == b"web:/var/log/app.log: A kind of line that was never seen here before"
    assert found["PRIORITY"] == b"2"
    assert found["SYSLOG_IDENTIFIER"] == b"logwatchd-alert"
    assert found["ALERT_ID"] == f"{1:064x}".encode()
    assert found["ALERT_ENTITY"] == b"request-1"
    assert found["ALERT_LINES"] == b"one\ntwo\\nX=1"
    assert "X" not in found


@given(TEXT)
def test_no_text_of_a_log_makes_a_field_of_its_own_in_the_journal(text: str) -> None:
    alert = sample_alert(1, source=text, entity=text, instance=text, rule=text, detail=text, lines=(Line(text, 0, 0),))
    found = fields(entry(alert, "x"))
    usual = {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE_ID"}
    assert all(name in usual or name.startswith("ALERT_") for name in found)
    assert all(escape(line) == line for value in found.values() for line in value.decode().split("\n"))


def test_an_entry_always_fits_a_datagram(folder: Path) -> None:
    long = "ü\n" * 500_000
    alert = sample_alert(1, source=long, entity=long, instance=long, detail=long, lines=(Line(long, 0, 0),) * 9)
    with datagrams(folder / "socket") as journal:
        here = JournalSink(JournalSinkConfig(socket=str(folder / "socket")))
        here.deliver([alert])
        found = fields(journal.recv(1 << 20))
        here.close()
    assert len(found["ALERT_LINES"]) <= LINES_MOST
    assert all(len(value) <= VALUE_MOST for name, value in found.items() if name != "ALERT_LINES")


def test_a_journal_that_is_not_there_or_takes_nothing_is_an_error_that_passes(folder: Path) -> None:
    here = JournalSink(JournalSinkConfig(socket=str(folder / "none"), timeout="100ms"))
    with pytest.raises(DeliveryError, match="no such file"):
        here.deliver([sample_alert(1)])
    with datagrams(folder / "none"), pytest.raises(DeliveryError, match="no answer") as told:
        here.deliver([sample_alert(number) for number in range(5000)])
    assert told.value.delivered > 0


@pytest.mark.skipif(not os.path.exists("/run/systemd/journal/socket"), reason="no systemd journal on this machine")
def test_the_journal_of_this_machine_takes_an_alert() -> None:
    here = JournalSink(JournalSinkConfig())
    here.deliver([sample_alert(1)])
    here.close()
