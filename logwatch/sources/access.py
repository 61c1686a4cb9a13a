"""Which files are there and may be read now; of the others why not."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from logwatch.sources.compressed import open_compressed
from logwatch.sources.decompress import can_read
from logwatch.sources.discover import Patterns
from logwatch.sources.file_config import FileConfig
from logwatch.sources.naming import is_compressed
from logwatch.sources.opening import MISSING, OpenFile, Refused, open_regular, refuse_unreadable

Identity = tuple[int, int]
"""Device and inode."""


class Problem(NamedTuple):
    """A file that cannot be read now, why, and what to do about it."""

    path: str
    reason: str
    hint: str


class Access:
    """Looks at the patterns' files and opens them.

    Args:
        config: patterns, links, compressed files.
    """

    def __init__(self, config: FileConfig) -> None:
        self._config = config
        self._patterns = Patterns(config.paths, config.exclude)
        self.problems: dict[str, Problem] = {}
        self._no_text: dict[Identity, tuple[int, int, Refused]] = {}  # size and time when it was refused

    def look(self, known: Mapping[Identity, str]) -> dict[str, Identity]:
        """Regular files that match, by path, each once. Forgets the problems of the last look.

        Args:
            known: paths of the files that are followed: of several names of one file that one is kept.
        """
        self.problems = {}
        present: dict[str, Identity] = {}
        paths: dict[Identity, str] = {}
        named = set(self._patterns.named)
        for path in self._patterns.scan():
            if is_compressed(path) and not self._wants_compressed(path, path in named):
                continue
            identity = self._identity(path, path in named)
            if identity is None:
                continue
            other = paths.get(identity)
            if other is not None:
                if known.get(identity) != path:
                    continue
                del present[other]
            present[path], paths[identity] = identity, path
        self._no_text = {identity: refused for identity, refused in self._no_text.items() if identity in paths}
        return present

    def open(self, path: str) -> OpenFile | None:
        """The file, decompressed where its name says so; None, and a problem, where it may not be read."""
        try:
            file = open_regular(path, self._config.follow_links)
            return open_compressed(path, file) if is_compressed(path) else file
        except Refused as refusal:
            self.note(path, refusal)
            return None

    def is_text(self, path: str, file: OpenFile) -> bool:
        """Whether the file holds text; otherwise a problem is noted. A file that stays as it is is read once."""
        found = file.stat()
        if is_compressed(path) or not found.size:
            return True
        identity = found.dev, found.inode
        size, mtime, refusal = self._no_text.get(identity, (-1, -1, None))
        if refusal is None or (size, mtime) != (found.size, found.mtime):
            try:
                refuse_unreadable(path, file)
                return True
            except Refused as error:
                refusal = error
                self._no_text[identity] = found.size, found.mtime, error
        self.note(path, refusal)
        return False

    def note(self, path: str, refusal: Refused) -> None:
        """Remember why a path is not read."""
        reason, hint = refusal.message.removeprefix(path).strip(), refusal.hint
        if reason == MISSING and not self._config.once:
            hint = "it is picked up as soon as it appears"
        self.problems[path] = Problem(path, reason, hint)

    def _identity(self, path: str, named: bool) -> Identity | None:
        try:
            found = os.stat(path)
            if stat.S_ISREG(found.st_mode):
                return found.st_dev, found.st_ino
        except FileNotFoundError:
            if not named:
                return None  # gone since the directory was read, or a link to nothing
        except OSError:  # open_regular says what it is
            pass
        try:
            open_regular(path, self._config.follow_links).close()
        except Refused as refusal:
            self.note(path, refusal)
        return None

    def _wants_compressed(self, path: str, named: bool) -> bool:
        config = self._config
        if not can_read(path):
            if named:
                self.note(path, Refused("is compressed in a way that cannot be read", "decompress it first"))
            return False
        if named and not (config.once or config.compressed):
            hint = "use --once or `score` for finished files, or set compressed = true"
            self.note(path, Refused("is compressed and is not followed", hint))
        return config.compressed or (config.once and named)
