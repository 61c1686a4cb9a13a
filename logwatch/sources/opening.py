"""Opens what a source may read, and nothing else: regular files, by a path that nobody less privileged can bend.

A link, in any part of the path, is followed only where nobody but root and we could have put it there: the link is
owned by root or by us, and so is its directory, which others cannot write (or which is sticky, like /tmp). Otherwise
whoever may write a log directory could make a privileged reader read, and show, any file of the machine.
"""

from __future__ import annotations

import errno
import grp
import os
import re
import stat
from dataclasses import dataclass

from logwatch.errors import DataError
from logwatch.sources.wide import wide_encoding

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
MISSING = "does not exist"
"""How the message of the one refusal ends that may go away by itself."""

_LINKS = 40
"""As many links as the kernel follows in one path."""

_FIRST = 8192
"""Bytes that decide whether a file is text."""

_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v\b\x1b"))
_KINDS = {
    stat.S_IFDIR: ("is a directory", "name its files: DIR/*.log, or DIR/**/*.log for all below"),
    stat.S_IFIFO: ("is a named pipe", "pipe it in: `logwatchd tail - < PIPE`"),
    stat.S_IFSOCK: ("is a socket", ""),
    stat.S_IFCHR: ("is a device", ""),
    stat.S_IFBLK: ("is a device", ""),
}
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"(\xb5/\xfd": "zstd", b"LPKSHHRH": "the journal"}


class Refused(DataError):
    """A file that will not be read: missing, not permitted, not regular, reached by an untrusted link, not text."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What follows from fstat."""

    dev: int
    inode: int
    size: int
    mtime: int  # ns
    links: int = 1  # names that lead to it; 0 once it is deleted


class OpenFile:
    """A regular file held open; reads never move a shared offset."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def stat(self) -> Stat:
        """Identity, size and time as they are now."""
        found = os.fstat(self.fd)
        return Stat(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_nlink)

    def pread(self, size: int, offset: int) -> bytes:
        """At most `size` bytes at `offset`; fewer, or none, at the end of the file."""
        return os.pread(self.fd, size, offset)

    def data(self, offset: int) -> int:
        """`offset`, or the end of the hole that it lies in."""
        try:
            return os.lseek(self.fd, offset, os.SEEK_DATA)
        except OSError:
            return offset

    def fault(self) -> str:
        """Why nothing more can be read of it; empty where all is well."""
        return ""

    def reach(self, offset: int) -> None:
        """Make `stat` and `pread` ready to go on at `offset`."""

    def close(self) -> None:
        """Release the descriptor. Safe to call twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def open_regular(path: str, any_link: bool = False) -> OpenFile:
    """The regular file at an absolute path. Raises Refused with the reason and what to do.

    Args:
        path: absolute.
        any_link: follow every link, also those that others can change.
    """
    try:
        file = OpenFile(os.open(path, _FLAGS) if any_link else _open_trusted(path))
    except OSError as error:
        raise _refusal(path, error) from error
    mode = stat.S_IFMT(os.fstat(file.fd).st_mode)
    if mode != stat.S_IFREG:
        file.close()
        raise Refused(f"{path} {_KINDS.get(mode, ('is no regular file', ''))[0]}", _KINDS.get(mode, ("", ""))[1])
    return file


def refuse_unreadable(path: str, file: OpenFile) -> None:
    """Raise Refused where the file's first bytes are not text."""
    first = file.pread(_FIRST, file.data(0)).lstrip(b"\0")
    wide = wide_encoding(first)
    if wide is not None:
        first = first.decode(wide, "replace").encode()
    for magic, kind in _MAGIC.items():
        if first.startswith(magic):
            raise Refused(f"{path} holds {kind} data", _magic_hint(kind))
    odd = len(first) - len(first.translate(None, _CONTROL))
    # Text has next to none; random bytes have 10 %; a few stray ones are no reason to refuse a log.
    if odd > max(8, len(first) // 20):
        raise Refused(f"{path} is binary: {odd} control bytes in its first {len(first)}", "exclude it")


def _magic_hint(kind: str) -> str:
    if kind == "the journal":
        return "read it through `journalctl -o json -f | logwatchd tail -`"
    return "finished files are decompressed by `score` and `tail --once` where the name ends in .gz, .xz, .bz2 or .zst"


def _open_trusted(path: str) -> int:
    resolved = resolve(path)
    fd = os.open(resolved, _FLAGS | os.O_NOFOLLOW)
    try:
        # A part of the path that became a link in between would show here.
        really = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return fd
    if really not in (resolved, resolved + " (deleted)"):
        # A rename in between shows here too; the next scan tries again.
        os.close(fd)
        raise OSError(errno.ELOOP, "the path changed while it was opened")
    return fd


def resolve(path: str) -> str:
    """The path with every link replaced by what it points at. Raises OSError (ELOOP) on an untrusted link."""
    if os.path.realpath(path) == path:
        return path
    done, parts, links = "/", path.strip("/").split("/"), 0
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = os.path.dirname(done)
            continue
        step = os.path.join(done, part)
        found = os.lstat(step)
        if not stat.S_ISLNK(found.st_mode):
            done = step
            continue
        links += 1
        if links > _LINKS or not _trusted(done, found):
            raise OSError(errno.ELOOP, f"{step} is a link that others can change")
        target = os.readlink(step)
        if target.startswith("/"):
            done = "/"
        parts = [*target.strip("/").split("/"), *parts]
    return done


def _trusted(folder: str, link: os.stat_result) -> bool:
    us = (0, os.geteuid())
    place = os.stat(folder)
    if link.st_uid not in us or place.st_uid not in us:
        return False
    if place.st_mode & stat.S_ISVTX:
        return True
    group = bool(place.st_mode & stat.S_IWGRP) and place.st_gid not in (0, os.getegid())
    return not group and not place.st_mode & stat.S_IWOTH


def _refusal(path: str, error: OSError) -> Refused:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Refused(f"{path} {MISSING}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(f"{path} cannot be read: permission denied", _permission_hint(path))
    if error.errno == errno.ELOOP:
        return Refused(
            f"{path} is a link that others can change: {error.strerror}",
            "name the file itself, tighten the directory, or set follow_links = true",
        )
    if error.errno == errno.ENXIO:
        return Refused(f"{path} is a socket")
    return Refused(f"{path} cannot be read: {error.strerror}")


def _permission_hint(path: str) -> str:
    try:
        gid = os.stat(path).st_gid
    except OSError:
        return "give the user that runs logwatchd the right to enter its directory"
    name = _group(gid)
    return f"add the user that runs logwatchd to the group {name}, or use an ACL"


def _group(gid: int) -> str:
    try:
        return re.sub(r"[^\w.-]", "?", grp.getgrgid(gid).gr_name)
    except KeyError:
        return str(gid)
