"""Which ways to log in a broker offers, asked of it by hand: of a client that does not log in it only hangs up on.

Format: kafka.apache.org/protocol, SaslHandshake version 1.
"""

from __future__ import annotations

import socket
import struct

SASL_HANDSHAKE, VERSION, CORRELATION = 17, 1, 1
UNSUPPORTED_MECHANISM = 33
LONGEST = 10_000


def offered(connection: socket.socket) -> list[str]:
    """What a port that wants a login offers; empty where it wants none, or is no broker's."""
    request = struct.pack(">hhihh", SASL_HANDSHAKE, VERSION, CORRELATION, -1, 0)  # no client id, no mechanism
    try:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _read(connection, 4))
        return _mechanisms(_read(connection, size)) if 0 < size < LONGEST else []
    except (OSError, struct.error, UnicodeDecodeError):
        return []


def _mechanisms(answer: bytes) -> list[str]:
    correlation, error, count = struct.unpack_from(">ihi", answer)
    if correlation != CORRELATION or error != UNSUPPORTED_MECHANISM:
        return []
    names, at = [], 10
    for _ in range(count):
        (size,) = struct.unpack_from(">H", answer, at)  # none is null: a negative one would not end
        names.append(answer[at + 2 : at + 2 + size].decode("ascii"))
        at += 2 + size
    return sorted(names)


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return bytes(data)
