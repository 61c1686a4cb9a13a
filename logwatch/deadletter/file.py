"""Dead letters as JSON lines in a file of bounded size, readable by its owner alone."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from logwatch.deadletter import Letter
from logwatch.telemetry import DROPPED, Logger

log = Logger(__name__)

UNWRITTEN = "dead letter not written"


class LetterFile:
    """Appends letters; when the file is full it becomes `PATH.1`, and a new one is begun.

    Args:
        path: of the file.
        raw: keep the bytes as they came (base64), instead of the redacted text.
        max_size: bytes of the file; with `PATH.1` there may be twice as many. A letter that is longer is given up.
    """

    def __init__(self, path: Path, raw: bool, max_size: int) -> None:
        self._path = path
        self._raw = raw
        self._max = max_size
        self._fd = -1
        self._size = 0
        self._said = False

    def put(self, letters: Sequence[Letter]) -> None:
        """Append them; what cannot be written is counted."""
        lines = [self._line(letter) for letter in letters]
        fitting = [line for line in lines if len(line) <= self._max]
        if len(fitting) < len(lines):
            self._give_up(len(lines) - len(fitting), "a letter is longer than the file may be")
        at = 0
        try:
            while at < len(fitting):
                at = self._append(fitting, at)
        except OSError as error:
            self._give_up(len(fitting) - at, error.strerror or str(error))

    def _append(self, lines: list[bytes], at: int) -> int:
        """Write as many of the lines from `at` on as the file has room for, at least one; returns where they end."""
        while self._fd < 0 or self._size + len(lines[at]) > self._max:
            self._open()
        room, end = self._max - self._size, at
        while end < len(lines) and len(lines[end]) <= room:
            room -= len(lines[end])
            end += 1
        self._write(b"".join(lines[at:end]))
        return end

    def _write(self, data: bytes) -> None:
        """All of it or nothing: half a line would spoil the next one."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)

    def _give_up(self, count: int, reason: str) -> None:
        DROPPED.inc(count, reason=UNWRITTEN)
        if not self._said:
            self._said = True
            log.warning("dead letters cannot be written", path=str(self._path), error=reason)

    def _line(self, letter: Letter) -> bytes:
        out: dict[str, Any] = {"source": letter.source, "position": dict(letter.position), "reason": letter.reason}
        if self._raw:
            out["raw"] = base64.b64encode(letter.line).decode()
        else:
            out["text"] = letter.text
        return json.dumps(out).encode() + b"\n"  # escaped: nothing of it can act on a terminal

    def _open(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            os.replace(self._path, f"{self._path}.1")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._fd = os.open(self._path, flags, 0o600)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise OSError(0, "is no regular file")
        os.fchmod(self._fd, 0o600)
        self._size = status.st_size
        if self._size >= self._max:
            self._open()

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1
