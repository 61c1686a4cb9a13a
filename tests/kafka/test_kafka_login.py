"""What a port says of logins is believed as far as it goes: it may be anybody's."""

from __future__ import annotations

import socket
import struct

from logwatch.kafka.login import CORRELATION, UNSUPPORTED_MECHANISM, offered


def answered(count: int, names: bytes) -> list[str]:
    """Told by a port that answers with these names, and says that they are so many."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        body = struct.pack(">ihi", CORRELATION, UNSUPPORTED_MECHANISM, count) + names
        theirs.sendall(struct.pack(">i", len(body)) + body)
        return offered(ours)


def named(name: bytes) -> bytes:
    return struct.pack(">h", len(name)) + name


def test_the_ways_to_log_in_are_told() -> None:
    assert answered(2, named(b"SCRAM-SHA-512") + named(b"PLAIN")) == ["PLAIN", "SCRAM-SHA-512"]


def test_an_answer_that_ends_too_early_says_nothing() -> None:
    assert answered(3, named(b"PLAIN")) == []


def test_names_of_negative_length_are_not_read_over_and_over() -> None:
    assert answered(100_000, struct.pack(">h", -2)) == []
