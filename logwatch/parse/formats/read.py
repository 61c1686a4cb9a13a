"""Finds the rows of each format and reads them."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.formats import jsonlines, logfmt, syslog
from logwatch.parse.formats.envelope import Peeled, peel
from logwatch.parse.formats.gather import TEXT_MOST, Group, gather, groups_of, picked
from logwatch.parse.formats.moments import stamps_of
from logwatch.parse.formats.nested import flat
from logwatch.parse.formats.told import Rows, Told
from logwatch.parse.stamps import Stamps
from logwatch.parse.words import byte_set
from logwatch.types import Bool, Flag, Int64, UInt8

_USUAL = frozenset((b"time", b"ts", b"t", b"level", b"lvl", b"msg", b"message", b"severity"))
_SURE = _USUAL - {b"msg"}
"""First names that no other line begins with."""
_PAIR = re.compile(rb" (?:time|ts|level|lvl|msg|message|severity)=")
_NAME = re.compile(rb"[A-Za-z_@][\w@./-]{0,63}")
_AUDIT = b"msg=audit("
_VERSION = b">1 "
_SYSLOG = re.compile(
    rb"<\d{1,3}>|[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d \S|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* \S+ [^\s:\[]+[:\[]"
)
_JOURNAL = frozenset(("MESSAGE", "__REALTIME_TIMESTAMP", "__CURSOR"))

Wanted = Sequence[tuple[str, NDArray[np.int64] | slice]]
"""Formats of the configuration, and the rows of each."""


@dataclass(slots=True)
class Failed:
    """A row that is not of the format that the configuration names; it is read as plain text."""

    row: int
    reason: str


@dataclass(slots=True)
class Read:
    """n lines: those of a format as columns, the others as they are."""

    lines: list[bytes]  # [n] without prefixes
    plain: Int64  # [p] rows of no format
    told: Rows | None  # the other rows
    outer_rows: Int64  # [m] rows whose prefix bore a time
    outer: list[str]  # [m] that time, for rows that have none of their own
    failed: list[Failed]
    invalid: UInt8  # [n] Flag.INVALID where bytes of a row in `told` are not UTF-8, and at the rows that failed

    def put_outer(self, stamps: Stamps) -> None:
        """Give the lines that bear no time that of their prefix."""
        bare = np.flatnonzero(stamps.bears[self.outer_rows] == 0)
        if len(bare):
            stamps.put(self.outer_rows[bare], stamps_of([self.outer[i] for i in bare.tolist()]), slice(None))


def read(lines: list[bytes], wanted: Wanted) -> Read | None:
    """Read the lines [n] of structured formats; None where there are none, nor anything else to be told."""
    chosen = _formats(len(lines), wanted)
    if chosen == ["plain"]:
        return None
    collecting = gc.isenabled()
    gc.disable()  # rows are many small objects, and none of them a cycle: looking for some takes a third of the time
    try:
        return _read(lines, chosen)
    finally:
        if collecting:
            gc.enable()


def _read(lines: list[bytes], chosen: list[str]) -> Read | None:
    reader = _Reader(lines, chosen)
    reader.read()
    if not reader.told.rows and not reader.failed and reader.peeled.lines is lines:
        return None
    return reader.result()


def _formats(n: int, wanted: Wanted) -> list[str]:
    """The format of each row, or of all of them."""
    if len(wanted) == 1 and isinstance(wanted[0][1], slice):
        return [wanted[0][0]]
    out = ["auto"] * n
    for name, rows in wanted:
        for i in range(n)[rows] if isinstance(rows, slice) else rows.tolist():
            out[i] = name
    return out if len(set(out)) > 1 else out[:1]


class _Reader:
    """One batch."""

    def __init__(self, lines: list[bytes], chosen: list[str]) -> None:
        every = chosen[0] if len(chosen) == 1 else None
        self.told = Told()
        self.failed: list[Failed] = []
        self.every, self.chosen = every, chosen
        self.whole = lines
        self.peeled: Peeled = peel(lines) if "plain" not in chosen else self._peel_some(lines)
        self.lines = self.peeled.lines

    def _peel_some(self, lines: list[bytes]) -> Peeled:
        peeled = peel(lines)
        kept = [
            line if name == "plain" else bare for line, bare, name in zip(lines, peeled.lines, self.chosen, strict=True)
        ]
        some = [(i, t) for i, t in zip(peeled.rows, peeled.times, strict=True) if self.chosen[i] != "plain"]
        return Peeled(kept, [i for i, _ in some], [t for _, t in some])

    def read(self) -> None:
        """Every format once, in the rows that begin like it."""
        first = np.array(self.lines, dtype="S1").view(np.uint8) if self.lines else np.zeros(0, dtype=np.uint8)
        self._json(self._rows(first == 123, ("auto", "json", "journal", "cri")))
        self._syslog(self._rows(first == 60, ("auto", "syslog", "cri")))
        self._logfmt(self._rows(_NAMING[first], ("auto", "logfmt", "cri")))
        if self.every not in ("auto", "plain"):
            self._missed()

    def _rows(self, begins: Bool, formats: tuple[str, ...]) -> list[int]:
        rows: list[int] = np.flatnonzero(begins).tolist()
        if self.every is not None:
            return rows if self.every in formats else []
        return [i for i in rows if self.chosen[i] in formats]

    def _format(self, row: int) -> str:
        return self.every or self.chosen[row]

    def _json(self, rows: list[int]) -> None:
        records: Iterable[dict[str, Any] | None] = jsonlines.read(self._lines(rows))
        if self.every != "auto":
            both = zip(rows, records, strict=True)
            records = (record if record is None or self._is_wanted(row, record) else None for row, record in both)
        for group in groups_of(rows, records):
            for part in flat(group):
                gather(self.told, part)

    def _lines(self, rows: list[int]) -> list[bytes]:
        return self.lines if len(rows) == len(self.lines) else [self.lines[i] for i in rows]

    def _is_wanted(self, row: int, record: dict[str, Any]) -> bool:
        return self._format(row) != "journal" or not _JOURNAL.isdisjoint(record)

    def _syslog(self, rows: list[int]) -> None:
        lines = self._lines(rows)
        self._texts([i for i, line in zip(rows, lines, strict=True) if _VERSION in line[2:8]], syslog.read)

    def _logfmt(self, rows: list[int]) -> None:
        both = zip(rows, self._lines(rows), strict=True)
        self._texts([i for i, line in both if line.partition(b"=")[0] in _SURE or self._is_logfmt(i)], logfmt.read)

    def _texts(self, rows: list[int], read: Callable[[list[str]], tuple[list[Group], list[int]]]) -> None:
        """Formats that people can read as they are."""
        if not rows:
            return
        texts = _decoded(self._lines(rows))
        for group in read(texts)[0]:
            own = list(picked(texts, group.rows))
            here = group._replace(rows=list(picked(rows, group.rows)))
            gather(self.told, here, own if max(map(len, own)) <= TEXT_MOST else [text[:TEXT_MOST] for text in own])

    def _is_logfmt(self, row: int) -> bool:
        line = self.lines[row]
        if self._format(row) == "logfmt":
            return b"=" in line
        name = line[: max(line.find(b"=", 1, 65), 0)]
        if name in _USUAL:
            return name != b"msg" or not line.startswith(_AUDIT)
        if not name or b" " in name or _NAME.fullmatch(name) is None or _AUDIT in line[:200]:
            return False
        return _PAIR.search(line) is not None

    def _missed(self) -> None:
        """Rows that the configuration says are of a format, and are not."""
        read = set(self.told.rows)
        prefixed = set(self.peeled.rows)
        for i, line in enumerate(self.whole):
            name = self._format(i)
            if name in ("auto", "plain") or i in read or (name == "cri" and i in prefixed) or not line.strip():
                continue
            if name != "syslog" or not _SYSLOG.match(self.lines[i]):
                self.failed.append(Failed(i, f"not_{name}"))

    def result(self) -> Read:
        told = self.told.done() if self.told.rows else None
        plain = np.ones(len(self.lines), dtype=np.bool_)
        if told is not None:
            plain[told.rows] = False
        prefixed = np.array(self.peeled.rows, dtype=np.int64)
        return Read(self.lines, np.flatnonzero(plain), told, prefixed, self.peeled.times, self.failed, self._invalid())

    def _invalid(self) -> UInt8:
        marks = np.zeros(len(self.lines), dtype=np.uint8)
        marks[[failed.row for failed in self.failed]] = Flag.INVALID
        if not _is_utf8(b"\n".join(self.lines)):
            bad = [i for i in self.told.rows if not _is_utf8(self.lines[i])]
            marks[bad] = Flag.INVALID
        return marks


_NAMING = byte_set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@")


def _decoded(lines: list[bytes]) -> list[str]:
    """Lines as text; what was joined of several lines keeps its line ends."""
    joined = b"\0".join(lines)
    if joined.isascii() and joined.count(b"\0") == len(lines) - 1 and b"\r" not in joined:
        return joined.decode("ascii").split("\0")
    return [line.decode("utf-8", "replace").replace("\0", "\ufffd").rstrip("\r") for line in lines]


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode()) or True
    except UnicodeDecodeError:
        return False
