"""Source `skeleton`: the lines of one file, from its beginning to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from logwatch.api import PluginConfig, RecordBatch, Stream, plugin


class Config(PluginConfig):
    """Settings of `[[source]]` with `kind = "skeleton"`; unknown keys are refused."""

    path: str


@plugin(kind="source", name="skeleton", api=(1, 0), config=Config)
class Skeleton:
    """Reads in order, and goes on from a cursor: the byte after the last line that was processed."""

    def __init__(self, config: Config, name: str = "skeleton") -> None:
        self._file = open(config.path, "rb")  # closed by `close`
        self._stream = Stream(name, "lines")
        self._at = 0
        self._done = False

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Go on from what an earlier run saved; empty at the first start."""
        self._at = int(cursors.get("at", b"0"))
        self._file.seek(self._at)

    def poll(self, max_records: int) -> RecordBatch | None:
        """The next lines, without waiting; None where there is nothing new."""
        lines: list[bytes] = []
        ends: list[int] = []
        begin = self._at
        while len(lines) < max_records and (line := self._file.readline()):
            self._at += len(line)
            lines.append(line.rstrip(b"\n"))
            ends.append(self._at)
        self._done = len(lines) < max_records
        if not lines:
            return None
        n, end = len(lines), np.array(ends, np.int64)
        start = np.concatenate([np.array([begin], np.int64), end[:-1]])
        cursor: dict[str, bytes | None] = {"at": b"%d" % self._at}
        return RecordBatch(lines, [self._stream], np.zeros(n, np.int32), start, end, np.zeros(n, np.uint8), cursor)

    def wait(self, seconds: float) -> None:
        """Sleep until something may have come."""
        time.sleep(seconds)

    def exhausted(self) -> bool:
        """Whether everything was delivered, and nothing more will come."""
        return self._done

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()
