"""What becomes of a content that left its place: it goes on in a copy or its packed form, or a gap is admitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from logwatch import telemetry
from logwatch.sources.cursor import Cursor
from logwatch.sources.follow import Seen
from logwatch.sources.followed import Followed, head_of
from logwatch.sources.signature import matches
from logwatch.sources.table import Table
from logwatch.types import Gap

BUSY_S = 0.2
"""A file that grew within this time before it was truncated was being written: lines of the race are lost for sure,
rather than perhaps."""

RACE = "it was truncated while it was written; what came between the last look, or the copy, and that is lost"


class Endings:
    """Ends contents, or finds where they go on.

    Args:
        table: the followed files.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def abandon(self, entry: Followed, reason: str) -> None:
        """Read no more of a file; what is queued can still be taken."""
        if entry.unread:
            entry.gap = self._lost(entry, reason)
        entry.follower.flush()
        entry.over, entry.resting = True, -1
        if self._table.by_id.get(entry.identity) is entry:
            del self._table.by_id[entry.identity]

    def broken(self, entry: Followed, fault: str) -> None:
        """Read no more of a compressed file: what comes after the fault is lost."""
        self._table.gaps.append(self._lost(entry, fault))
        telemetry.DROPPED.inc(reason="damaged_file")
        entry.muted = entry.dirty = True

    def truncated(self, entry: Followed) -> bool:
        """Go on in the copy that was made of a truncated file, or end it; whether something is lost."""
        if entry.muted:
            self.abandon(entry, "")
            return False
        follower, seen = entry.follower, entry.follower.size
        busy = bool(follower.unread) or self._table.clock.monotonic() - follower.grown_at < BUSY_S
        if self.continue_elsewhere(entry):
            end = follower.size
            if busy or seen > end:
                self._table.gaps.append(Gap(self._table.stream(entry), end, max(end, seen), RACE))
                return True
        else:
            self._note_copy(entry)
            self.abandon(entry, "truncated before it was read to its end")
            if busy and entry.gap is None:
                entry.gap = self._lost(entry, RACE)
        if entry.gap is None:
            telemetry.RACES.inc()
        return entry.gap is not None

    def continue_elsewhere(self, entry: Followed) -> bool:
        """Go on with the rest of a file in a copy of it, or in its packed form."""
        follower = entry.follower
        if not follower.signature.size:
            return False
        known = follower.signature.head

        def fits(head: bytes, size: int) -> bool:
            return size >= follower.fed and head.startswith(known)

        found = self._table.copies.holding(entry.path, follower.fed, fits)
        if found is None:
            return False
        path, file = found
        if self._table.by_id.get(entry.identity) is entry:
            del self._table.by_id[entry.identity]
        status = file.stat()
        entry.identity = status.dev, status.inode
        self._table.displace(entry.identity)
        entry.path, entry.file, entry.attached = path, file, False
        entry.idle_since = self._table.clock.monotonic()
        entry.dirty = True
        self._table.by_id[entry.identity] = entry
        self._table.ledger.followed(entry.identity)
        self._table.opened(entry)
        return follower.look(file) is not Seen.REPLACED

    def note_shorter(self, cursor: Cursor) -> None:
        """Likewise, where only a hash of the head is known."""
        self._mute(cursor, lambda head: matches(head, cursor.signed, cursor.signature))

    def _note_copy(self, entry: Followed) -> None:
        """More was read than the copy holds: there is nothing new in it."""
        known = entry.follower.signature.head
        self._mute(entry.saved(), lambda head: known.startswith(head))

    def _mute(self, cursor: Cursor, begins: Callable[[bytes], bool]) -> None:
        found = self._table.copies.begun(cursor.path, cursor.offset, begins)
        if found is None:
            return
        path, file = found
        status, head = file.stat(), head_of(file)
        file.close()
        self._table.ledger.followed((status.dev, status.inode))
        self._table.ledger.close(
            replace(
                cursor, path=path, first=path, dev=status.dev, inode=status.inode, signed=head.size,
                signature=head.hash(), offset=status.size, seen=status.size, at="line", instance="", muted=True,
            )
        )  # fmt: skip

    def _lost(self, entry: Followed, reason: str) -> Gap:
        stream, follower = self._table.stream(entry), entry.follower
        return Gap(stream, follower.fed, max(follower.fed, follower.size), reason)
