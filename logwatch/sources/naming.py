"""The placeholders of a source's name: what stays the same while a file is rotated, dated and compressed."""

from __future__ import annotations

import re
import socket
from functools import lru_cache
from pathlib import PurePath

from logwatch.sources.pods import Container, container_of

DEFAULTS = ("{host}:{path}", "{name}")
"""Names of sources where the configuration gives none."""

OF_CONTAINERS = "{namespace}/{workload}/{container}"
_PLACE = re.compile(r"\{(path|name|host|namespace|pod|container|workload)\}")

COMPRESSED = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z", ".zip")
"""Suffixes that a rotation adds when it compresses."""

# logrotate (.1, -20260131, -20260131-1769817600), savelog (.old, .0), log4j (.2026-01-31, .2026-01-31-13.log),
# Docker (-json.log.1), Java (app.2026-01-31.0.log), cronolog; also before the suffix: app.1.log, app-2026-01-31.log
_DATE = r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[-_.T]?[0-2]\d(?:[-_.:]?[0-5]\d){0,2}(?:[-_.]?\d{1,9})?|-\d{9,11})"
_ROTATION = re.compile(rf"(?:[-_.]{_DATE}{_TIME}?|\.\d{{1,3}}|\.old|\.bak|\.prev)$")
# Before a suffix a number of three digits or more is rather a port or a name than a rotation.
_INNER = re.compile(rf"(?:[-_.]{_DATE}{_TIME}?|\.\d{{1,2}})$")
_KNOWN = re.compile(r"\.(log|txt|out|err|json|jsonl|csv)$")


@lru_cache(maxsize=32768)
def base(name: str) -> str:
    """A file's base name without rotation numbers, dates and compression suffixes; never empty."""
    stem = strip_compression(name)
    suffix = ""
    while True:
        cut = _ROTATION.sub("", stem)
        if cut == stem and not suffix and (known := _KNOWN.search(stem)):
            inner = stem[: known.start()]
            if _INNER.search(inner):
                suffix, cut = known[0], _INNER.sub("", inner)
        if cut == stem or not cut.strip("."):
            return stem + suffix
        stem = cut


def stem(name: str) -> str:
    """What the names of all rotations of a base name begin with."""
    known = _KNOWN.search(name)
    return name[: known.start()] if known else name


def strip_compression(name: str) -> str:
    """The name without one compression suffix; the name itself where nothing else would be left."""
    for suffix in COMPRESSED:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def is_compressed(name: str) -> bool:
    """Whether the name says that the file is compressed."""
    return strip_compression(name) != name


def expand(template: str, path: str) -> str:
    """A source's name for a file: `{path}`, `{name}` (base name without `.log`) and `{host}` filled in; for a
    container's log `{namespace}`, `{pod}`, `{container}` and `{workload}`, which elsewhere stay empty.

    A container's log is named by its workload where the template is a default.
    """
    place = PurePath(path)
    name = base(place.name)
    values = {"path": str(place.with_name(name)), "name": name.removesuffix(".log") or name, "host": host_name()}
    container = container_of(path)
    values |= dict.fromkeys(Container._fields, "") if container is None else container._asdict()
    if container is not None and template in DEFAULTS:
        template = OF_CONTAINERS
    filled = _PLACE.sub(lambda match: values[match[1]], template)
    return filled.encode("utf-8", "replace").decode()


@lru_cache(maxsize=1)
def host_name() -> str:
    """This machine's."""
    return socket.gethostname()
