"""Alerts to systemd's journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): an entry each, with fields.

Values are bounded so that an entry always fits a datagram, and written with their length, so that a line end in one
cannot begin another field.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from logwatch.api import Alert, plugin
from logwatch.errors import DeliveryError
from logwatch.sinks.journal_config import JournalSinkConfig
from logwatch.sinks.render import escape, headline
from logwatch.sinks.syslog import OVER, SEVERITY, cut

VALUE_MOST, LINES_MOST = 2048, 16_384
"""Bytes of a field, and of the one with the lines."""

MESSAGE_ID = "6f0c2d3b8d5e4f7a9c1b7e0d5a3f4c21"
"""Of every entry: `journalctl MESSAGE_ID=…`."""

LINES = 5


@plugin(kind="sink", name="journal", api=(1, 0), config=JournalSinkConfig)
class JournalSink:
    """Writes each alert as an entry. A journal that is not there is an error of `deliver`.

    Args:
        config: its settings.
    """

    def __init__(self, config: JournalSinkConfig) -> None:
        self._config = config
        self._socket: socket.socket | None = None

    def deliver(self, alerts: list[Alert]) -> None:
        """Write all, in order. Raises DeliveryError, which says how many were written."""
        for done, alert in enumerate(alerts):
            try:
                if self._socket is None:
                    self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                    self._socket.settimeout(self._config.timeout)
                self._socket.sendto(entry(alert, self._config.identifier), self._config.socket)
            except OSError as error:
                self.close()
                why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or type(error).__name__)
                raise DeliveryError(f"{self._config.socket}: {why.lower()}", delivered=done) from None

    def close(self) -> None:
        """Release the socket. Safe to call twice."""
        open_, self._socket = self._socket, None
        if open_ is not None:
            open_.close()


def entry(alert: Alert, identifier: str) -> bytes:
    """The datagram of an alert."""
    return b"".join(_field(name, value) for name, value in _fields(alert, identifier))


def _fields(alert: Alert, identifier: str) -> Iterator[tuple[str, str]]:
    yield "MESSAGE", f"{escape(alert.source)}: {headline(alert)}"
    yield "PRIORITY", str(OVER if alert.state == "end" else SEVERITY.get(alert.severity, 4))
    yield "SYSLOG_IDENTIFIER", identifier
    yield "MESSAGE_ID", MESSAGE_ID
    for name in (
        "id",
        "incident",
        "state",
        "severity",
        "source",
        "instance",
        "entity",
        "kind",
        "rule",
        "count",
        "score",
    ):
        value = getattr(alert, name)
        if value is not None and value != "":
            yield f"ALERT_{name.upper()}", escape(str(value))
    if alert.lines:
        yield "ALERT_LINES", "\n".join(escape(line.text) for line in alert.lines[:LINES])


def _field(name: str, value: str) -> bytes:
    data = cut(value.encode(), LINES_MOST if name == "ALERT_LINES" else VALUE_MOST)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)
