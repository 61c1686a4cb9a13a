"""One followed file: a content, where it is found, and its descriptor while that is open."""

from __future__ import annotations

import os
from collections.abc import Container
from itertools import count

from logwatch.sources.access import Identity
from logwatch.sources.compressed import DAMAGED, open_compressed
from logwatch.sources.cursor import Cursor
from logwatch.sources.follow import Follower, Point
from logwatch.sources.lines import At
from logwatch.sources.naming import is_compressed
from logwatch.sources.opening import OpenFile, Refused, Stat, open_regular
from logwatch.sources.signature import HEAD, Signature, digest
from logwatch.types import Flag, Gap

BACK = 64 * 1024
"""How far the start of the last line is looked for, when reading starts at the end."""


class Followed:
    """State of one file beside its content's (`follower`).

    `attached`: its path leads to it. Otherwise it was renamed, replaced or deleted, and is drained.
    `over`: its content is gone; only what is queued is left. `muted`: a copy of another file, never read.
    `before`: the file whose known rest comes first.
    """

    __slots__ = (
        "attached", "before", "cut_at", "cut_size", "dirty", "file", "first", "follower", "gap", "identity",
        "idle_since", "instance", "key", "limit", "mark", "muted", "over", "path", "resting", "served_at", "source",
        "warm",
    )  # fmt: skip

    def __init__(self, key: str, path: str, source: str, identity: Identity, follower: Follower) -> None:
        self.key = key
        self.path = self.first = path
        self.source = source
        self.identity = identity
        self.follower = follower
        self.file: OpenFile | None = None
        self.instance = ""
        self.attached = True
        self.over = False
        self.muted = False
        self.dirty = True
        self.before: Followed | None = None
        self.gap: Gap | None = None
        self.mark = Flag.NONE  # of the next record
        self.warm = 0
        self.limit: int | None = None  # read no further than this
        self.cut_size, self.cut_at = -1, 0.0  # its size as no more could be read of it, and since when
        self.idle_since = 0.0
        self.served_at = 0.0  # when records were last taken from it
        self.resting = -1  # the size at which nothing is to be done; -1: it must be looked at

    @property
    def busy(self) -> bool:
        """Whether something known is still to come from it."""
        return bool(self.follower.queued or (self.unread and not self.over))

    def original_of(self, head: bytes) -> bool:
        """Whether a file that begins with `head` may be a copy of this one, perhaps not yet finished."""
        signature = self.follower.signature
        if self.file is not None and not self.over and signature.fits(self.file.pread(HEAD, 0)):
            return signature.head.startswith(head)  # a copy never has more than its original
        return signature.head.startswith(head) or (signature.size > 0 and head.startswith(signature.head))

    @property
    def unread(self) -> int:
        """Bytes known to lie ahead, within the limit."""
        if self.muted:
            return 0
        if self.limit is not None:
            return max(0, min(self.limit, self.follower.size) - self.follower.fed)
        return self.follower.unread

    def fault(self, now: float, patience: float) -> str | None:
        """Why nothing more can be read of it: empty while that may pass, None where all is well.

        Args:
            patience: seconds for which a file that is not damaged may stay as it is.
        """
        fault = "" if self.file is None or self.muted else self.file.fault()
        if self.file is not None and fault and fault != DAMAGED:
            size = os.fstat(self.file.fd).st_size
            if size != self.cut_size:
                self.cut_size, self.cut_at = size, now
            if now - self.cut_at < patience:
                return ""
        return fault or None

    def saved(self) -> Cursor:
        """What to save, as of the last record taken."""
        follower, point = self.follower, self.follower.point
        return Cursor(
            self.path, self.first, *self.identity, follower.signature.size, follower.signature.hash(),
            point.offset, str(point.at), follower.size, follower.mtime,
            self.instance, self.warm, self.muted, self.attached,
        )  # fmt: skip

    def rest(self) -> None:
        """Note whether nothing is to be done until the file grows."""
        follower, size = self.follower, self.follower.size
        busy = bool(self.over or follower.held or follower.queued or self.unread)
        if is_compressed(self.path):
            busy = busy or (self.file is not None and self.file.fault() != "")
            size = self.resting if self.file is None else os.fstat(self.file.fd).st_size
        self.resting = size if self.attached and not busy else -1

    def asleep(self) -> bool:
        """Whether the file still has the size that it had when it was put to rest: the cheapest look there is."""
        if self.resting < 0:
            return False
        try:
            if self.file is not None and not is_compressed(self.path):
                return os.lseek(self.file.fd, 0, os.SEEK_END) == self.resting
            found = os.stat(self.path)  # a compressed file's offset is that of the decompression: it must not move
        except OSError:
            return False
        return found.st_size == self.resting and found.st_ino == self.identity[1]

    def stat(self) -> Stat | None:
        """The file's state as its path tells; None where the path leads elsewhere."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        if (found.st_dev, found.st_ino) != self.identity:
            return None
        return Stat(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def reopen(self, any_link: bool) -> OpenFile | None:
        """The open file; opened again by its path where it was closed; None where the path leads elsewhere."""
        if self.file is None:
            try:
                file = open_regular(self.path, any_link)
                found = file.stat()
                if (found.dev, found.inode) != self.identity:
                    file.close()
                    return None
                self.file = open_compressed(self.path, file) if is_compressed(self.path) else file
            except Refused:
                return None
            self.file.reach(self.follower.fed)
        return self.file

    def release(self) -> None:
        """Close the descriptor; the file can be opened again."""
        if self.file is not None:
            self.file.close()
            self.file = None


def name_instance(identity: Identity | None, name: str, head: bytes, taken: Container[str]) -> str:
    """A name for a stream that no other stream of the source has.

    The same content at the same place gets the same name in every run: from device, inode and first line; or, with
    no identity, from the file's name and the first HEAD bytes, so that a copy elsewhere has it too.
    """
    if identity is not None:
        place, content = f"{identity[0]}:{identity[1]}", head.split(b"\n", 1)[0]
    else:
        place, content = name, head
    for salt in count():
        instance = digest(f"{place}\0{salt or ''}\0".encode("utf-8", "replace") + content)[:16]
        if instance not in taken:
            break
    return instance


def end_point(file: OpenFile, size: int, warmup: int) -> tuple[Point, int]:
    """Where to begin at the end of a file with `warmup` bytes before it, and the offset where live begins.

    Live begins with the last unfinished line, so that no line is delivered without its head.
    """
    low = max(0, size - BACK)
    live = low + file.pread(size - low, low).rfind(b"\n") + 1
    if live == low > 0:
        live = size  # no line begins within reach
        return Point(size, At.SKIP), size
    if warmup <= 0:
        return Point(live), live
    begin = max(0, size - warmup)
    # One byte earlier: where that is a line end, the line behind it is whole.
    point = Point(begin - 1, At.SKIP) if begin > 0 else Point(0)
    return (point, live) if point.offset < live else (Point(live), live)


def head_of(file: OpenFile) -> Signature:
    """The signature of a file as it is now."""
    return Signature(file.pread(HEAD, 0))
