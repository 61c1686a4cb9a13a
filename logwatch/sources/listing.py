"""What lies in the directories of followed files: read once for many questions, again when a directory changed.

Ten thousand files that rotate at once ask ten thousand times where one of them went. A listing is trusted as long as
the directory's time says that nothing came or went since, and only where that time lay well before the reading: within
one tick of the file system's clock two changes leave one time.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Iterator

from logwatch.sources.naming import base, is_compressed, stem

SETTLED_NS = 50_000_000
"""Longer than a tick of any file system's clock (at most 10 ms)."""

FOLDERS_KEPT = 256
"""Directories whose listings are kept."""


class _Folder:
    """One directory as it was read."""

    __slots__ = ("_inodes", "names", "settled", "time")

    def __init__(self, folder: str) -> None:
        self.time = _changed(folder)
        self.settled = self.time > 0 and time.time_ns() - self.time > SETTLED_NS
        self._inodes: defaultdict[int, list[str]] = defaultdict(list)
        self.names: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.names.append(entry.name)
                    self._inodes[entry.inode()].append(entry.name)
        except OSError:
            pass
        self.names.sort()

    def holds(self, folder: str) -> bool:
        return self.settled and _changed(folder) == self.time

    def of_inode(self, inode: int) -> list[str]:
        return self._inodes.get(inode, [])

    def beginning(self, text: str) -> Iterator[str]:
        for at in range(bisect_left(self.names, text), len(self.names)):
            if not self.names[at].startswith(text):
                return
            yield self.names[at]


class Listings:
    """Answers questions about directories; see the module."""

    def __init__(self) -> None:
        self._folders: OrderedDict[str, _Folder] = OrderedDict()

    def by_inode(self, folder: str, inode: int) -> Iterator[str]:
        """Paths of a directory's entries with this inode number."""
        for name in self._folder(folder).of_inode(inode):
            yield os.path.join(folder, name)

    def rotated(self, path: str, compressed: bool = False) -> Iterator[str]:
        """Files beside `path` whose names differ from it by rotation only, in any order.

        Args:
            compressed: those whose names say that they are compressed, instead of the others.
        """
        folder, name = os.path.split(path)
        mine = base(name)
        for other in self._folder(folder).beginning(stem(mine)):
            if other != name and is_compressed(other) == compressed and base(other) == mine:
                yield os.path.join(folder, other)

    def _folder(self, folder: str) -> _Folder:
        known = self._folders.get(folder)
        if known is None or not known.holds(folder):
            known = self._folders[folder] = _Folder(folder)
        self._folders.move_to_end(folder)
        while len(self._folders) > FOLDERS_KEPT:
            self._folders.popitem(last=False)
        return known


def _changed(folder: str) -> int:
    """The directory's time, ns; 0 where it is not there."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
