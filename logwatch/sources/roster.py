"""Who is followed: brings the table of followed files into line with what a scan finds.

A scan goes in this order, so that the rest of an old file always comes before the new one at its path:

    1. known files that moved or went            attached ↔ detached
    2. saved cursors whose file is still there   go on, or its content was replaced
    3. saved cursors whose file is elsewhere     renamed, copied, or gone (a gap)
    4. unknown files                             new; before them those that came and went in between
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from logwatch.api import Clock
from logwatch.sources.access import Access, Identity
from logwatch.sources.cursor import Cursor
from logwatch.sources.file_config import FileConfig
from logwatch.sources.follow import Follower, Point, Seen
from logwatch.sources.followed import Followed, end_point, head_of, name_instance
from logwatch.sources.naming import base, expand, is_compressed
from logwatch.sources.opening import OpenFile
from logwatch.sources.rotation import came_between, find_copy, find_renamed
from logwatch.sources.signature import Signature
from logwatch.types import Flag, Gap, Stream

CLOSED_KEPT = 128
"""Closed files remembered, so that one that comes back under another name is not read again."""

NAMES_KEPT = 256
"""Names of ended streams not given again, where a new content begins like an old one on the same inode."""

COPYING_NS = 60 * 10**9
"""A copy that is shorter than its original and was not written for so long is no copy."""


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
        self.pending: dict[str, Cursor] = {}  # saved, their files not seen yet
        self.closed: deque[Cursor] = deque(maxlen=CLOSED_KEPT)
        self.names: deque[str] = deque(maxlen=NAMES_KEPT)  # instances of streams that ended
        self.gone: list[str] = []  # keys to delete from the state
        self.gaps: list[Gap] = []
        self.started = False  # the state's first scan has been made
        self.dirty = True  # `started` or `closed` changed
        self._last: dict[str, Followed] = {}  # path -> the last content seen there
        self._missed: dict[str, Cursor] = {}  # path -> the last content there, where it was lost
        self._early: set[str] = set()  # could not be read at the first start
        self._paths: dict[Identity, str] = {}  # of the scan in hand

    def restore(
        self, pending: Mapping[str, Cursor], closed: Iterable[Cursor], names: Iterable[str], started: bool
    ) -> None:
        """Take over what was saved."""
        self.pending = dict(pending)
        self.closed.extend(closed)
        self.names.extend(names)
        self.started = started
        self.dirty = not started

    def scan(self) -> None:
        """Look at the file system and bring the table into line."""
        present = self.access.look({identity: entry.path for identity, entry in self.by_id.items()})
        self._paths = {identity: path for path, identity in present.items()}
        self._place(present)
        for key, cursor in list(self.pending.items()):
            self._resume(key, cursor, present)
        for key, cursor in list(self.pending.items()):
            self._settle(key, cursor, present)
        waiting = {cursor.path for cursor in self.pending.values()}
        for path, identity in present.items():
            if identity not in self.by_id and path not in waiting:
                self._arrive(path)
        self._forget_paths(present)
        if not self.started:
            self.started = self.dirty = True
            self._early = set(self.access.problems)

    def replaced(self, entry: Followed) -> None:
        """The content of a followed file gave way to another on the same inode."""
        # An entry whose content is gone gives its identity to the next one, or takes that of the copy.
        self.by_id.pop(entry.identity, None)
        follower, file, path, identity, attached = (
            entry.follower, entry.file, entry.path, entry.identity, entry.attached,
        )  # fmt: skip
        entry.file = None
        if not self._continue_in_copy(entry):
            entry.over = True
            follower.flush()
            if follower.unread:
                entry.gap = self._lost(entry, "truncated before it was read to its end")
        if file is None:
            return
        if self._config.once:
            file.close()
            return
        before = self._came_between(path, but=identity)
        fresh = self._follow(path, file, identity, Point(0), head_of(file))
        fresh.attached, fresh.idle_since = attached, self._clock.monotonic()
        fresh.before = before or entry
        fresh.mark = Flag.GAP if entry.gap else Flag.NONE

    def close(self, entry: Followed) -> None:
        """Follow a file no more; everything of it has been taken."""
        self.names.append(entry.instance)
        self.dirty = True
        deleted = entry.file is not None and not entry.file.stat().links
        entry.release()
        self.live.pop(entry, None)
        if self.by_id.get(entry.identity) is entry:
            del self.by_id[entry.identity]
        self.gone.append(entry.key)
        if entry.gap is not None:
            self.gaps.append(entry.gap)
        if not (entry.over or entry.muted or deleted) and entry.follower.signature.size:
            self.closed.append(entry.saved())

    def instance(self, entry: Followed) -> str:
        """The name of the entry's stream, fixed at its first record."""
        if not entry.instance:
            taken = {other.instance for other in self.live} | set(self.names)
            taken |= {cursor.instance for cursor in self.pending.values()}
            identity = None if self._config.once else entry.identity
            head = entry.follower.signature.head
            entry.instance = name_instance(identity, base(os.path.basename(entry.first)), head, taken)
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
            if path is not None:
                entry.path, entry.attached, entry.dirty = path, True, True
            elif entry.attached and not self._config.once:
                self._detach(entry)

    def _detach(self, entry: Followed) -> None:
        """Its path leads to it no more: drain it, wherever it is."""
        entry.attached, entry.dirty, entry.resting = False, True, -1
        entry.idle_since = self._clock.monotonic()
        if entry.file is not None:
            entry.follower.look(entry.file)
        found = find_renamed(entry.path, entry.identity, self._config.follow_links)
        if found is not None:
            entry.path, file = found
            file.close()
        elif entry.file is None:
            self.abandon(entry, "deleted before it was read to its end")

    def _resume(self, key: str, cursor: Cursor, present: Mapping[str, Identity]) -> None:
        """Go on with a file that is still among those that match."""
        if not cursor.signed:
            # Nothing was in it: whatever has its inode number now is as good as new.
            del self.pending[key]
            self.gone.append(key)
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
            del self.pending[key]
            self._restored(key, cursor, path, file, signature)
            return
        file.close()
        if (found.dev, found.inode) == cursor.identity:
            self._elsewhere(key, cursor, "truncated while nothing was reading it")

    def _settle(self, key: str, cursor: Cursor, present: Mapping[str, Identity]) -> None:
        """Find a file that matches no more; report it as lost where it is not to be found."""
        if cursor.identity in self._paths or _hidden(cursor.path, present):
            return  # it is there and cannot be read now
        renamed = find_renamed(cursor.path, cursor.identity, self._config.follow_links)
        if renamed is not None:
            path, file = renamed
            signature = head_of(file)
            wanted = path != cursor.path or not cursor.attached
            if wanted and not is_compressed(path) and cursor.fits(signature.head, file.stat().size):
                del self.pending[key]
                self._restored(key, cursor, path, file, signature).attached = False
                return
            file.close()
            if path == cursor.path:
                return  # it matches no pattern any more: kept as it is, should the pattern come back
        if cursor.path in present or _mounted(cursor):
            self._elsewhere(key, cursor, "deleted while nothing was reading it")

    def _elsewhere(self, key: str, cursor: Cursor, reason: str) -> None:
        """The content is no longer where it was: go on in a copy of it, or report what is lost."""
        del self.pending[key]
        found = None if cursor.muted else self._copy_of(cursor.path, cursor.fits)
        if found is not None:
            path, file = found
            self._restored(key, cursor, path, file, head_of(file)).attached = False
            return
        self.gone.append(key)
        done = cursor.offset == cursor.seen and base(os.path.basename(cursor.path)) != os.path.basename(cursor.path)
        if cursor.muted or done:
            return  # a rotated file that had been read
        self._missed[cursor.path] = cursor
        stream = Stream(expand(self._name, cursor.first), cursor.instance or cursor.signature[:16])
        self.gaps.append(Gap(stream, cursor.offset, max(cursor.offset, cursor.seen), reason))

    def _arrive(self, path: str) -> None:
        """A file that is not known."""
        file = self.access.open(path)
        if file is None:
            return
        found = file.stat()
        signature = head_of(file)
        returned = self._saved((found.dev, found.inode), signature.head, found.size)
        if returned is not None and returned in self.closed:
            self.closed.remove(returned)
            self.dirty = True
            self._restored(self._key((found.dev, found.inode)), returned, path, file, signature)
            return
        copied = self._copied(path, signature) if self.started else None
        if copied and not self._whole_copy(copied, signature, found.mtime):
            file.close()
            return
        if copied:
            entry = self._follow(path, file, (found.dev, found.inode), Point(found.size), signature)
            entry.muted = True
            return
        if not self.access.is_text(path, file):
            file.close()
            return
        before = self._came_between(path)
        begin = not self.started or path in self._early
        point, warm = self._start(path, file) if begin else (Point(0), 0)
        self._early.discard(path)
        entry = self._follow(path, file, (found.dev, found.inode), point, signature)
        entry.warm = warm
        entry.before = before
        if self._config.once and not is_compressed(path):
            entry.limit = found.size

    def _start(self, path: str, file: OpenFile) -> tuple[Point, int]:
        since, found = self._config.since, file.stat()
        if is_compressed(path) or self._config.start == "beginning" or (since is not None and found.mtime >= since):
            return Point(0), 0
        return end_point(file, found.size, self._config.warmup)

    def _came_between(self, path: str, but: Identity | None = None) -> Followed | None:
        """Follow what had this path after its last known content, and lost it again; the last of them."""
        before, missed = self._last.get(path), self._missed.pop(path, None)
        if not self.started or (before is None and missed is None):
            return None
        known = {but, *self.by_id}
        since = before.follower.mtime if before is not None else missed.mtime if missed is not None else 0
        for other in came_between(path, since, known.__contains__):
            file = self.access.open(other)
            if file is None:
                continue
            head, found = head_of(file), file.stat()
            copied = before is not None and head.size and before.original_of(head.head)
            if copied or self._saved((found.dev, found.inode), head.head, found.size) is not None:
                file.close()
                continue
            entry = self._follow(other, file, (found.dev, found.inode), Point(0), head)
            entry.attached, entry.before = False, before
            entry.idle_since = self._clock.monotonic()
            before = entry
        return before

    def _copy_of(self, path: str, fits: Callable[[bytes, int], bool]) -> tuple[str, OpenFile] | None:
        """A copy of what `path` held, unless it is already read as another file."""

        def free(identity: Identity, head: bytes, size: int) -> bool:
            other = self.by_id.get(identity)
            if (other is not None and not other.muted) or not fits(head, size):
                return False
            saved = self._saved(identity, head, size)
            return saved is None or saved.muted

        return find_copy(path, free, self._config.follow_links)

    def _saved(self, identity: Identity, head: bytes, size: int) -> Cursor | None:
        """The saved position of this very file, closed or not seen yet."""
        known = (*self.closed, *self.pending.values())
        return next((c for c in known if c.identity == identity and c.signed and c.fits(head, size)), None)

    def _copied(self, path: str, signature: Signature) -> Followed | None:
        """The followed file of which a newly found rotated file may be a copy."""
        folder, name = os.path.split(path)
        if base(name) == name:
            return None
        for entry in self.live:
            other_folder, other = os.path.split(entry.path)
            kin = other_folder == folder and other != name and base(other) == base(name)
            if (
                kin
                and entry.attached
                and not entry.muted
                and entry.follower.signature.size
                and entry.original_of(signature.head)
            ):
                return entry
        return None

    def _whole_copy(self, original: Followed, signature: Signature, mtime: int) -> bool:
        if signature.size >= original.follower.signature.size:
            return True
        return self._clock.now() - mtime > COPYING_NS

    # -- entries

    def _key(self, identity: Identity) -> str:
        used = {entry.key for entry in self.live} | set(self.pending)
        n = 0
        while (key := f"{identity[0]:x}-{identity[1]:x}-{n}") in used:
            n += 1
        return key

    def _follow(self, path: str, file: OpenFile, identity: Identity, point: Point, signature: Signature) -> Followed:
        follower = Follower(point, signature, self._config.max_line_bytes)
        entry = Followed(self._key(identity), path, expand(self._name, path), identity, follower)
        entry.file = file
        self._enter(entry)
        return entry

    def _restored(self, key: str, cursor: Cursor, path: str, file: OpenFile, signature: Signature) -> Followed:
        found = file.stat()
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

    def _enter(self, entry: Followed) -> None:
        self.live[entry] = None
        self.by_id[entry.identity] = entry
        self._last[entry.path] = entry
        if entry.file is not None and not entry.muted:
            entry.follower.look(entry.file)
        self._opened(entry)

    def abandon(self, entry: Followed, reason: str) -> None:
        """Read no more of a file; what is queued can still be taken."""
        if entry.unread:
            entry.gap = self._lost(entry, reason)
        entry.follower.flush()
        entry.over, entry.resting = True, -1
        if self.by_id.get(entry.identity) is entry:
            del self.by_id[entry.identity]

    def _lost(self, entry: Followed, reason: str) -> Gap:
        stream = Stream(entry.source, self.instance(entry))
        return Gap(stream, entry.follower.fed, entry.follower.size, reason)

    def _continue_in_copy(self, entry: Followed) -> bool:
        """Go on with the rest of a truncated file in the copy that was made of it."""
        follower = entry.follower
        if not follower.signature.size:
            return False
        known = follower.signature.head

        def fits(head: bytes, size: int) -> bool:
            return size >= follower.fed and head.startswith(known)

        found = self._copy_of(entry.path, fits)
        if found is None:
            return False
        path, file = found
        status = file.stat()
        entry.identity = status.dev, status.inode
        muted = self.by_id.get(entry.identity)
        if muted is not None:
            self.close(muted)
        entry.path, entry.file, entry.attached = path, file, False
        entry.idle_since = self._clock.monotonic()
        entry.dirty = True
        self.by_id[entry.identity] = entry
        return follower.look(file) is not Seen.REPLACED

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
