"""The followed files of one source: who is in the table, under which key and name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from logwatch.api import Clock
from logwatch.sources.access import Access, Identity
from logwatch.sources.copies import Copies
from logwatch.sources.cursor import Cursor
from logwatch.sources.file_config import FileConfig
from logwatch.sources.follow import Follower, Point
from logwatch.sources.followed import Followed, name_instance
from logwatch.sources.ledger import Ledger, gone
from logwatch.sources.listing import Listings
from logwatch.sources.naming import base, expand, is_compressed
from logwatch.sources.opening import OpenFile
from logwatch.sources.signature import Signature
from logwatch.types import Gap, Stream


class Table:
    """The followed files of one source, by arrival, identity and last path.

    Args:
        config: the source's settings.
        clock: for the idle times of detached files.
        name: template of the sources' names.
        opened: told of every entry that comes with an open descriptor.
    """

    def __init__(
        self, config: FileConfig, clock: Clock, name: str, opened: Callable[[Followed], None] = lambda entry: None
    ) -> None:
        self.config = config
        self.clock = clock
        self.name = name
        self.opened = opened
        self.access = Access(config)
        self.live: dict[Followed, None] = {}  # in the order of arrival
        self.by_id: dict[Identity, Followed] = {}
        self.ledger = Ledger()
        self.gaps: list[Gap] = []
        self.listings = Listings()
        self.copies = Copies(config, clock, self.ledger, self.listings, self.by_id, self.live)
        self.last: dict[str, Followed] = {}  # path -> the last content seen there
        self.missed: dict[str, Cursor] = {}  # path -> the last content there, where it was lost
        self.paths: dict[Identity, str] = {}  # of the scan in hand

    def instance(self, entry: Followed) -> str:
        """The name of the entry's stream, fixed at its first record."""
        if not entry.instance:
            identity = None if self.config.once else entry.identity
            head = entry.follower.signature.head
            entry.instance = name_instance(identity, base(os.path.basename(entry.first)), head, self.ledger)
            self.ledger.name(entry.instance)
        return entry.instance

    def stream(self, entry: Followed) -> Stream:
        """The entry's stream."""
        return Stream(entry.source, self.instance(entry))

    def follow(self, path: str, file: OpenFile, identity: Identity, point: Point, signature: Signature) -> Followed:
        """Take a file into the table, which keeps it open."""
        follower = Follower(point, signature, self.config.max_line_bytes)
        entry = Followed(self.ledger.key(identity), path, expand(self.name, path), identity, follower)
        entry.file = file
        self._enter(entry)
        return entry

    def restored(self, key: str, cursor: Cursor, path: str, file: OpenFile, signature: Signature) -> Followed:
        """Take a file into the table that goes on where `cursor` says; its key is in use already."""
        self.ledger.name(cursor.instance)
        found = file.stat()
        self.displace((found.dev, found.inode))
        follower = Follower(cursor.point, signature, self.config.max_line_bytes)
        entry = Followed(key, path, expand(self.name, cursor.first), (found.dev, found.inode), follower)
        entry.first, entry.instance, entry.warm, entry.muted = cursor.first, cursor.instance, cursor.warm, cursor.muted
        entry.file = file
        entry.idle_since = self.clock.monotonic()
        if self.config.once and not is_compressed(path):
            entry.limit = found.size
        self.last[cursor.path] = entry
        self._enter(entry)
        return entry

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

    def displace(self, identity: Identity) -> None:
        """A copy that was known and not read is followed for what it holds."""
        other = self.by_id.get(identity)
        if other is not None and other.muted:
            self.close(other)

    def _enter(self, entry: Followed) -> None:
        self.live[entry] = None
        self.by_id[entry.identity] = entry
        self.last[entry.path] = entry
        self.copies.entered(entry)
        self.ledger.followed(entry.identity)
        if entry.file is not None and not entry.muted:
            entry.follower.look(entry.file)
        self.opened(entry)

    def forget_paths(self, present: Mapping[str, Identity]) -> None:
        """Keep the memory of paths in proportion."""
        if len(self.last) > 2 * len(self.live) + 1000:
            self.last = {p: entry for p, entry in self.last.items() if p in present or entry in self.live}
