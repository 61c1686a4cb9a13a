"""Standard input as one stream: `journalctl -f | logwatchd tail -`. Lines, or syslog with octet counts."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Mapping

import numpy as np

from logwatch.api import Clock, plugin
from logwatch.errors import StateCorrupt
from logwatch.sources.lines import Records, join, no_records
from logwatch.sources.octets import StreamSplitter
from logwatch.sources.stdin_config import StdinConfig
from logwatch.types import RecordBatch, Stream

READ = 256 * 1024
"""Bytes of one read; a pipe holds 64 KiB, a redirected file more."""

CELL = "stdin"
"""Name of the cursor."""


@plugin(kind="source", name="stdin", api=(1, 0), config=StdinConfig)
class StdinSource:
    """Reads a descriptor until its end. What was read before a crash cannot be read again.

    Its cursor counts the runs: positions begin at 0 in each, so each is a stream of its own.

    Args:
        config: its settings.
        clock: for the wait for an unfinished line.
        name: name of the source.
        fd: the descriptor; never closed by this class.
    """

    def __init__(self, config: StdinConfig, clock: Clock, name: str = "stdin", fd: int = 0) -> None:
        self._config = config
        self._clock = clock
        self._name = name if "{" not in name else "stdin"
        self._stream = Stream(self._name, "1")
        self._cursor: dict[str, bytes | None] = {}
        self._fd = fd
        self._splitter = StreamSplitter(config.max_line_bytes)
        self._queue = no_records()
        self._ended = False
        self._grown_at = 0.0

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Start. Raises StateCorrupt where the cursor cannot be read."""
        try:
            run = json.loads(cursors[CELL])["runs"] + 1 if CELL in cursors else 1
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt(f"the cursor of the standard input cannot be read: {error}") from error
        self._stream = Stream(self._name, str(run))
        self._cursor = {CELL: json.dumps({"v": 1, "runs": run}).encode()}

    def poll(self, max_records: int) -> RecordBatch | None:
        """What came since the last call, without waiting."""
        while len(self._queue) < max_records and self._readable(0.0):
            self._read()
        held = self._splitter.held and self._clock.monotonic() - self._grown_at >= self._config.flush_after
        if self._ended or held:
            self._append(self._splitter.flush())
        if not len(self._queue):
            return None
        taken, self._queue = self._queue.cut(max_records)
        which = np.zeros(len(taken), np.int32)
        cursor, self._cursor = self._cursor, {}
        return RecordBatch(taken.lines, [self._stream], which, taken.start, taken.end, taken.flags, cursor)

    def wait(self, seconds: float) -> None:
        """Sleep until something comes, at most `seconds`."""
        if not self._ended and not len(self._queue):
            self._readable(seconds)

    def exhausted(self) -> bool:
        """Whether the input has ended and everything was delivered."""
        return self._ended and not len(self._queue) and not self._splitter.held

    def close(self) -> None:
        """Read no more."""
        self._ended = True

    def _readable(self, seconds: float) -> bool:
        if self._ended:
            return False
        poller = select.poll()
        poller.register(self._fd, select.POLLIN | select.POLLHUP)
        return bool(poller.poll(seconds * 1000))

    def _read(self) -> None:
        try:
            block = os.read(self._fd, READ)
        except BlockingIOError:
            return
        except OSError:
            block = b""
        if not block:
            self._ended = True
            return
        self._grown_at = self._clock.monotonic()
        self._append(self._splitter.feed(block))

    def _append(self, records: Records) -> None:
        if len(records):
            self._queue = join([self._queue, records]) if len(self._queue) else records
