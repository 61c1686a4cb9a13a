"""Which files there are: patterns, exclusions, scans of directories. Never follows a link to a directory."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from functools import lru_cache

MAX_FILES = 50_000
"""Files one source looks at: a pattern that matches a whole disk must not fill the memory."""

MAX_DEPTH = 32
"""How deep `**` goes."""

_MAGIC = re.compile(r"[*?[]")


class Patterns:
    """Paths and globs (`*`, `?`, `[…]`, `**` for directories at any depth), less the excluded ones.

    A pattern of `exclude` without a slash is compared with base names, others with whole paths.
    """

    def __init__(self, paths: list[str], exclude: list[str]) -> None:
        self._paths = [os.path.abspath(os.path.expanduser(path)) for path in paths]
        self._exclude = [_regex(pattern if "/" not in pattern else os.path.abspath(pattern)) for pattern in exclude]
        self._by_name = ["/" not in pattern for pattern in exclude]

    @property
    def named(self) -> list[str]:
        """The paths that are no pattern: each must exist, or be reported."""
        return [path for path in self._paths if not _is_pattern(path)]

    def scan(self) -> list[str]:
        """Paths that match now, each once, sorted within a pattern, in the patterns' order; at most MAX_FILES."""
        found: dict[str, None] = {}
        for pattern in self._paths:
            if not _is_pattern(pattern):
                found[pattern] = None
                continue
            for path in sorted(_walk("/", pattern.strip("/").split("/"), 0)):
                if not self.excluded(path):
                    found[path] = None
                if len(found) >= MAX_FILES:
                    return list(found)
        return list(found)

    def excluded(self, path: str) -> bool:
        """Whether an exclusion matches the path."""
        name = os.path.basename(path)
        return any(
            regex.fullmatch(name if by_name else path)
            for regex, by_name in zip(self._exclude, self._by_name, strict=True)
        )


def _is_pattern(path: str) -> bool:
    """Whether it has to be matched: a file may really be called `app[1].log`."""
    return bool(_MAGIC.search(path)) and not os.path.lexists(path)


def _walk(folder: str, parts: list[str], depth: int) -> Iterator[str]:
    """Files under `folder` that match the parts of a pattern."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        if rest:
            yield from _walk(folder, rest, depth)
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False) and depth < MAX_DEPTH:
                yield from _walk(os.path.join(folder, entry.name), parts, depth + 1)
            elif not rest and not entry.is_dir():
                yield os.path.join(folder, entry.name)
    elif not _MAGIC.search(part):
        path = os.path.join(folder, part)
        if rest:
            yield from _walk(path, rest, depth)
        elif os.path.lexists(path) and not os.path.isdir(path):
            yield path
    else:
        match = _regex(part).fullmatch
        for entry in _entries(folder):
            if not match(entry.name) or (entry.name.startswith(".") and not part.startswith(".")):
                continue
            if rest and entry.is_dir(follow_symlinks=False):
                yield from _walk(os.path.join(folder, entry.name), rest, depth)
            elif not rest and not entry.is_dir():
                yield os.path.join(folder, entry.name)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
