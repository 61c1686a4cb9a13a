"""A syslog socket that writes lines as rsyslog does on Debian 12: RFC 3339 time, host, tag, message."""

from __future__ import annotations

import re
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

# What the C library sends: <priority>Mmm dd hh:mm:ss tag: message
MESSAGE = re.compile(rb"<\d+>(?:\w{3} [ \d]\d \d\d:\d\d:\d\d )?(.*)", re.DOTALL)


class Syslog(threading.Thread):
    """Listens on a datagram socket (``/dev/log``) and appends to ``log``."""

    def __init__(self, address: Path, log: Path, host: str) -> None:
        super().__init__(daemon=True)
        self._host = host
        self._file = log.open("ab", buffering=0)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        address.chmod(0o666)

    def run(self) -> None:
        """Write each message with the time of its arrival."""
        while True:
            match = MESSAGE.match(self._socket.recv(65536))
            if match:
                now = datetime.now(UTC).isoformat(timespec="microseconds")
                text = match[1].rstrip(b"\0\n").replace(b"\n", b"#012")
                self._file.write(f"{now} {self._host} ".encode() + text + b"\n")
