"""Which file holds the content of another: a copy beside it, or its packed form."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from logwatch.api import Clock
from logwatch.sources.access import Identity
from logwatch.sources.file_config import FileConfig
from logwatch.sources.followed import Followed
from logwatch.sources.ledger import Ledger
from logwatch.sources.listing import Listings
from logwatch.sources.naming import base, is_compressed
from logwatch.sources.opening import OpenFile
from logwatch.sources.rotation import find_copy, find_packed
from logwatch.sources.signature import Signature, matches

COPYING_NS = 60 * 10**9
"""A copy that is shorter than its original and was not written for so long is no copy."""

Kin = tuple[str, str]
"""Directory and base name: what all rotations of one log have in common."""


class Copies:
    """Knows copies by the heads of their contents.

    Args:
        by_id: the followed files that have a content.
        live: all followed files.
    """

    def __init__(
        self,
        config: FileConfig,
        clock: Clock,
        ledger: Ledger,
        listings: Listings,
        by_id: Mapping[Identity, Followed],
        live: Mapping[Followed, None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._ledger = ledger
        self._listings = listings
        self._by_id = by_id
        self._live = live
        self._kin: dict[Kin, list[Followed]] | None = None

    def begin(self) -> None:
        """A scan begins: what was said about kin may have changed."""
        self._kin = None

    def entered(self, entry: Followed) -> None:
        """A file is followed from now on."""
        if self._kin is not None:
            self._kin.setdefault(_kin(entry.path), []).append(entry)

    def holding(self, path: str, offset: int, fits: Callable[[bytes, int], bool]) -> tuple[str, OpenFile] | None:
        """Where the content that `path` had goes on after `offset`, unless that is read as another file.

        Args:
            fits: whether a file with this head and size can be the one.
        """

        def free(identity: Identity, head: bytes, size: int) -> bool:
            other = self._by_id.get(identity)
            if (other is not None and not other.muted) or not fits(head, size):
                return False
            saved = self._ledger.saved(identity, head, size)
            return saved is None or saved.muted

        any_link = self._config.follow_links
        plain = find_copy(self._listings, path, free, any_link)
        return plain or find_packed(self._listings, path, offset, free, any_link)

    def begun(self, path: str, size: int, begins: Callable[[bytes], bool]) -> tuple[str, OpenFile] | None:
        """A copy of what `path` had that ends before `size`, where it is not known yet.

        Args:
            begins: whether that content begins with this head.
        """

        def shorter(identity: Identity, head: bytes, found: int) -> bool:
            return identity not in self._by_id and 0 < found <= size and begins(head)

        return find_copy(self._listings, path, shorter, self._config.follow_links)

    def originals(self, path: str) -> list[Followed]:
        """The followed files of which a file at `path` may be a copy, as its name says."""
        name = os.path.basename(path)
        if base(name) == name:
            return []
        return [entry for entry in self._relatives(path) if os.path.basename(entry.path) != name]

    def is_copy(self, path: str, signature: Signature) -> bool | None:
        """Whether a file that is not known is a copy of one that is; None where it may become one."""
        original = self._original(path, signature.head)
        if original is None:
            return is_compressed(path) and self._packed_before(path, signature.head)
        return True if signature.size >= original.follower.signature.size else None

    def is_stale(self, mtime: int) -> bool:
        """Whether a copy last written then grows no more."""
        return self._clock.now() - mtime > COPYING_NS

    def _original(self, path: str, head: bytes) -> Followed | None:
        """The followed file of which a newly found rotated file may be a copy."""
        packed = is_compressed(path)
        for entry in self.originals(path):
            # What was packed may be gone by now; what was copied is still where it was.
            usable = packed or (entry.attached and not entry.muted)
            if usable and head and entry.original_of(head):
                return entry
        return None

    def _packed_before(self, path: str, head: bytes) -> bool:
        """Whether a compressed file holds what was read as a file that is gone."""
        kin = _kin(path)
        return any(
            _kin(cursor.path) == kin and cursor.signed and matches(head, cursor.signed, cursor.signature)
            for cursor in self._ledger.closed
        )

    def _relatives(self, path: str) -> list[Followed]:
        if self._kin is None:
            self._kin = {}
            for entry in self._live:
                self._kin.setdefault(_kin(entry.path), []).append(entry)
        return self._kin.get(_kin(path), [])


def _kin(path: str) -> Kin:
    folder, name = os.path.split(path)
    return folder, base(name)
