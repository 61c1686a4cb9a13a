"""What is known of files beside those that are followed: saved positions, closed files, names in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from logwatch.sources.access import Identity
from logwatch.sources.cursor import Cursor

CLOSED_KEPT = 128
"""Closed files remembered, so that one that comes back under another name is not read again."""

NAMES_KEPT = 256
"""Names of ended streams not given again, where a new content begins like an old one on the same inode."""


class Ledger:
    """Keys and names, each given once; cursors whose files were not seen yet, or were closed.

    A file's *key* names its cell in the state from its first sight until it is forgotten.
    """

    def __init__(self) -> None:
        self.pending: dict[str, Cursor] = {}  # by key: saved, their files not seen yet
        self.closed: deque[Cursor] = deque(maxlen=CLOSED_KEPT)
        self.names: deque[str] = deque(maxlen=NAMES_KEPT)  # instances of streams that ended
        self.gone: list[str] = []  # keys to delete from the state
        self.started = False  # the state's first scan has been made
        self.dirty = True  # `started`, `closed` or `names` changed
        self._keys: set[str] = set()
        self._instances: set[str] = set()

    def restore(
        self, pending: Mapping[str, Cursor], closed: Iterable[Cursor], names: Iterable[str], started: bool
    ) -> None:
        """Take over what was saved."""
        self.pending = dict(pending)
        self.closed.extend(closed)
        self.names.extend(names)
        self.started = started
        self.dirty = not started
        self._keys = set(pending)
        self._instances = {cursor.instance for cursor in pending.values() if cursor.instance}

    # -- keys

    def key(self, identity: Identity) -> str:
        """A key for a file, not in use."""
        n = 0
        while (key := f"{identity[0]:x}-{identity[1]:x}-{n}") in self._keys:
            n += 1
        self._keys.add(key)
        return key

    def take(self, key: str) -> Cursor:
        """A saved cursor, to go on from or to give up. The key stays in use."""
        cursor = self.pending.pop(key)
        self._instances.discard(cursor.instance)
        return cursor

    def forget(self, key: str) -> None:
        """Delete a key from the state."""
        self._keys.discard(key)
        self.gone.append(key)

    # -- names

    def __contains__(self, instance: object) -> bool:
        """Whether a stream has this name, or had it lately."""
        return instance in self._instances or instance in self.names

    def name(self, instance: str) -> None:
        """Note the name of a stream."""
        if instance:
            self._instances.add(instance)

    def unname(self, instance: str) -> None:
        """The stream of this name has ended."""
        self._instances.discard(instance)
        self.names.append(instance)
        self.dirty = True

    # -- files

    def saved(self, identity: Identity, head: bytes, size: int) -> Cursor | None:
        """The saved position of this very file, closed or not seen yet."""
        return next((c for c in self._all() if c.identity == identity and c.signed and c.fits(head, size)), None)

    def offset(self, identity: Identity) -> int:
        """The furthest saved position of files with this identity that were not seen yet; 0: there are none."""
        return max((cursor.offset for cursor in self.pending.values() if cursor.identity == identity), default=0)

    def close(self, cursor: Cursor) -> None:
        """Remember a file that is followed no more."""
        self.closed.append(cursor)
        self.dirty = True

    def followed(self, identity: Identity) -> None:
        """A file has this identity now: what was closed under it is gone, or goes on in it; it may have been packed."""
        stale = [cursor for cursor in self.closed if cursor.identity == identity]
        for cursor in stale:
            self.closed.remove(cursor)
            if cursor.signed:
                self.closed.append(gone(cursor))
            self.dirty = True

    def reopen(self, identity: Identity, head: bytes, size: int) -> tuple[str, Cursor] | None:
        """Key and cursor of a file that was closed and came back, or is seen only now; it is neither any more."""
        cursor = self.saved(identity, head, size)
        if cursor is None:
            return None
        if cursor not in self.closed:
            key = next(key for key, other in self.pending.items() if other is cursor)
            return key, self.take(key)
        self.closed.remove(cursor)
        self.dirty = True
        return self.key(identity), cursor

    def _all(self) -> Iterator[Cursor]:
        yield from self.closed
        yield from self.pending.values()


def gone(cursor: Cursor) -> Cursor:
    """The cursor of a file that was deleted: it is known by its content alone."""
    return replace(cursor, dev=0, inode=0)
