"""Which source a record belongs to, by its key, a header or a field of its payload."""

from __future__ import annotations

import re
import socket
from functools import lru_cache

import numpy as np

from logwatch.errors import ConfigError
from logwatch.kafka.decode import Headers
from logwatch.kafka.position import partition_of
from logwatch.types import Int32, Stream

DEFAULT = "{topic}/{key}"
"""Without a key, `{key}` is the partition's number."""

LONGEST = 200
"""Characters of a key that a name keeps."""

REMEMBERED = 100_000
"""Names of one lane kept at hand."""

_PLACE = re.compile(r"\{(\w+)\}")
_PLACES = ("topic", "partition", "key", "host")
_ACTING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def checked(template: str) -> str:
    """A name that can be filled in. Raises ConfigError."""
    for place in _PLACE.findall(template):
        if place not in _PLACES:
            known = ", ".join(f"{{{one}}}" for one in _PLACES)
            raise ConfigError(f"`name` of a Kafka source has no {{{place}}} to fill in", f"it may use {known}")
    return template


def instance_of(lane: str) -> str:
    """The instance of a lane's streams: `topic:partition`."""
    topic, partition = partition_of(lane)
    return f"{topic}:{partition}"


class Naming:
    """Names the streams of one lane.

    Args:
        template: `{topic}`, `{partition}`, `{key}` and `{host}` are filled in.
        key_from: as in the configuration.
        lane: whose.
    """

    def __init__(self, template: str, key_from: str, lane: str) -> None:
        topic, partition = partition_of(lane)
        kind, _, self._path = key_from.partition(":")
        self._kind = kind if "{key}" in template else ""
        self._values = {"topic": topic, "partition": str(partition), "host": _host()}
        self._template = template
        self._instance = instance_of(lane)
        self._known: dict[bytes | None, Stream] = {}

    def own(self) -> Stream:
        """The stream of records without a key, and of what is lost."""
        return self._stream(None)

    def streams(
        self, keys: list[bytes | None] | None, values: list[bytes], headers: list[Headers] | None
    ) -> tuple[list[Stream], Int32]:
        """The streams of n records, and the index into them of each [n]."""
        found = self._found(keys, values, headers)
        if found is None:
            return [self.own()], np.zeros(len(values), np.int32)
        number: dict[bytes | None, int] = {}
        which = np.fromiter((number.setdefault(key, len(number)) for key in found), np.int32, len(found))
        streams = [self._stream(key) for key in number]
        return _merged(streams, which)

    def _found(
        self, keys: list[bytes | None] | None, values: list[bytes], headers: list[Headers] | None
    ) -> list[bytes | None] | None:
        """The key of each record by `key_from`; None where none has one."""
        if self._kind == "key":
            return keys
        if self._kind == "header":
            return [_last(one or [], self._path) for one in headers] if headers is not None else None
        return _fields(values, self._path) if self._kind == "field" else None

    def _stream(self, key: bytes | None) -> Stream:
        stream = self._known.get(key)
        if stream is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            text = self._values["partition"] if not key else _ACTING.sub("\ufffd", key.decode("utf-8", "replace"))
            values = self._values | {"key": text[:LONGEST]}
            name = _PLACE.sub(lambda match: values[match[1]], self._template)
            stream = self._known[key] = Stream(name, self._instance)
        return stream


def _merged(streams: list[Stream], which: Int32) -> tuple[list[Stream], Int32]:
    """Two keys may make one name (shortened, or not UTF-8): one stream then."""
    index: dict[Stream, int] = {}
    place = np.array([index.setdefault(stream, len(index)) for stream in streams], np.int32)
    return (streams, which) if len(index) == len(streams) else (list(index), place[which])


def _last(headers: Headers, name: str) -> bytes | None:
    return next((value for key, value in reversed(headers) if key == name), None)


def _fields(values: list[bytes], path: str) -> list[bytes | None]:
    """A field of JSON payloads; None where there is none, or no JSON."""
    import polars as pl

    texts = pl.Series([value.decode("utf-8", "replace") for value in values], dtype=pl.String)
    steps = "".join(f"['{step}']" for step in path.split("."))
    found = texts.str.json_path_match(f"${steps}").to_list()
    return [one.encode() if one else None for one in found]


@lru_cache(maxsize=1)
def _host() -> str:
    return socket.gethostname()
