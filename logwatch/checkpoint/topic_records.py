"""Cells as records of a compacted topic, and back.

A record's key is `component TAB name`; its value is a head of five bytes (version, which part, of how many) and the
cell's bytes. A cell of more than `PART` bytes is written in parts, the later ones under `component TAB name TAB #i`;
parts of one cell are always written in one transaction. A value of None deletes. The marker is the only key without a
TAB: JSON, written last.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from logwatch.cells import SPILLED
from logwatch.checkpoint.store import Cell, Cells
from logwatch.errors import StateCorrupt

VERSION = 1
"""Of the records; a reader refuses a newer one."""

PART = 500_000
"""Bytes of a record: half of what a broker takes by default."""

MARKER = b"marker"

ASIDE_BYTES = 2 * 2**20
"""Cells that go to the disk are written together when they have this size: some milliseconds of it."""

_HEAD = struct.Struct("<BHH")
_WHOLE = _HEAD.pack(VERSION, 0, 1)
_ASIDE = f"{SPILLED}\t".encode()

Record = tuple[bytes, bytes | None]


class Encoder:
    """Knows how many parts each large cell has in the topic, so that a smaller one leaves no rest behind."""

    def __init__(self) -> None:
        self._parts: dict[Cell, int] = {}

    def knows(self, cells: Mapping[Cell, bytes]) -> None:
        """The topic holds these cells."""
        self._parts = {cell: -(-len(value) // PART) for cell, value in cells.items() if len(value) > PART}

    def encode(self, cells: Cells) -> Iterator[Record]:
        """The records that bring the topic up to date."""
        for cell, value in cells.items():
            key = "\t".join(cell).encode()
            parts = 0 if value is None else max(1, -(-len(value) // PART))
            for part in range(parts):
                head = _HEAD.pack(VERSION, part, parts)
                piece = value if parts == 1 else (value or b"")[part * PART : (part + 1) * PART]
                yield _part_key(key, part), head + (piece or b"")
            for part in range(parts, self._parts.pop(cell, 1)):
                yield _part_key(key, part), None
            if parts > 1:
                self._parts[cell] = parts


def _part_key(key: bytes, part: int) -> bytes:
    return key + b"\t#%d" % part if part else key


def encode_marker(facts: Mapping[str, Any]) -> Record:
    """The record that ends a commit."""
    return MARKER, json.dumps({"v": VERSION, **facts}).encode()


class Newest:
    """The newest record of each key, as a partition is read from its beginning.

    Args:
        aside: takes, now and then, cells of keys that are not in memory, by name: there may be many. None deletes.
    """

    def __init__(self, aside: Callable[[Mapping[str, bytes | None]], None]) -> None:
        self.values: dict[bytes, bytes] = {}
        self._aside = aside
        self._waiting: dict[str, bytes | None] = {}
        self._size = 0  # of what waits

    def add(self, key: bytes, value: bytes | None) -> None:
        """One more record, in the order of the partition. Raises what `aside` does."""
        if key.startswith(_ASIDE) and b"\t" not in (name := key[len(_ASIDE) :]):
            whole = value is not None and value.startswith(_WHOLE)
            self._put_aside(name.decode(errors="replace"), value[_HEAD.size :] if value is not None and whole else None)
            value = None if whole else value  # parts are put together in memory: they are few
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value

    def _put_aside(self, name: str, value: bytes | None) -> None:
        self._waiting[name] = value
        self._size += len(name) + len(value or b"")
        if self._size >= ASIDE_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._aside(self._waiting)
        self._waiting, self._size = {}, 0

    def marker(self) -> dict[str, Any] | None:
        """What the last commit said; None for an empty partition. Raises StateCorrupt."""
        saved = self.values.get(MARKER)
        if saved is None:
            return None
        try:
            facts: dict[str, Any] = json.loads(saved)
            version = int(facts["v"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt(f"the marker of a state topic cannot be read: {error}") from error
        if version > VERSION:
            raise StateCorrupt(
                f"the state topic has records of version {version}, newer than this program's {VERSION}",
                "run the newer logwatchd everywhere, or name another state topic",
            )
        return facts

    def take(self) -> dict[Cell, bytes]:
        """All cells but those aside, whole; nothing is left, so that they are held once. Raises StateCorrupt."""
        self._flush()
        cells: dict[Cell, bytes] = {}
        for key in list(self.values):
            fields = key.decode(errors="replace").split("\t")
            if len(fields) == 2:
                cells[fields[0], fields[1]] = self._whole(key, self.values.pop(key))
        self.values.clear()
        return cells

    def _whole(self, key: bytes, value: bytes) -> bytes:
        pieces, (version, _, parts) = [value[_HEAD.size :]], _head(value)
        if version > VERSION:
            raise StateCorrupt(f"a record of the state topic has version {version}, this program reads {VERSION}")
        for part in range(1, parts):
            piece = self.values.get(_part_key(key, part))
            if piece is None or _head(piece)[1:] != (part, parts):
                raise StateCorrupt(f"part {part} of {parts} of a cell is missing in the state topic: {key!r}")
            pieces.append(piece[_HEAD.size :])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _head(value: bytes) -> tuple[int, int, int]:
    try:
        return _HEAD.unpack_from(value)
    except struct.error as error:
        raise StateCorrupt(f"a record of the state topic cannot be read: {error}") from error
