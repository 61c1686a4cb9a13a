"""Alerts as JSON lines in a file, each exactly once.

Alerts may be offered again after a crash. On its start, and whenever the file was rotated, the sink reads the tail
of the file (and of the newest rotated one beside it), cuts a last line that a crash left incomplete, and passes over
alerts whose ids stand there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from logwatch.api import PluginConfig, plugin
from logwatch.errors import ConfigError

if TYPE_CHECKING:
    from logwatch.api import Alert

TAIL = 16 * 1024 * 1024
"""Bytes read back: thousands of alerts, where at most those of a few seconds are offered again."""

REMEMBERED = 65_536
"""Ids kept; more than can be offered again between two commits."""


class Config(PluginConfig):
    """Settings of the sink `file`."""

    path: str
    """Where to append. Created with mode 0600; its directory must exist."""


@plugin(kind="sink", name="file", api=(1, 0), config=Config)
class FileSink:
    """Appends alerts to a file, synced to the disk once per call. Raises ConfigError where it cannot be written."""

    def __init__(self, config: Config) -> None:
        self._path = os.path.abspath(os.path.expanduser(config.path))
        self._seen: dict[str, None] = {}
        self._fd = -1
        try:
            self._open()
        except OSError as error:
            raise ConfigError(
                f"sink file: {self._path} cannot be written: {error.strerror or error}",
                "create its directory, give the user that runs logwatchd the right to write there, or change `path`",
            ) from error

    def deliver(self, alerts: list[Alert]) -> None:
        """Append those that are not there yet. Raises OSError; nothing of the call is in the file then."""
        from logwatch.sinks.schema import dump_line  # needs numpy, as checking a configuration does not

        if self._rotated():
            self._open()
        fresh: dict[str, bytes] = {}
        for alert in alerts:
            if alert.id not in self._seen and alert.id not in fresh:
                fresh[alert.id] = dump_line(alert)
        if fresh:
            self._append(b"".join(fresh.values()))
            self._remember(fresh)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        self.close()
        new = not os.path.lexists(self._path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        self._fd = os.open(self._path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise OSError(0, "is no regular file")
            # Two writers would cut each other's lines.
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if new:
                _sync_directory(self._path)
            self._read_back()
        except BlockingIOError:
            self.close()
            raise OSError(0, "is written by another process") from None
        except OSError:
            self.close()
            raise

    def _read_back(self) -> None:
        size = os.fstat(self._fd).st_size
        if size < TAIL:
            older = _newest_rotated(self._path)
            if older is not None:
                with contextlib.suppress(OSError), open(older, "rb") as file:
                    length = os.fstat(file.fileno()).st_size
                    file.seek(max(0, length - TAIL))
                    self._remember(dict.fromkeys(_ids(file.read())))
        start = max(0, size - TAIL)
        tail = _read(self._fd, size - start, start)
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail) and (whole or not start):
            os.ftruncate(self._fd, start + whole)
        self._remember(dict.fromkeys(_ids(tail[:whole])))

    def _append(self, data: bytes) -> None:
        size = os.fstat(self._fd).st_size
        try:
            written = 0
            while written < len(data):
                written += os.write(self._fd, data[written:])
            os.fsync(self._fd)
        except OSError:
            # Half a batch must not stay: the whole of it will be offered again.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, size)
            raise

    def _rotated(self) -> bool:
        if self._fd < 0:
            return True
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return True
        here = os.fstat(self._fd)
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def _remember(self, ids: dict[str, bytes] | dict[str, None]) -> None:
        for one in ids:
            self._seen.pop(one, None)
            self._seen[one] = None
        for one in list(self._seen)[: max(0, len(self._seen) - REMEMBERED)]:
            del self._seen[one]


def _ids(lines: bytes) -> Iterator[str]:
    """Ids of the alerts among these lines; anything else is passed over."""
    for line in lines.split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("id"), str):
            yield found["id"]


def _read(fd: int, size: int, offset: int) -> bytes:
    blocks = []
    while size > 0 and (block := os.pread(fd, size, offset)):
        blocks.append(block)
        size, offset = size - len(block), offset + len(block)
    return b"".join(blocks)


def _newest_rotated(path: str) -> str | None:
    """The uncompressed regular file beside `path` whose name begins with its name and that was written last."""
    folder, name = os.path.split(path)
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            stem, suffix = os.path.splitext(name)
            kin = entry.name.startswith(name) or (entry.name.startswith(stem) and entry.name.endswith(suffix))
            if kin and entry.name != name and entry.is_file(follow_symlinks=False):
                found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path))
    return max(found)[1] if found else None


def _sync_directory(path: str) -> None:
    fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
