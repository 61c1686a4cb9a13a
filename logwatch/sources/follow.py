"""One file's content over time, as a small state machine: bytes in, records out.

    look  →  NOTHING                 as far as we are
          →  MORE                    there are bytes to read
          →  REPLACED                other content than before: truncated, or another file on the same inode
    read  →  the same three; verifies after the read that the bytes came from the content we know

A follower knows no path, no directory and no clock of its own: `file` is anything with `stat`, `pread` and `data`,
`now` is in seconds. After REPLACED it reads nothing more; what it holds can still be taken.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from logwatch.sources.lines import At, Records, after, join, no_records
from logwatch.sources.opening import Stat
from logwatch.sources.signature import HEAD, Signature
from logwatch.sources.wide import WideSplitter, splitter_for, wide_encoding


class Content(Protocol):
    """What a follower needs of an open file."""

    def stat(self) -> Stat:
        """Size and times as they are now."""
        ...

    def pread(self, size: int, offset: int) -> bytes:
        """At most `size` bytes at `offset`."""
        ...

    def data(self, offset: int) -> int:
        """`offset`, or the end of the hole that it lies in."""
        ...


class Seen(Enum):
    """What a look at the file showed."""

    NOTHING = 0
    MORE = 1
    REPLACED = 2


class Point(NamedTuple):
    """Where reading goes on."""

    offset: int
    at: At = At.LINE


class Follower:
    """Reads one content from `point` on.

    Args:
        point: where to begin.
        signature: what the content is known by; grows as it is read.
        max_line_bytes: see LineSplitter.
    """

    __slots__ = ("_point", "_queue", "_splitter", "grown_at", "mtime", "signature", "size")

    def __init__(self, point: Point, signature: Signature, max_line_bytes: int) -> None:
        self.signature = signature
        self.size = point.offset  # the file's size when it was last looked at
        self.mtime = 0  # ns, likewise
        self.grown_at = 0.0  # when bytes last came
        self._splitter = splitter_for(signature.head, max_line_bytes, point.offset, point.at)
        self._queue = no_records()
        self._point: Point | None = None  # after the last record taken; None: the splitter's

    @property
    def fed(self) -> int:
        """Position after the last byte read."""
        return self._splitter.fed

    @property
    def held(self) -> int:
        """Bytes of the unfinished line."""
        return self._splitter.held

    @property
    def queued(self) -> int:
        """Records read and not yet taken."""
        return len(self._queue)

    @property
    def unread(self) -> int:
        """Bytes known to lie ahead."""
        return max(0, self.size - self.fed)

    @property
    def point(self) -> Point:
        """Where another follower must begin to give the records that were not taken from this one."""
        if self._point is not None:
            return self._point
        return Point(self._splitter.start, self._splitter.at)

    def look(self, file: Content) -> Seen:
        """Compare the file's size and time with what is known."""
        found = file.stat()
        touched, self.mtime = found.mtime != self.mtime, found.mtime
        if found.size < self.fed:
            return Seen.REPLACED
        if (touched or found.size != self.size) and not self.signature.fits(file.pread(HEAD, 0)):
            return Seen.REPLACED
        self.size = found.size  # of this content for sure: it matters where the rest of it is lost
        return Seen.MORE if found.size > self.fed else Seen.NOTHING

    def read(self, file: Content, size: int, now: float) -> Seen:
        """Read at most `size` bytes into the queue."""
        block = file.pread(size, self.fed)
        # In this order: had the content been replaced before the read, the head would be another by now.
        if not self.signature.fits(file.pread(HEAD, 0)):
            return Seen.REPLACED
        if not block:
            return self.look(file)
        if self._is_wide_after_all():
            return Seen.MORE
        self.grown_at = now
        self._append(self._splitter.feed(block))
        if not self._splitter.held and block.endswith(b"\0") and not block.strip(b"\0"):
            self._pass_hole(file)
        self.size = max(self.size, self.fed)
        return Seen.MORE if self.unread else Seen.NOTHING

    def flush_due(self, now: float, flush_after: float) -> bool:
        """Whether an unfinished line has waited long enough."""
        return self._splitter.held > 0 and self._splitter.at is At.LINE and now - self.grown_at >= flush_after

    def flush(self) -> None:
        """Put the unfinished line into the queue."""
        self._append(self._splitter.flush())

    def take(self, n: int) -> Records:
        """At most n records from the queue, in order."""
        taken, self._queue = self._queue.cut(n)
        if len(taken):
            last = Point(int(taken.end[-1]), after(int(taken.flags[-1])))
            self._point = last if len(self._queue) else None
        return taken

    def _is_wide_after_all(self) -> bool:
        """A file that was empty, or one byte long, may turn out to be UTF-16; it is then read again."""
        splitter = self._splitter
        if splitter.fed > 1 or isinstance(splitter, WideSplitter) or wide_encoding(self.signature.head) is None:
            return False
        self._splitter = splitter_for(self.signature.head, splitter.max)
        return True

    def _append(self, records: Records) -> None:
        if not len(records):
            return
        if len(self._queue):
            self._queue = join([self._queue, records])
            return
        self._queue = records
        # Whatever line end or hole lay before it: whoever begins at the first record's own start sees it whole.
        self._point = Point(int(records.start[0]))

    def _pass_hole(self, file: Content) -> None:
        after_hole = file.data(self.fed)
        if after_hole > self.fed and self._splitter.at is At.LINE:
            self._splitter.skip_to(after_hole)
