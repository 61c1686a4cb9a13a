"""Who is followed: brings the table of followed files into line with what a scan finds.

A scan goes in this order, so that the rest of an old file always comes before the new one at its path:

    1. known files that moved or went            attached ↔ detached
    2. saved cursors whose file is still there   go on, or its content was replaced
    3. saved cursors whose file is elsewhere     renamed, copied, or gone (a gap)
    4. unknown files                             new; before them those that came and went in between
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace

from logwatch import telemetry
from logwatch.api import Clock
from logwatch.sources.access import Access, Identity
from logwatch.sources.copies import Copies
from logwatch.sources.cursor import Cursor
from logwatch.sources.file_config import FileConfig
from logwatch.sources.follow import Follower, Point, Seen
from logwatch.sources.followed import Followed, end_point, head_of, name_instance
from logwatch.sources.ledger import Ledger, gone
from logwatch.sources.listing import Listings
from logwatch.sources.naming import base, expand, is_compressed
from logwatch.sources.opening import OpenFile
from logwatch.sources.rotation import came_between, find_renamed
from logwatch.sources.signature import HEAD, Signature, matches
from logwatch.types import Flag, Gap, Stream

BUSY_S = 0.2
"""A file that grew within this time before it was truncated was being written: lines of the race are lost for sure,
rather than perhaps."""

RACE = "it was truncated while it was written; what came between the last look, or the copy, and that is lost"


class Roster:
    """The followed files of one source.

    Args:
        config: the source's settings.
        clock: for the idle times of detached files.
        name: template of the sources' names.
        opened: told of every entry that comes with an open descriptor.
    """

    def __init__(
        self, config: FileConfig, clock: Clock, name: str, opened: Callable[[Followed], None] = lambda entry: None
    ) -> None:
        self._config = config
        self._clock = clock
        self._name = name
        self._opened = opened
        self.access = Access(config)
        self.live: dict[Followed, None] = {}  # in the order of arrival
        self.by_id: dict[Identity, Followed] = {}
        self.ledger = Ledger()
        self.gaps: list[Gap] = []
        self._listings = Listings()
        self._copies = Copies(config, clock, self.ledger, self._listings, self.by_id, self.live)
        self._last: dict[str, Followed] = {}  # path -> the last content seen there
        self._missed: dict[str, Cursor] = {}  # path -> the last content there, where it was lost
        self._early: set[str] = set()  # could not be read at the first start
        self._paths: dict[Identity, str] = {}  # of the scan in hand

    def scan(self) -> None:
        """Look at the file system and bring the table into line."""
        present = self.access.look({identity: entry.path for identity, entry in self.by_id.items()})
        self._paths = {identity: path for path, identity in present.items()}
        self._copies.begin()
        self._place(present)
        pending, ledger = self.ledger.pending, self.ledger
        for key, cursor in list(pending.items()):
            self._resume(key, cursor, present)
        for key, cursor in list(pending.items()):
            self._settle(key, cursor, present)
        waiting = {cursor.path for cursor in pending.values()}
        for path, identity in present.items():
            if identity not in self.by_id and path not in waiting:
                self._arrive(path)
        self._reopen_grown(present)
        self._forget_paths(present)
        if not ledger.started:
            ledger.started = ledger.dirty = True
            self._early = set(self.access.problems)

    def replaced(self, entry: Followed) -> None:
        """The content of a followed file gave way to another on the same inode."""
        # An entry whose content is gone gives its identity to the next one, or takes that of the copy.
        self.by_id.pop(entry.identity, None)
        file, path, identity, attached = entry.file, entry.path, entry.identity, entry.attached
        here = entry.stat() is not None
        entry.file = None
        lost = self._truncated(entry)
        if file is None:
            return
        if self._config.once:
            file.close()
            return
        signature = head_of(file)
        before = self._came_between(path, signature.head, but=identity) if here else None
        fresh = self._follow(path, file, identity, Point(0), signature)
        fresh.attached, fresh.idle_since = attached, self._clock.monotonic()
        fresh.before = before or entry
        fresh.mark = Flag.GAP if lost else Flag.NONE

    def close(self, entry: Followed) -> None:
        """Follow a file no more; everything of it has been taken."""
        self.ledger.unname(entry.instance)
        deleted = entry.file is not None and not entry.file.stat().links
        entry.release()
        self.live.pop(entry, None)
        if self.by_id.get(entry.identity) is entry:
            del self.by_id[entry.identity]
        self.ledger.forget(entry.key)
        if entry.gap is not None:
            self.gaps.append(entry.gap)
        if not (deleted or entry.over):
            self.ledger.close(entry.saved())
        elif entry.follower.signature.size:  # its packed form is not read again; whatever has its inode now is
            self.ledger.close(gone(entry.saved()))

    def abandon(self, entry: Followed, reason: str) -> None:
        """Read no more of a file; what is queued can still be taken."""
        if entry.unread:
            entry.gap = self._lost(entry, reason)
        entry.follower.flush()
        entry.over, entry.resting = True, -1
        if self.by_id.get(entry.identity) is entry:
            del self.by_id[entry.identity]

    def instance(self, entry: Followed) -> str:
        """The name of the entry's stream, fixed at its first record."""
        if not entry.instance:
            identity = None if self._config.once else entry.identity
            head = entry.follower.signature.head
            entry.instance = name_instance(identity, base(os.path.basename(entry.first)), head, self.ledger)
            self.ledger.name(entry.instance)
        return entry.instance

    # -- the steps of a scan

    def _place(self, present: Mapping[str, Identity]) -> None:
        for entry in list(self.live):
            if entry.over:
                continue
            if present.get(entry.path) == entry.identity:
                entry.attached = True
                continue
            path = self._paths.get(entry.identity)
            if path is not None and self._holds(path, entry):
                entry.path, entry.attached, entry.dirty = path, True, True
            elif self._config.once:
                continue
            elif entry.attached:
                self._detach(entry)
            elif entry.file is None and entry.stat() is None:
                self._relocate(entry)

    def _detach(self, entry: Followed) -> None:
        """Its path leads to it no more: drain it, wherever it is."""
        entry.attached, entry.dirty, entry.resting = False, True, -1
        entry.idle_since = self._clock.monotonic()
        if entry.file is not None and entry.follower.look(entry.file) is Seen.REPLACED:
            self.replaced(entry)  # before its copy is taken for a new file
        else:
            self._relocate(entry)

    def _relocate(self, entry: Followed) -> None:
        """Find the path of a file that lost its own; give it up where it is gone and was closed."""
        found = find_renamed(self._listings, entry.path, entry.identity, self._config.follow_links)
        if found is not None:
            found[1].close()
        if found is not None and self._holds(found[0], entry):
            entry.path = found[0]
        elif entry.file is None and not self._continue_elsewhere(entry):
            self.abandon(entry, "deleted before it was read to its end")

    def _reopen_grown(self, present: Mapping[str, Identity]) -> None:
        """Go on with closed files that grew: a program that was not told of the rotation writes on to its old file."""
        for cursor in list(self.ledger.closed):
            if cursor.muted or not cursor.inode or self._config.once or cursor.identity in self.by_id:
                continue
            path = self._grown(cursor)
            file = self.access.open(path) if path is not None and path not in present else None
            if path is None or file is None:
                continue
            signature = head_of(file)
            copied = self._copies.is_copy(path, signature) is not False
            if copied:  # it has the inode of a file that is gone
                self.ledger.followed(cursor.identity)
            if cursor.fits(signature.head, file.stat().size) and not copied:
                self._restored(self.ledger.key(cursor.identity), cursor, path, file, signature).attached = False
            else:
                file.close()

    def _grown(self, cursor: Cursor) -> str | None:
        """Where a closed file lies now, where it grew since."""
        folder, name = os.path.split(cursor.path)
        for path in self._listings.by_inode(folder, cursor.inode):
            with contextlib.suppress(OSError):
                found = os.stat(path)
                same = (found.st_dev, found.st_ino) == cursor.identity and base(os.path.basename(path)) == base(name)
                if same and found.st_size > cursor.offset:
                    return path
        return None

    def _holds(self, path: str, entry: Followed) -> bool:
        """Whether a file with the entry's identity has its content: that of a file that is not open may be another's."""
        if entry.file is not None:
            return True
        file = self.access.open(path)
        if file is None:
            return True  # as long as nothing else is known
        file.reach(entry.follower.fed)
        same = file.stat().size >= entry.follower.fed and entry.follower.signature.fits(file.pread(HEAD, 0))
        file.close()
        return same

    def _resume(self, key: str, cursor: Cursor, present: Mapping[str, Identity]) -> None:
        """Go on with a file that is still among those that match."""
        if not cursor.signed:
            # Nothing was in it: whatever has its inode number now is as good as new.
            self.ledger.take(key)
            self.ledger.forget(key)
            self._missed[cursor.path] = cursor
            return
        path = self._paths.get(cursor.identity)
        if path is None and present.get(cursor.path, (0, 0))[1] == cursor.inode and cursor.signed:
            path = cursor.path  # the same file on a device that got another number
        if path is None:
            return
        file = self.access.open(path)
        if file is None:
            return
        file.reach(cursor.offset)
        found = file.stat()
        signature = head_of(file)
        if (found.dev, found.inode) in self.by_id:
            file.close()
            self._elsewhere(key, cursor, "truncated while nothing was reading it")
            return
        if cursor.fits(signature.head, found.size):
            self.ledger.take(key)
            self._restored(key, cursor, path, file, signature)
            return
        file.close()
        if (found.dev, found.inode) == cursor.identity:
            self._elsewhere(key, cursor, "truncated while nothing was reading it")

    def _settle(self, key: str, cursor: Cursor, present: Mapping[str, Identity]) -> None:
        """Find a file that matches no more; report it as lost where it is not to be found."""
        if cursor.identity in self._paths or _hidden(cursor.path, present):
            return  # it is there and cannot be read now
        renamed = find_renamed(self._listings, cursor.path, cursor.identity, self._config.follow_links)
        if renamed is not None:
            path, plain = renamed
            plain.close()
            file = self.access.open(path)
            if file is None:
                return
            file.reach(cursor.offset)
            signature = head_of(file)
            wanted = path != cursor.path or not cursor.attached
            fits = cursor.fits(signature.head, file.stat().size)
            if wanted and fits:
                self.ledger.take(key)
                self._restored(key, cursor, path, file, signature).attached = False
                return
            file.close()
            if path == cursor.path and fits:
                return  # it matches no pattern any more: kept as it is, should the pattern come back
        if cursor.path in present or _mounted(cursor):
            self._elsewhere(key, cursor, "deleted while nothing was reading it")

    def _elsewhere(self, key: str, cursor: Cursor, reason: str) -> None:
        """The content is no longer where it was: go on in a copy of it, or report what is lost."""
        self.ledger.take(key)
        found = None if cursor.muted else self._copies.holding(cursor.path, cursor.offset, cursor.fits)
        if found is not None:
            path, file = found
            entry = self._restored(key, cursor, path, file, head_of(file))
            entry.attached = False
            telemetry.RACES.inc()
            if not is_compressed(path) and cursor.seen > entry.follower.size:
                stream = Stream(entry.source, self.instance(entry))
                self.gaps.append(Gap(stream, entry.follower.size, cursor.seen, reason))
            return
        self.ledger.forget(key)
        done = cursor.offset == cursor.seen and base(os.path.basename(cursor.path)) != os.path.basename(cursor.path)
        if cursor.muted or done:
            return  # a rotated file that had been read
        self._note_shorter(cursor)
        self.ledger.close(gone(cursor))
        self._missed[cursor.path] = cursor
        stream = Stream(expand(self._name, cursor.first), cursor.instance or cursor.signature[:16])
        self.gaps.append(Gap(stream, cursor.offset, max(cursor.offset, cursor.seen), reason))

    def _arrive(self, path: str) -> None:
        """A file that is not known."""
        file = self.access.open(path)
        if file is None:
            return
        found, signature = file.stat(), head_of(file)
        identity = found.dev, found.inode
        returned = self.ledger.reopen(identity, signature.head, found.size)
        if returned is not None:
            file.reach(returned.offset)
            self._restored(self.ledger.key(identity), returned, path, file, signature)
            return
        copied = self._copies.is_copy(path, signature) if self.ledger.started else False
        growing = copied is None and not self._copies.is_stale(found.mtime)
        unpacked = is_compressed(path) and not signature.size and not self._config.once  # its packing has just begun
        if growing or unpacked or not (copied is not False or self.access.is_text(path, file)):
            file.close()
            return
        if copied is not False:
            self._follow(path, file, identity, Point(found.size), signature).muted = True
            return
        before = self._came_between(path, signature.head)
        from_head = (self.ledger.started and path not in self._early) or self._from_head(found.mtime)
        self._early.discard(path)
        packed = is_compressed(path)
        at_end = not (from_head or packed)
        point, warm = end_point(file, found.size, self._config.warmup) if at_end else (Point(0), 0)
        entry = self._follow(path, file, identity, point, signature)
        entry.warm = warm
        entry.before = before
        entry.muted = packed and not from_head and not self._config.once  # nothing will come at its end
        if self._config.once and not packed:
            entry.limit = found.size

    def _from_head(self, mtime: int) -> bool:
        """Whether a file that was there at the first start is read from its head."""
        since = self._config.since
        return self._config.start == "beginning" or (since is not None and mtime >= since)

    def _came_between(self, path: str, now: bytes, but: Identity | None = None) -> Followed | None:
        """Follow what had this path after its last known content, and lost it again; the last of them.

        Args:
            now: head of what is there.
            but: its identity.
        """
        before, missed = self._last.get(path), self._missed.pop(path, None)
        rotated = base(os.path.basename(path)) != os.path.basename(path)  # such names are handed on at every rotation
        if rotated or not self.ledger.started or (before is None and missed is None):
            return None
        known = {but, *self.by_id}
        since = before.follower.mtime if before is not None else missed.mtime if missed is not None else 0
        for other in came_between(self._listings, path, since, known.__contains__):
            file = self.access.open(other)
            if file is None:
                continue
            head, found = head_of(file), file.stat()
            copied = head.size and (now.startswith(head.head) or (before is not None and before.original_of(head.head)))
            copied = copied or (is_compressed(other) and self._copies.is_copy(other, head) is not False)
            if copied or self.ledger.saved((found.dev, found.inode), head.head, found.size) is not None:
                file.close()
                continue
            entry = self._follow(other, file, (found.dev, found.inode), Point(0), head)
            entry.attached, entry.before = False, before
            entry.idle_since = self._clock.monotonic()
            before = entry
        return before

    # -- what is lost

    def _truncated(self, entry: Followed) -> bool:
        """Go on in the copy that was made of a truncated file, or end it; whether something is lost."""
        if entry.muted:
            self.abandon(entry, "")
            return False
        follower, seen = entry.follower, entry.follower.size
        busy = bool(follower.unread) or self._clock.monotonic() - follower.grown_at < BUSY_S
        if self._continue_elsewhere(entry):
            end = follower.size
            if busy or seen > end:
                self.gaps.append(Gap(Stream(entry.source, self.instance(entry)), end, max(end, seen), RACE))
                return True
        else:
            self._note_copy(entry)
            self.abandon(entry, "truncated before it was read to its end")
            if busy and entry.gap is None:
                entry.gap = self._lost(entry, RACE)
        if entry.gap is None:
            telemetry.RACES.inc()
        return entry.gap is not None

    def _lost(self, entry: Followed, reason: str) -> Gap:
        stream, follower = Stream(entry.source, self.instance(entry)), entry.follower
        return Gap(stream, follower.fed, max(follower.fed, follower.size), reason)

    def _continue_elsewhere(self, entry: Followed) -> bool:
        """Go on with the rest of a file in a copy of it, or in its packed form."""
        follower = entry.follower
        if not follower.signature.size:
            return False
        known = follower.signature.head

        def fits(head: bytes, size: int) -> bool:
            return size >= follower.fed and head.startswith(known)

        found = self._copies.holding(entry.path, follower.fed, fits)
        if found is None:
            return False
        path, file = found
        if self.by_id.get(entry.identity) is entry:
            del self.by_id[entry.identity]
        status = file.stat()
        entry.identity = status.dev, status.inode
        self._displace(entry.identity)
        entry.path, entry.file, entry.attached = path, file, False
        entry.idle_since = self._clock.monotonic()
        entry.dirty = True
        self.by_id[entry.identity] = entry
        self.ledger.followed(entry.identity)
        self._opened(entry)
        return follower.look(file) is not Seen.REPLACED

    def _note_copy(self, entry: Followed) -> None:
        """More was read than the copy holds: there is nothing new in it."""
        known = entry.follower.signature.head
        self._mute(entry.saved(), lambda head: known.startswith(head))

    def _note_shorter(self, cursor: Cursor) -> None:
        """Likewise, where only a hash of the head is known."""
        self._mute(cursor, lambda head: matches(head, cursor.signed, cursor.signature))

    def _mute(self, cursor: Cursor, begins: Callable[[bytes], bool]) -> None:
        found = self._copies.begun(cursor.path, cursor.offset, begins)
        if found is None:
            return
        path, file = found
        status, head = file.stat(), head_of(file)
        file.close()
        self.ledger.followed((status.dev, status.inode))
        self.ledger.close(
            replace(
                cursor, path=path, first=path, dev=status.dev, inode=status.inode, signed=head.size,
                signature=head.hash(), offset=status.size, seen=status.size, at="line", instance="", muted=True,
            )
        )  # fmt: skip

    # -- entries

    def _follow(self, path: str, file: OpenFile, identity: Identity, point: Point, signature: Signature) -> Followed:
        follower = Follower(point, signature, self._config.max_line_bytes)
        entry = Followed(self.ledger.key(identity), path, expand(self._name, path), identity, follower)
        entry.file = file
        self._enter(entry)
        return entry

    def _restored(self, key: str, cursor: Cursor, path: str, file: OpenFile, signature: Signature) -> Followed:
        self.ledger.name(cursor.instance)
        found = file.stat()
        self._displace((found.dev, found.inode))
        follower = Follower(cursor.point, signature, self._config.max_line_bytes)
        entry = Followed(key, path, expand(self._name, cursor.first), (found.dev, found.inode), follower)
        entry.first, entry.instance, entry.warm, entry.muted = cursor.first, cursor.instance, cursor.warm, cursor.muted
        entry.file = file
        entry.idle_since = self._clock.monotonic()
        if self._config.once and not is_compressed(path):
            entry.limit = found.size
        self._last[cursor.path] = entry
        self._enter(entry)
        return entry

    def _displace(self, identity: Identity) -> None:
        """A copy that was known and not read is followed for what it holds."""
        other = self.by_id.get(identity)
        if other is not None and other.muted:
            self.close(other)

    def _enter(self, entry: Followed) -> None:
        self.live[entry] = None
        self.by_id[entry.identity] = entry
        self._last[entry.path] = entry
        self._copies.entered(entry)
        self.ledger.followed(entry.identity)
        if entry.file is not None and not entry.muted:
            entry.follower.look(entry.file)
        self._opened(entry)

    def _forget_paths(self, present: Mapping[str, Identity]) -> None:
        if len(self._last) > 2 * len(self.live) + 1000:
            self._last = {p: entry for p, entry in self._last.items() if p in present or entry in self.live}


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
