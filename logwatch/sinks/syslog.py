"""Alerts to a syslog collector: RFC 5424, over a socket of this machine, UDP, or TCP with octet counts (RFC 6587).

Syslog has no answer: what a collector lost after it had taken it is not known here.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from logwatch.api import Alert, Clock, plugin
from logwatch.errors import DeliveryError
from logwatch.sinks.render import escape, headline
from logwatch.sinks.syslog_config import FACILITIES, Place, SyslogConfig, place_of

SEVERITY = {"critical": 2, "warning": 4, "info": 6}
OVER = 5
"""Severity of an end: notice."""

SD_ID = "logwatchd@32473"
"""Name of our structured data. 32473 is for those who have no number of their own (RFC 5612)."""

VALUE_MOST = 128
"""Characters of a value of structured data: with all of them, a sentence still fits the shortest message."""

BOM = b"\xef\xbb\xbf"
"""Says that the text is UTF-8."""


@plugin(kind="sink", name="syslog", api=(1, 0), config=SyslogConfig)
class SyslogSink:
    """Sends each alert as one message. A collector that is not there is an error of `deliver`.

    Args:
        config: its settings.
        clock: for the time of a message.
    """

    def __init__(self, config: SyslogConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._place = place_of(config.address)
        self._host = _printable(socket.gethostname(), 255)
        self._socket: socket.socket | None = None

    def deliver(self, alerts: list[Alert]) -> None:
        """Send all, in order. Raises DeliveryError, which says how many were sent."""
        for done, alert in enumerate(alerts):
            try:
                self._send(message(alert, self._config, self._host, self._clock.now()))
            except OSError as error:
                self.close()
                why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or type(error).__name__)
                raise DeliveryError(f"{self._config.address}: {why.lower()}", delivered=done) from None

    def close(self) -> None:
        """Release the socket. Safe to call twice."""
        open_, self._socket = self._socket, None
        if open_ is not None:
            open_.close()

    def _send(self, text: bytes) -> None:
        if self._socket is not None and self._is_over(self._socket):
            self.close()
        if self._socket is None:
            self._socket = _connected(self._place, self._config.timeout)
        if self._socket.type == socket.SOCK_DGRAM:
            self._socket.send(text)
        elif self._place.kind == "tcp":
            self._socket.sendall(b"%d %s" % (len(text), text))
        else:
            self._socket.sendall(text + b"\n")  # as libc writes to a stream

    def _is_over(self, open_: socket.socket) -> bool:
        """Whether the other side has closed a stream: what is written to it then is lost without a word."""
        if open_.type == socket.SOCK_DGRAM:
            return False
        there = select.poll()
        there.register(open_, select.POLLIN)
        if not there.poll(0):
            return False
        try:
            return open_.recv(4096) == b""
        except OSError:
            return True


def _connected(place: Place, timeout: float) -> socket.socket:
    """A socket on the place. Raises OSError."""
    if place.kind == "tcp":
        return socket.create_connection((place.host, place.port), timeout)
    if place.kind == "udp":
        family, kind, proto, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_DGRAM)[0]
        return _connect(socket.socket(family, kind, proto), address, timeout)
    try:
        return _connect(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), place.host, timeout)
    except OSError as error:
        with suppress(OSError):  # some collectors have a stream there
            return _connect(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), place.host, timeout)
        raise error


def _connect(new: socket.socket, address: object, timeout: float) -> socket.socket:
    try:
        new.settimeout(timeout)
        new.connect(address)  # type: ignore[arg-type]  # a path, or what getaddrinfo said
    except OSError:
        new.close()
        raise
    return new


def message(alert: Alert, config: SyslogConfig, host: str, now: int) -> bytes:
    """The message of an alert, at most `max_bytes` long; `now`: ns."""
    severity = OVER if alert.state == "end" else SEVERITY.get(alert.severity, 4)
    priority = FACILITIES.index(config.facility) * 8 + severity
    stamp = datetime.fromtimestamp(now // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{now % 10**9 // 1000:06d}Z"
    head = f"<{priority}>1 {stamp} {host} {config.app_name} {os.getpid()} {alert.state} "
    data = "".join(f' {name}="{_quoted(value)}"' for name, value in _fields(alert))
    lines = "".join(f" | {escape(line.text)}" for line in alert.lines[:1])
    said = f"{escape(alert.source)}: {headline(alert)}{lines}"
    out = head.encode() + f"[{SD_ID}{data}] ".encode()
    if len(out) + len(BOM) > config.max_bytes:
        data = f' id="{_quoted(alert.id)}" incident="{_quoted(alert.incident)}"'
        out = head.encode() + f"[{SD_ID}{data}] ".encode()
    return out + BOM + cut(said.encode(), config.max_bytes - len(out) - len(BOM))


def _fields(alert: Alert) -> Iterator[tuple[str, str]]:
    for name in ("id", "incident", "severity", "source", "instance", "entity", "kind", "rule", "count"):
        value = getattr(alert, name)
        if value is not None and value != "":
            yield name, str(value)


def _quoted(text: str) -> str:
    r"""A value of structured data: `"`, `\` and `]` escaped (RFC 5424, 6.3.3), after control characters."""
    text = escape(text)[:VALUE_MOST]
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _printable(text: str, most: int) -> str:
    return "".join(character for character in text if "!" <= character <= "~")[:most] or "-"


def cut(text: bytes, most: int) -> bytes:
    """At most so many bytes of UTF-8, whole characters."""
    if len(text) <= most:
        return text
    return text[: max(0, most)].decode(errors="ignore").encode()
