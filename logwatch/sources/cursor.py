"""Where a source is in a file, as it is saved: identity, what the content is known by, and the point to go on from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from logwatch.sources.follow import Point
from logwatch.sources.lines import At
from logwatch.sources.signature import matches

VERSION = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """One followed file. `path` is where it was last seen, `first` where it was first seen (it gives the name)."""

    path: str
    first: str
    dev: int
    inode: int
    signed: int  # bytes of the signature
    signature: str  # their hash
    offset: int
    at: str
    seen: int  # the file's size when it was last looked at
    mtime: int  # ns, likewise
    instance: str  # "" until a record was delivered
    warm: int  # records before this offset are warm-up
    muted: bool  # a copy of another file: known, never read
    attached: bool  # its path led to it; otherwise it was being drained

    @property
    def point(self) -> Point:
        """Where to go on."""
        return Point(self.offset, At(self.at))

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.dev, self.inode

    def fits(self, head: bytes, size: int) -> bool:
        """Whether a file that begins with `head` and has `size` bytes can be the one that was saved."""
        return size >= self.offset and matches(head, self.signed, self.signature)

    def dump(self) -> bytes:
        """As a cell."""
        return json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":")).encode()


def load(cell: bytes) -> Cursor:
    """A cell as a cursor. Raises ValueError where it is damaged or newer."""
    data: dict[str, Any] = json.loads(cell)
    version = data.pop("v", None)
    if version != VERSION:
        raise ValueError(f"cursor of version {version!r}, not {VERSION}")
    try:
        return Cursor(**data)
    except TypeError as error:
        raise ValueError(str(error)) from error
