"""Fakes: a source from a list, a sink into a list, a clock that stands until it is moved."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from logwatch.types import Alert, RecordBatch, Stream


class ManualClock:
    """A clock that only moves when told to; implements `logwatch.api.Clock`.

    Args:
        now: wall time, ns since the epoch.
    """

    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass, ≥ 0."""
        self._now += round(seconds * 1e9)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """Step the wall clock back, as an administrator would; the monotonic one goes on."""
        self._now -= round(seconds * 1e9)


class ListSource:
    """Delivers lines from memory, with byte positions as a file has them.

    Args:
        lines: of one stream, or by stream.
        source: name of the source where `lines` is one stream.
        live: not exhausted at the end: `feed` brings more.
    """

    def __init__(
        self,
        lines: Sequence[bytes] | Mapping[Stream, Sequence[bytes]] = (),
        *,
        source: str = "test",
        live: bool = False,
    ) -> None:
        streams = lines if isinstance(lines, Mapping) else {Stream(source, "list"): lines}
        self._lines = {stream: list(own) for stream, own in streams.items()}
        self._next = dict.fromkeys(self._lines, 0)
        self._live = live
        self._more = threading.Event()
        self.closed = False

    def feed(self, lines: Iterable[bytes], stream: Stream | None = None) -> None:
        """Append lines, from any thread."""
        stream = stream or next(iter(self._lines))
        self._lines.setdefault(stream, []).extend(lines)
        self._next.setdefault(stream, 0)
        self._more.set()

    def open(self, cursors: Mapping[str, bytes]) -> None:
        for stream in self._next:
            self._next[stream] = int(cursors.get(_cursor(stream), b"0"))

    def poll(self, max_records: int) -> RecordBatch | None:
        for stream, own in self._lines.items():
            begin = self._next[stream]
            taken = own[begin : begin + max_records]
            if taken:
                self._next[stream] += len(taken)
                return self._batch(stream, begin, taken)
        return None

    def _batch(self, stream: Stream, begin: int, lines: list[bytes]) -> RecordBatch:
        offset = sum(len(line) + 1 for line in self._lines[stream][:begin])
        end = offset + np.cumsum([len(line) + 1 for line in lines], dtype=np.int64)
        start = np.concatenate([np.array([offset], np.int64), end[:-1]])
        cursor: dict[str, bytes | None] = {_cursor(stream): b"%d" % (begin + len(lines))}
        n = len(lines)
        return RecordBatch(lines, [stream], np.zeros(n, np.int32), start, end, np.zeros(n, np.uint8), cursor)

    def wait(self, seconds: float) -> None:
        if self._more.wait(seconds):
            self._more.clear()

    def exhausted(self) -> bool:
        return not self._live and all(self._next[stream] == len(own) for stream, own in self._lines.items())

    def close(self) -> None:
        self.closed = True


def _cursor(stream: Stream) -> str:
    return f"{stream.source}\x00{stream.instance}"


class ListSink:
    """Keeps what was delivered; fails on request."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.closed = False
        self._failures = 0

    def fail_next(self, times: int) -> None:
        """Let the next deliveries raise ConnectionError, before anything of them is kept."""
        self._failures = times

    def deliver(self, alerts: list[Alert]) -> None:
        if self._failures:
            self._failures -= 1
            raise ConnectionError("as asked for by fail_next")
        self.alerts.extend(alerts)

    def close(self) -> None:
        self.closed = True
