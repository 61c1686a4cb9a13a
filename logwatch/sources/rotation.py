"""Where the rest of a rotated file is: under a new name, in a copy, packed, or in files that came and went."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from logwatch.sources.compressed import CompressedFile, open_compressed
from logwatch.sources.decompress import can_read
from logwatch.sources.listing import Listings
from logwatch.sources.naming import is_compressed, strip_compression
from logwatch.sources.opening import OpenFile, Refused, open_regular
from logwatch.sources.signature import HEAD

Fits = Callable[[tuple[int, int], bytes, int], bool]
"""Whether a file with this identity, head and size can be the one looked for."""


def find_renamed(
    listings: Listings, path: str, identity: tuple[int, int], any_link: bool
) -> tuple[str, OpenFile] | None:
    """The file with this identity, wherever it now is in the directory of `path`."""
    for other in listings.by_inode(os.path.dirname(path), identity[1]):
        file = _open(other, any_link)
        if file is not None:
            found = file.stat()
            if (found.dev, found.inode) == identity:
                return other, file
            file.close()
    return None


def find_copy(listings: Listings, path: str, fits: Fits, any_link: bool) -> tuple[str, OpenFile] | None:
    """A rotated sibling of `path` that holds the content which `path` had (copytruncate)."""
    for other in listings.rotated(path):
        file = _open(other, any_link)
        if file is not None:
            found = file.stat()
            if fits((found.dev, found.inode), file.pread(HEAD, 0), found.size):
                return other, file
            file.close()
    return None


def find_packed(
    listings: Listings, path: str, offset: int, fits: Fits, any_link: bool
) -> tuple[str, CompressedFile] | None:
    """A compressed sibling of `path` that holds its content, decompressed up to `offset`."""
    for other in listings.rotated(path, compressed=True):
        file = _open(other, any_link) if can_read(other) else None
        if file is None:
            continue
        try:
            packed = open_compressed(other, file)
        except Refused:
            continue
        found = packed.stat()
        identity, head = (found.dev, found.inode), packed.pread(HEAD, 0)
        # By its head first: to decompress up to the offset may take seconds.
        if fits(identity, head, max(found.size, offset)):
            packed.reach(offset)
            if fits(identity, head, packed.stat().size):
                return other, packed
        packed.close()
    return None


def came_between(
    listings: Listings, path: str, since: int, known: Callable[[tuple[int, int]], bool]
) -> dict[str, tuple[int, int]]:
    """Rotated siblings of `path`, plain or packed, last written at `since` (ns) or later and not known; oldest first.

    They had the name `path` and lost it again between two scans: what is older was rotated before. A packed file comes
    after its plain one, where that is still there.
    """
    found, times = dict[str, tuple[int, int]](), dict[str, int]()
    packed = filter(can_read, listings.rotated(path, compressed=True))
    for other in (*listings.rotated(path), *packed):
        try:
            status = os.lstat(other)
        except OSError:
            continue
        # The time of a packed file is that of its packing, until it is finished and the plain one is deleted.
        times[other] = times.get(strip_compression(other), status.st_mtime_ns)
        identity = status.st_dev, status.st_ino
        if stat.S_ISREG(status.st_mode) and times[other] >= since and not known(identity):
            found[other] = identity
    # Of two written in one tick of the clock the higher number is the older.
    order = sorted(found, key=lambda other: (strip_compression(other), not is_compressed(other)), reverse=True)
    return {other: found[other] for other in sorted(order, key=times.__getitem__)}


def _open(path: str, any_link: bool) -> OpenFile | None:
    try:
        return open_regular(path, any_link)
    except Refused:
        return None
