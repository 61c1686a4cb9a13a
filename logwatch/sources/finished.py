"""Finished files from head to end, plain or compressed: for replays, where nothing is followed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from logwatch.sources.decompress import BROKEN, can_read, decompressing
from logwatch.sources.followed import name_instance
from logwatch.sources.limits import MAX_LINE_BYTES
from logwatch.sources.lines import LineSplitter, Records, join, no_records
from logwatch.sources.naming import base, expand, is_compressed
from logwatch.sources.opening import OpenFile, Refused, open_regular, refuse_unreadable
from logwatch.sources.signature import HEAD
from logwatch.sources.wide import splitter_for
from logwatch.types import Int64, Stream, UInt8

READ = 512 * 1024
"""Bytes of one read: large against a call, small against a processor's cache."""

Chunk = tuple[list[bytes], Int64, Int64, UInt8]
"""Lines, start positions, end positions, flags."""


def read_finished(
    path: str,
    chunk_lines: int = 8192,
    progress: Callable[[int], None] | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Chunk]:
    """All records of a file, in chunks of `chunk_lines` (the last one shorter).

    Args:
        path: a regular file; .gz, .xz, .bz2 and .zst are decompressed: positions are those of the decompressed bytes.
        chunk_lines: records of a chunk; at least 1.
        progress: told the bytes of the file (as it lies on the disk) read so far; see `size_of`.
        max_line_bytes: longer lines are truncated and marked.

    Raises:
        Refused: the file cannot be read: missing, no regular file, binary, damaged. What came before the damage has
            been delivered by then.
    """
    file = _open_text(path)
    try:
        with _plain(path, file) as (stream, raw):
            yield from _chunks(_blocks(path, stream, raw, progress), LineSplitter(max_line_bytes), chunk_lines)
    finally:
        file.close()


def _open_text(path: str) -> OpenFile:
    file = open_regular(os.path.abspath(path), any_link=True)
    try:
        if not is_compressed(path):
            refuse_unreadable(path, file)
        elif not can_read(path):
            raise Refused(f"{path} is compressed in a way that cannot be read", "decompress it first")
    except Refused:
        file.close()
        raise
    return file


def size_of(path: str) -> int:
    """Bytes of a file as it lies on the disk: what `progress` counts up to. Raises Refused."""
    file = open_regular(os.path.abspath(path), any_link=True)
    try:
        return file.stat().size
    finally:
        file.close()


def finished_stream(path: str, name: str = "{name}", taken: set[str] | None = None) -> Stream:
    """The stream of a finished file: the same for the same content under the same base name, wherever it lies.

    Args:
        path: the file.
        name: template of the source's name.
        taken: instances in use already; the new one is added, so that two equal files are two streams.

    Raises:
        Refused: the file cannot be read, not even its head.
    """
    taken = set() if taken is None else taken
    file = _open_text(path)
    try:
        with _plain(path, file) as (stream, _):
            head = stream.read(HEAD)
    except BROKEN as error:
        raise Refused(f"{path} is damaged: {error or type(error).__name__}") from error
    finally:
        file.close()
    instance = name_instance(None, base(os.path.basename(path)), head, taken)
    taken.add(instance)
    return Stream(expand(name, os.path.abspath(path)), instance)


@contextmanager
def _plain(path: str, file: OpenFile) -> Iterator[tuple[IO[bytes], io.FileIO]]:
    """The plain bytes of an open file, and the file as it lies on the disk."""
    with io.FileIO(os.dup(file.fd)) as raw, io.BufferedReader(raw, READ) as buffered:
        with decompressing(path, buffered) as stream:
            yield stream, raw


def _blocks(path: str, stream: IO[bytes], raw: io.FileIO, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    while True:
        try:
            block = stream.read(READ)
        except BROKEN as error:
            raise Refused(f"{path} is damaged: {error or type(error).__name__}", "its head was read") from error
        if not block:
            return
        if progress is not None:
            progress(raw.tell())
        yield block


def _chunks(blocks: Iterator[bytes], splitter: LineSplitter, n: int) -> Iterator[Chunk]:
    """Records of n each. What was read before an error is given before the error is."""
    waiting = no_records()
    failure: Refused | None = None
    while True:
        try:
            block = next(blocks, None)
        except Refused as refusal:
            block, failure = None, refusal
        if block is not None and not splitter.fed:
            splitter = splitter_for(block, splitter.max)
        records = splitter.flush() if block is None else splitter.feed(block)
        if len(records):
            waiting = join([waiting, records]) if len(waiting) else records
        at = 0
        while len(waiting) - at >= n:
            yield _chunk(waiting, slice(at, at + n))
            at += n
        _, waiting = waiting.cut(at)
        if block is None:
            break
    if len(waiting):
        yield _chunk(waiting, slice(0, n))
    if failure is not None:
        raise failure


def _chunk(records: Records, rows: slice) -> Chunk:
    return records.lines[rows], records.start[rows], records.end[rows], records.flags[rows]


__all__ = ["Chunk", "finished_stream", "read_finished", "size_of"]
