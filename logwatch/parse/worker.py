"""A process that shapes lines for its parent: the child's side, and the messages of both.

Requests and answers lie in memory that both map (an anonymous file: no `/dev/shm`, no directory to write to), two
places of each in turn; the pipes carry only where, and how long. It ends when its parent does: its input ends then.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.parse.memory import keep_memory
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Groups, Shaper
from logwatch.parse.wire import pack, unpack
from logwatch.types import Int32, Int64, UInt8

PLACE = 8 << 20
"""Bytes of one message; pages that no message has reached take no memory."""

HEAD = struct.Struct("<qq")
"""On the pipes: number of the request, bytes of its message. An answer of -1 bytes: shape it yourself."""

ROOT = str(Path(__file__).resolve().parents[1])
"""The code that runs; both sides must run the same."""


@dataclass(slots=True)
class Request:
    """Lines to be shaped."""

    settings: list[str]  # [k] JSON
    kind: Int32  # [n] index into `settings`; empty: all lines have the first
    joined: UInt8  # bytes of all lines
    length: Int64  # [n] bytes of each line; empty: a line end stands between any two, and nowhere else

    @staticmethod
    def of(lines: list[bytes], settings: Sequence[ParseSettings], kind: Int32) -> Request:
        """Args: lines: at least one."""
        texts = [json.dumps(asdict(one)) for one in settings]
        joined, length = np.frombuffer(b"\n".join(lines), np.uint8), np.zeros(0, np.int64)
        if np.count_nonzero(joined == ord("\n")) != len(lines) - 1:
            joined = np.frombuffer(b"".join(lines), np.uint8)
            length = np.fromiter(map(len, lines), np.int64, len(lines))
        return Request(texts, kind, joined, length)

    def lines(self) -> list[bytes]:
        """As they were."""
        joined = self.joined.tobytes()
        if not len(self.length):
            return joined.split(b"\n")
        ends = np.cumsum(self.length)
        spans = zip((ends - self.length).tolist(), ends.tolist(), strict=True)
        return [joined[begin:end] for begin, end in spans]

    def groups(self) -> Groups:
        """Rows by their settings."""
        known = [_settings(text) for text in self.settings]
        if not len(self.kind):
            return [(known[0], slice(None))]
        return [(one, np.flatnonzero(self.kind == i)) for i, one in enumerate(known)]


def _settings(text: str) -> ParseSettings:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(text).items()}
    return ParseSettings(**values)


class Shared:
    """The memory of both: two places for requests, two for answers.

    Args:
        file: descriptor of an anonymous file of four places.
    """

    def __init__(self, file: int) -> None:
        self._map = mmap.mmap(file, 4 * PLACE)

    @staticmethod
    def make() -> int:
        """Descriptor of a fresh file. Raises OSError, or AttributeError where the system has none."""
        file = os.memfd_create("logwatchd")
        os.ftruncate(file, 4 * PLACE)
        return file

    def put(self, place: int, message: list[bytes | memoryview]) -> int:
        """Write a message; its bytes, -1 where it is too long."""
        size = sum(map(len, message))
        if size > PLACE:
            return -1
        at = place * PLACE
        for piece in message:
            self._map[at : at + len(piece)] = piece
            at += len(piece)
        return size

    def get(self, place: int, size: int) -> bytearray:
        """A copy of a message."""
        with memoryview(self._map) as view:
            return bytearray(view[place * PLACE : place * PLACE + size])

    def close(self) -> None:
        """Unmap."""
        self._map.close()


def answer(shaper: Shaper, shared: Shared, number: int, size: int) -> int:
    """Shape one request; bytes of the answer, -1 where there is none."""
    try:
        request = unpack(Request, shared.get(number % 2, size))
        return shared.put(2 + number % 2, pack(shaper.shape(request.lines(), request.groups())))
    except Exception:  # noqa: BLE001  # whatever it is: the parent meets it too, and can say so
        return -1


def main(file: int) -> None:
    """The child: reads its rules as a line of JSON, says where its code is, and answers until its input ends."""
    for signum in (signal.SIGINT, signal.SIGTERM):  # the parent decides when it ends, and takes it along
        signal.signal(signum, signal.SIG_IGN)
    keep_memory()
    shared = Shared(file)
    with open(0, "rb", buffering=0) as heard, open(1, "wb", buffering=0) as said:
        shaper = Shaper(*json.loads(heard.readline()))
        said.write(json.dumps(ROOT).encode() + b"\n")
        while len(head := heard.read(HEAD.size) or b"") == HEAD.size:
            number, size = HEAD.unpack(head)
            said.write(HEAD.pack(number, answer(shaper, shared, number, size)))
