"""A restart: saved positions meet the files as they are now."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from logwatch import telemetry
from logwatch.sources.access import Identity
from logwatch.sources.cursor import Cursor
from logwatch.sources.endings import Endings
from logwatch.sources.followed import head_of
from logwatch.sources.ledger import gone
from logwatch.sources.naming import base, expand, is_compressed
from logwatch.sources.rotation import find_renamed
from logwatch.sources.table import Table
from logwatch.types import Gap, Stream


class Resuming:
    """Goes on from saved cursors.

    Args:
        table: the followed files.
        endings: for contents that are no longer where they were.
    """

    def __init__(self, table: Table, endings: Endings) -> None:
        self._table = table
        self._endings = endings

    def resume(self, key: str, cursor: Cursor, present: Mapping[str, Identity]) -> None:
        """Go on with a file that is still among those that match."""
        if not cursor.signed:
            # Nothing was in it: whatever has its inode number now is as good as new.
            self._table.ledger.take(key)
            self._table.ledger.forget(key)
            self._table.missed[cursor.path] = cursor
            return
        path = self._table.paths.get(cursor.identity)
        if path is None and present.get(cursor.path, (0, 0))[1] == cursor.inode and cursor.signed:
            path = cursor.path  # the same file on a device that got another number
        if path is None:
            return
        file = self._table.access.open(path)
        if file is None:
            return
        file.reach(cursor.offset)
        found = file.stat()
        signature = head_of(file)
        if (found.dev, found.inode) in self._table.by_id:
            file.close()
            self._elsewhere(key, cursor, "truncated while nothing was reading it")
            return
        if cursor.fits(signature.head, found.size):
            self._table.ledger.take(key)
            self._table.restored(key, cursor, path, file, signature)
            return
        file.close()
        if (found.dev, found.inode) == cursor.identity:
            self._elsewhere(key, cursor, "truncated while nothing was reading it")

    def settle(self, key: str, cursor: Cursor, present: Mapping[str, Identity]) -> None:
        """Find a file that matches no more; report it as lost where it is not to be found."""
        if cursor.identity in self._table.paths or _hidden(cursor.path, present):
            return  # it is there and cannot be read now
        renamed = find_renamed(self._table.listings, cursor.path, cursor.identity, self._table.config.follow_links)
        if renamed is not None:
            path, plain = renamed
            plain.close()
            file = self._table.access.open(path)
            if file is None:
                return
            file.reach(cursor.offset)
            signature = head_of(file)
            wanted = path != cursor.path or not cursor.attached
            fits = cursor.fits(signature.head, file.stat().size)
            if wanted and fits:
                self._table.ledger.take(key)
                self._table.restored(key, cursor, path, file, signature).attached = False
                return
            file.close()
            if path == cursor.path and fits:
                return  # it matches no pattern any more: kept as it is, should the pattern come back
        if cursor.path in present or _mounted(cursor):
            self._elsewhere(key, cursor, "deleted while nothing was reading it")

    def _elsewhere(self, key: str, cursor: Cursor, reason: str) -> None:
        """The content is no longer where it was: go on in a copy of it, or report what is lost."""
        self._table.ledger.take(key)
        found = None if cursor.muted else self._table.copies.holding(cursor.path, cursor.offset, cursor.fits)
        if found is not None:
            path, file = found
            entry = self._table.restored(key, cursor, path, file, head_of(file))
            entry.attached = False
            if is_compressed(path):
                return
            telemetry.RACES.inc()
            if cursor.seen > entry.follower.size:
                stream = self._table.stream(entry)
                self._table.gaps.append(Gap(stream, entry.follower.size, cursor.seen, reason))
            return
        self._table.ledger.forget(key)
        done = cursor.offset == cursor.seen and base(os.path.basename(cursor.path)) != os.path.basename(cursor.path)
        if cursor.muted or done:
            return  # a rotated file that had been read
        self._endings.note_shorter(cursor)
        self._table.ledger.close(gone(cursor))
        self._table.missed[cursor.path] = cursor
        stream = Stream(expand(self._table.name, cursor.first), cursor.instance or cursor.signature[:16])
        self._table.gaps.append(Gap(stream, cursor.offset, max(cursor.offset, cursor.seen), reason))


def _hidden(path: str, present: Mapping[str, Identity]) -> bool:
    """Whether something is at the path that is not among the files, or the path cannot be looked at."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode) and path not in present
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _mounted(cursor: Cursor) -> bool:
    """Whether the file system that held the file is there, so that its absence means that it was deleted."""
    folder = os.path.dirname(cursor.path)
    while folder != "/" and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        return os.stat(folder).st_dev == cursor.dev
    except OSError:
        return False
