"""A program that writes a log, its rotation tool, and what can have become of every line.

Each line bears the log's and its own number. A *content* is what one file holds from its first byte to its last; it is
renamed, copied, packed and deleted as a whole. `risk` notes the lines that a reader may miss, since their bytes were
gone from the file system before it could have read them and kept what it read.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from logwatch.sources.signature import HEAD

KEEP = 4
"""Rotated files that are kept."""

TICK_S = 0.006
"""Longer than a tick of the file system's clock: a file rewritten to its old size within one is seen by nobody."""


@dataclass
class Content:
    """What was written to one file between its creation and its truncation or deletion."""

    path: Path | None  # where it lies; None once it is gone
    lines: list[bytes] = field(default_factory=list)
    held: bool = False  # the reader has it open
    seen: bool = False  # the reader has had time to notice it
    rotated_at: float | None = None  # the reader's time when it lost its name
    gone: list[bytes] = field(default_factory=list)  # lines that no file holds any more
    belated: set[bytes] = field(default_factory=set)  # written after it lost its name
    late: set[bytes] = field(default_factory=set)  # of these, those that a reader may not have noticed


class WrittenLog:
    """One log.

    Args:
        folder: where it is.
        number: of the log; its file is app<number>.log.
        banner: each content begins with it: equal prefixes make no equal files.
        now: the reader's time.
        kept: whether the reader has delivered a line and committed that.
        delivered: whether it has delivered it.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        banner: bytes,
        now: Callable[[], float],
        kept: Callable[[bytes], bool],
        delivered: Callable[[bytes], bool],
    ) -> None:
        self.path = folder / f"app{number}.log"
        self.number = number
        self.contents: list[Content] = []
        self.owner: dict[bytes, Content] = {}  # by line
        self.at_risk: set[bytes] = set()
        self.split: set[bytes] = set()
        self.repeatable: set[bytes] = set()  # in a copy too short to be known by the hash of its head
        self._banner = banner
        self._now, self._kept, self._delivered = now, kept, delivered
        self._lines = 0
        self._partial, self._half = b"", 0
        self._turns = 0  # rotations since the reader last had time
        self._packing = 0  # number of the rotated file that is being packed; 0: none
        self._copy: Path | None = None  # made, and its original not truncated yet
        self._file = io.FileIO(self.path, "ab")
        self._into = self._begin()

    def close(self) -> None:
        """The program ends."""
        self._file.close()

    @property
    def current(self) -> Content:
        """The content that the path leads to."""
        return self.contents[-1]

    # -- the program

    def write(self, count: int, size: int) -> None:
        """Whole lines; the first completes a line that was begun."""
        for _ in range(count):
            line = self._partial or self._line(size)
            self._put(line[self._half :] + b"\n")
            if self._half and self._into is not self.current:
                self.split.add(line)  # its half may have been flushed before the old file was closed
            self._partial, self._half = b"", 0
            self.owner[line] = self._into
            self._into.lines.append(line)
            if self._into.path is None and not self._into.held:
                self.at_risk.add(line)
            if self._into is not self.current:
                self._into.late.add(line)
                self._into.belated.add(line)

    def write_half(self, size: int) -> None:
        """The beginning of a line."""
        if not self._partial:
            self._partial = self._line(size)
            self._half = self._partial.rindex(b":") + 1 + size // 2  # two contents never begin alike
            self._put(self._partial[: self._half])

    def reopen(self) -> None:
        """As on SIGHUP: writes go to the path again."""
        if self._into is self.current:
            return
        self._drop_half()
        self._file.close()
        self._file, self._into = io.FileIO(self.path, "ab"), self.current

    # -- the rotation tool

    def rename(self, reopen: bool) -> None:
        """logrotate with `create`."""
        self.finish_packing()
        self._forget_copy()
        self._shift()
        old = self.current
        self.path.rename(self._rotated(1))
        old.path, old.rotated_at = self._rotated(1), self._now()
        self.path.touch()
        self._begin(move=False)
        self._turns += 1
        if reopen:
            self.reopen()
        if self._turns >= KEEP:
            self._risk_all()

    def copy(self) -> None:
        """The first half of logrotate's `copytruncate`."""
        self.finish_packing()
        if self._into is not self.current or not self.path.stat().st_size:
            return
        self._forget_copy()
        self._shift()
        shutil.copy(self.path, self._rotated(1))
        self._copy, self._copied = self._rotated(1), len(self.current.lines)

    def truncate(self) -> None:
        """The second half of `copytruncate`, or a program that begins its log anew. What is in no copy may be lost."""
        self.finish_packing()
        if self._into is not self.current:
            return
        time.sleep(TICK_S)
        old, copy = self.current, self._copy
        old.gone = old.lines if copy is None else old.lines[self._copied :]
        self._risk(old.gone)
        if copy is not None and copy.stat().st_size < HEAD:
            self.repeatable |= set(old.lines)
        if copy is not None and not old.seen:
            self._risk(old.lines)  # came and went between two looks
        os.truncate(self.path, 0)
        self._drop_half()
        self._copy, old.path, old.held, old.rotated_at = None, copy, False, self._now()
        self._begin()
        self._turns += 1
        if self._turns >= 2:
            self._risk_all()

    def pack(self, turn: int) -> None:
        """Compress a rotated file."""
        self.begin_packing(turn, 0)
        self.finish_packing()

    def begin_packing(self, turn: int, share: float) -> None:
        """As gzip does it: the packed file grows, and lies beside the plain one before that is deleted."""
        self.finish_packing()
        plain = self._rotated(turn)
        if plain == self._copy or not plain.exists() or self._into.path == plain:
            return
        data = gzip.compress(plain.read_bytes(), 1)
        self._rotated(turn, ".gz").write_bytes(data[: round(share * len(data))])
        self._packing = turn

    def finish_packing(self) -> None:
        """The tool does nothing else before that."""
        if not self._packing:
            return
        plain, packed = self._rotated(self._packing), self._rotated(self._packing, ".gz")
        self._packing = 0
        packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
        os.utime(packed, ns=(plain.stat().st_mtime_ns,) * 2)
        plain.unlink()
        for content in self.contents:
            if content.path == plain:
                content.path = packed
                self._risk(list(content.late))

    def delete(self) -> None:
        """The file is deleted and created again."""
        self.finish_packing()
        self._forget_copy()
        self.path.unlink()
        self._went(self.current)
        self.path.touch()
        self._begin(move=False)
        self.reopen()

    def replace(self) -> None:
        """Another file takes the name in one step."""
        self.finish_packing()
        self._forget_copy()
        fresh = self.path.with_name(f"fresh{self.number}")
        fresh.touch()
        fresh.rename(self.path)
        self._went(self.current)
        self._begin(move=False)
        self.reopen()

    # -- the reader

    def looked(self) -> None:
        """The reader has had time to notice everything that lies there, and has read it."""
        self._turns = 0
        for content in self.contents:
            content.late.clear()
            content.seen = content.seen or (content is self.current and bool(content.lines))
            content.held = content.held or content is self.current

    def left(self) -> None:
        """The reader ended: what it had not kept of files that are gone is lost."""
        for content in self.contents:
            content.held = False
            content.seen = any(map(self._kept, content.lines))
            self._risk(content.lines if content.path is None else content.gone, kept=True)

    # -- fates

    def _begin(self, move: bool = True) -> Content:
        """A new content at the path; `move`: the program writes there already."""
        self.contents.append(Content(self.path))
        if move:
            self._into = self.current
        return self.current

    def _line(self, size: int) -> bytes:
        self._lines += 1
        return b"%d:%d:%s" % (self.number, self._lines, b"x" * size)

    def _put(self, data: bytes) -> None:
        if not os.fstat(self._file.fileno()).st_size:
            self._file.write(self._banner)
        self._file.write(data)

    def _drop_half(self) -> None:
        self._partial, self._half = b"", 0

    def _risk(self, lines: list[bytes], kept: bool = False) -> None:
        done = self._kept if kept else self._delivered
        missing = {line for line in lines if not done(line)}
        self.at_risk |= missing

    def _risk_all(self) -> None:
        for content in self.contents:
            self._risk(content.lines)

    def _went(self, content: Content) -> None:
        """A content was deleted."""
        content.path = None
        if not content.held or content.late:
            self._risk(content.lines)

    def _forget_copy(self) -> None:
        """The tool gave up between the copy and the truncation: there is a copy of what goes on."""
        if self._copy is not None:
            self._copy.unlink(missing_ok=True)
            self._copy = None

    def _rotated(self, n: int, suffix: str = "") -> Path:
        return self.path.with_name(f"{self.path.name}.{n}{suffix}")

    def _shift(self) -> None:
        """Make room for a rotated file; the oldest is deleted."""
        for old, new in self._moves():
            if not old.exists():
                continue
            owner = next((content for content in self.contents if content.path == old), None)
            if new is None:
                old.unlink()
            else:
                old.rename(new)
            if owner is not None and new is not None:
                owner.path = new
            elif owner is not None:
                self._went(owner)

    def _moves(self) -> Iterator[tuple[Path, Path | None]]:
        for n in range(KEEP, 0, -1):
            for suffix in ("", ".gz"):
                yield self._rotated(n, suffix), self._rotated(n + 1, suffix) if n < KEEP else None
