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
        max_size: bytes of the file; with `PATH.1` there may be twice as many.
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
        data = b"".join(self._line(letter) for letter in letters)
        try:
            if self._fd < 0 or self._size + len(data) > self._max:
                self._open()
            os.write(self._fd, data)
            self._size += len(data)
        except OSError as error:
            DROPPED.inc(len(letters), reason=UNWRITTEN)
            if not self._said:
                self._said = True
                log.warning("dead letters cannot be written", path=str(self._path), error=error.strerror or str(error))

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
