"""Who is followed: brings the table of followed files into line with what a scan finds.

A scan goes in this order, so that the rest of an old file always comes before the new one at its path:

    1. known files that moved or went            attached ↔ detached
    2. saved cursors whose file is still there   go on, or its content was replaced
    3. saved cursors whose file is elsewhere     renamed, copied, or gone (a gap)
    4. unknown files                             new; before them those that came and went in between
    5. closed files                              go on, where their program writes on to them
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from logwatch.sources.access import Identity
from logwatch.sources.cursor import Cursor
from logwatch.sources.endings import Endings
from logwatch.sources.follow import Point, Seen
from logwatch.sources.followed import Followed, end_point, head_of
from logwatch.sources.naming import base, is_compressed
from logwatch.sources.opening import OpenFile, Stat
from logwatch.sources.resuming import Resuming
from logwatch.sources.rotation import came_between, find_renamed
from logwatch.sources.signature import HEAD, Signature
from logwatch.sources.table import Table
from logwatch.types import Flag

LISTINGS = 3
"""How often a directory is listed where its files got other names before they were opened."""


class Roster:
    """Brings the table up to date.

    Args:
        table: the followed files.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._endings = Endings(table)
        self._resuming = Resuming(table, self._endings)
        self._early: set[str] = set()  # could not be read at the first start

    def scan(self) -> None:
        """Look at the file system and bring the table into line."""
        present = self._table.access.look({identity: entry.path for identity, entry in self._table.by_id.items()})
        self._table.paths = {identity: path for path, identity in present.items()}
        self._table.copies.begin()
        self._place(present)
        pending, ledger = self._table.ledger.pending, self._table.ledger
        for key, cursor in list(pending.items()):
            self._resuming.resume(key, cursor, present)
        for key, cursor in list(pending.items()):
            self._resuming.settle(key, cursor, present)
        waiting = {cursor.path for cursor in pending.values()}
        for path, identity in present.items():
            if identity not in self._table.by_id and path not in waiting:
                self._arrive(path)
        self._reopen_grown(present)
        self._table.forget_paths(present)
        if not ledger.started:
            ledger.started = ledger.dirty = True
            self._early = set(self._table.access.problems)

    def replaced(self, entry: Followed) -> None:
        """The content of a followed file gave way to another on the same inode."""
        # An entry whose content is gone gives its identity to the next one, or takes that of the copy.
        self._table.by_id.pop(entry.identity, None)
        file, path, identity, attached = entry.file, entry.path, entry.identity, entry.attached
        here = entry.stat() is not None
        entry.file = None
        lost = self._endings.truncated(entry)
        if file is None:
            return
        if self._table.config.once:
            file.close()
            return
        signature = head_of(file)
        before = self._came_between(path, signature.head, but=identity) if here else None
        fresh = self._table.follow(path, file, identity, Point(0), signature)
        fresh.attached, fresh.idle_since = attached, self._table.clock.monotonic()
        fresh.before = before or entry
        fresh.mark = Flag.GAP if lost else Flag.NONE

    def abandon(self, entry: Followed, reason: str) -> None:
        """Read no more of a file; what is queued can still be taken."""
        self._endings.abandon(entry, reason)

    def broken(self, entry: Followed, fault: str) -> None:
        """Read no more of a compressed file, of which everything that could be was taken."""
        self._endings.broken(entry, fault)

    def _place(self, present: Mapping[str, Identity]) -> None:
        for entry in list(self._table.live):
            if entry.over:
                continue
            if present.get(entry.path) == entry.identity:
                entry.attached = True
                continue
            path = self._table.paths.get(entry.identity)
            if path is not None and self._holds(path, entry):
                entry.path, entry.attached, entry.dirty = path, True, True
            elif self._table.config.once:
                continue
            elif entry.attached:
                self._detach(entry)
            elif entry.file is None and entry.stat() is None:
                self._relocate(entry)

    def _detach(self, entry: Followed) -> None:
        """Its path leads to it no more: drain it, wherever it is."""
        entry.attached, entry.dirty, entry.resting = False, True, -1
        entry.idle_since = self._table.clock.monotonic()
        if entry.file is not None and entry.follower.look(entry.file) is Seen.REPLACED:
            self.replaced(entry)  # before its copy is taken for a new file
        else:
            self._relocate(entry)

    def _relocate(self, entry: Followed) -> None:
        """Find the path of a file that lost its own; give it up where it is gone and was closed."""
        found = find_renamed(self._table.listings, entry.path, entry.identity, self._table.config.follow_links)
        if found is not None:
            found[1].close()
        if found is not None and self._holds(found[0], entry):
            entry.path = found[0]
        elif entry.file is None and not self._endings.continue_elsewhere(entry):
            self._endings.abandon(entry, "deleted before it was read to its end")

    def _reopen_grown(self, present: Mapping[str, Identity]) -> None:
        """Go on with closed files that grew: a program that was not told of the rotation writes on to its old file."""
        for cursor in list(self._table.ledger.closed):
            if cursor.muted or not cursor.inode or self._table.config.once or cursor.identity in self._table.by_id:
                continue
            path = self._grown(cursor)
            file = self._table.access.open(path) if path is not None and path not in present else None
            if path is None or file is None:
                continue
            signature = head_of(file)
            copied = self._table.copies.is_copy(path, signature) is not False
            if copied:  # it has the inode of a file that is gone
                self._table.ledger.followed(cursor.identity)
            found = file.stat()
            same = (found.dev, found.inode) == cursor.identity and cursor.fits(signature.head, found.size)
            if same and not copied:
                self._table.restored(
                    self._table.ledger.key(cursor.identity), cursor, path, file, signature
                ).attached = False
            else:
                file.close()

    def _grown(self, cursor: Cursor) -> str | None:
        """Where a closed file lies now, where it grew since."""
        folder, name = os.path.split(cursor.path)
        for path in self._table.listings.by_inode(folder, cursor.inode):
            with contextlib.suppress(OSError):
                found = os.stat(path)
                same = (found.st_dev, found.st_ino) == cursor.identity and base(os.path.basename(path)) == base(name)
                if same and found.st_size > cursor.offset:
                    return path
        return None

    def _holds(self, path: str, entry: Followed) -> bool:
        """Whether a file with the entry's identity has its content: where it is not open, that may be another's."""
        if entry.file is not None:
            return True
        file = self._table.access.open(path)
        if file is None:
            return True  # as long as nothing else is known
        file.reach(entry.follower.fed)
        same = file.stat().size >= entry.follower.fed and entry.follower.signature.fits(file.pread(HEAD, 0))
        file.close()
        return same

    def _arrive(self, path: str) -> None:
        """A file that is not known."""
        self._notice_replaced(path)
        file = self._table.access.open(path)
        if file is None:
            return
        signature, identity = head_of(file), _identity(file)
        file.reach(self._table.ledger.offset(identity))  # the size of a compressed file is known as far as it was read
        found = file.stat()
        if identity in self._table.by_id:  # it came to this path since the scan began
            file.close()
            return
        returned = self._table.ledger.reopen(identity, signature.head, found.size)
        if returned is not None:  # it was closed, or names were handed on since its saved position was looked for
            key, cursor = returned
            file.reach(cursor.offset)
            self._table.restored(key, cursor, path, file, signature)
            return
        copied = self._table.copies.is_copy(path, signature) if self._table.ledger.started else False
        growing = copied is None and not self._table.copies.is_stale(found.mtime)
        # Its packing has just begun.
        unpacked = is_compressed(path) and not signature.size and not self._table.config.once
        if growing or unpacked or not (copied is not False or self._table.access.is_text(path, file)):
            file.close()
            return
        if copied is not False:
            self._table.follow(path, file, identity, Point(found.size), signature).muted = True
        else:
            self._begin(path, file, found, signature)

    def _notice_replaced(self, path: str) -> None:
        """Before a copy of a new content is taken for a new file: whose content gave way to that."""
        for entry in self._table.copies.originals(path):
            if entry.attached and entry.file is not None and entry.follower.look(entry.file) is Seen.REPLACED:
                self.replaced(entry)

    def _begin(self, path: str, file: OpenFile, found: Stat, signature: Signature) -> None:
        """Follow a file with a content of its own."""
        before = self._came_between(path, signature.head)
        from_head = (self._table.ledger.started and path not in self._early) or self._from_head(found.mtime)
        self._early.discard(path)
        packed = is_compressed(path)
        at_end = not (from_head or packed)
        point, warm = end_point(file, found.size, self._table.config.warmup) if at_end else (Point(0), 0)
        entry = self._table.follow(path, file, (found.dev, found.inode), point, signature)
        entry.warm = warm
        entry.before = before
        entry.muted = packed and not from_head and not self._table.config.once  # nothing will come at its end
        if self._table.config.once and not packed:
            entry.limit = found.size

    def _from_head(self, mtime: int) -> bool:
        """Whether a file that was there at the first start is read from its head."""
        since = self._table.config.since
        return self._table.config.start == "beginning" or (since is not None and mtime >= since)

    def _came_between(self, path: str, now: bytes, but: Identity | None = None) -> Followed | None:
        """Follow what had this path after its last known content, and lost it again; the last of them.

        Args:
            now: head of what is there.
            but: its identity.
        """
        before, missed = self._table.last.get(path), self._table.missed.pop(path, None)
        rotated = base(os.path.basename(path)) != os.path.basename(path)  # such names are handed on at every rotation
        if rotated or not self._table.ledger.started or (before is None and missed is None):
            return None
        known = {but, *self._table.by_id}
        since = before.follower.mtime if before is not None else missed.mtime if missed is not None else 0
        for other, file in self._open_between(path, since, known):
            head, found = head_of(file), file.stat()
            identity = found.dev, found.inode
            unpacked = is_compressed(other) and not head.size  # its packing has just begun
            copied = head.size and (now.startswith(head.head) or (before is not None and before.original_of(head.head)))
            copied = copied or (is_compressed(other) and self._table.copies.is_copy(other, head) is not False)
            moved = identity in known or identity in self._table.by_id  # it has two names, or came to this one now
            if moved or unpacked or copied or self._table.ledger.saved(identity, head.head, found.size) is not None:
                file.close()
                continue
            entry = self._table.follow(other, file, identity, Point(0), head)
            entry.attached, entry.before = False, before
            entry.idle_since = self._table.clock.monotonic()
            before = entry
        return before

    def _open_between(self, path: str, since: int, known: set[Identity | None]) -> list[tuple[str, OpenFile]]:
        """Open what had this path since, oldest first: from one moment, as far as rotations give us one."""
        for left in reversed(range(LISTINGS)):
            opened, moved = [], False
            for other, identity in came_between(self._table.listings, path, since, known.__contains__).items():
                file = self._table.access.open(other)
                moved |= file is None or _identity(file) != identity
                if file is not None:
                    opened.append((other, file))
            if not (moved and left):
                break
            for _, file in opened:
                file.close()
        return opened


def _identity(file: OpenFile) -> Identity:
    found = file.stat()
    return found.dev, found.inode
