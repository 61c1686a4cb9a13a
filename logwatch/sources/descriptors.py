"""Open descriptors: a bounded number, and none for long that keeps a deleted file on the disk."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Iterator

from logwatch.sources.followed import Followed
from logwatch.sources.opening import Stat

MAX_OPEN = 512
"""Descriptors held at once."""

SHARE = 2
"""One in so many of the descriptors that the process may have is for files; half of these for usual, all in a pinch."""


def allowed() -> int:
    """How many descriptors the files of one source may hold under the process's limit."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(4, min(MAX_OPEN, soft // (2 * SHARE))) if soft > 0 else MAX_OPEN


class Descriptors:
    """Followed files with an open descriptor, the longest unused first."""

    def __init__(self) -> None:
        self.limit = allowed()
        self._open: dict[Followed, None] = {}

    def __iter__(self) -> Iterator[Followed]:
        return iter(list(self._open))

    def used(self, entry: Followed) -> list[Followed]:
        """Note a used descriptor, and close those unused for longest that can be opened again.

        Returns:
            Files that no path leads to, beyond the limit: to close them is to lose them.
        """
        self._open.pop(entry, None)
        self._open[entry] = None
        if len(self._open) <= self.limit:
            return []
        self._release(lambda other: other.attached, but=entry)
        if len(self._open) > self.limit:
            self._release(lambda other: other.stat() is not None, but=entry)
        return [other for other in self._open if other is not entry][: max(0, len(self._open) - SHARE * self.limit)]

    def _release(self, may: Callable[[Followed], bool], but: Followed) -> None:
        """Close those that `may` be closed, the longest unused first, down to the limit."""
        for other in list(self._open):
            if len(self._open) <= self.limit:
                return
            if other is not but and may(other):
                other.release()
                del self._open[other]

    def tidy(self) -> None:
        """Forget those whose descriptor went to another."""
        self._open = {entry: None for entry in self._open if entry.file is not None}

    def drop(self, entry: Followed) -> None:
        """The descriptor is closed, or belongs to another file now."""
        self._open.pop(entry, None)

    def clear(self) -> None:
        """All are closed."""
        self._open.clear()


class Hold:
    """Deleted files that are kept open until they are read.

    Args:
        seconds: for so long after it was deleted, or last read, one is kept.
        size: so many bytes of them in all while nothing is read.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._seconds = seconds
        self._size = size
        self._since: dict[Followed, float] = {}

    def overdue(self, entries: Iterable[Followed], now: float, paused: bool) -> list[Followed]:
        """The files to let go of, the longest deleted first.

        Args:
            entries: with an open descriptor.
            now: monotonic, s.
            paused: nothing is read.
        """
        sizes = {entry: found.size for entry in entries if (found := _deleted(entry)) is not None}
        self._since = {entry: self._since.get(entry, now) for entry in sizes}
        out, total = [], sum(sizes.values())
        for entry in sorted(sizes, key=self._since.__getitem__):
            late = now - max(self._since[entry], entry.served_at) >= self._seconds
            if late or (paused and total > self._size):
                out.append(entry)
                total -= sizes[entry]
        return out


def _deleted(entry: Followed) -> Stat | None:
    try:
        found = entry.file.stat() if entry.file is not None else None
    except OSError:
        return None
    return found if found is not None and not found.links else None
