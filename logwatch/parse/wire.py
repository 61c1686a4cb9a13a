"""Columns as bytes between two processes of this program: a small JSON head, raw arrays, joined text. No pickle.

Goes through: any dataclass of arrays, lists of text (or None) or of named tuples, such dataclasses and lists of them.
A field that is added to `Shaped` needs nothing here. Both ends run the same code on one machine: bytes are in
its own order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from logwatch.parse.texts import Texts

T = TypeVar("T")

_ALIGN = 16


def pack(value: Any) -> list[bytes | memoryview]:
    """A dataclass as the pieces of one message; the first is the head with its length."""
    pieces: list[bytes | memoryview] = []
    head = json.dumps(_said(value, pieces)).encode()
    head += b" " * (-(len(head) + 8) % _ALIGN)
    return [len(head).to_bytes(8, "little") + head, *pieces]


def _said(value: Any, pieces: list[bytes | memoryview]) -> Any:
    """What the head says of a value; its bytes go to `pieces`."""
    if isinstance(value, np.ndarray):
        column = np.ascontiguousarray(value)
        _add(column.reshape(-1).view(np.uint8).data, pieces)
        return [column.dtype.str, column.shape]
    if is_dataclass(value):
        return [_said(getattr(value, field.name), pieces) for field in fields(value)]
    if isinstance(value, Texts) or (isinstance(value, list | tuple) and not (value and is_dataclass(value[0]))):
        data, how = _pack_text(value)
        _add(data, pieces)
        return [how, len(value), len(data)]
    return [_said(one, pieces) for one in value] if isinstance(value, list | tuple) else value


def _add(data: bytes | memoryview, pieces: list[bytes | memoryview]) -> None:
    pieces.append(data)
    if pad := -len(data) % _ALIGN:
        pieces.append(b"\0" * pad)


def _pack_text(column: Sequence[Any]) -> tuple[bytes, str]:
    """Joined by line ends where that is possible, else JSON."""
    if isinstance(column, Texts):
        return column.joined(), "lines"
    if isinstance(column, list) and column.count(None) == len(column):
        return b"", "none"
    try:
        joined = "\n".join(column)
    except TypeError:  # None among them
        return json.dumps(list(column)).encode(), "json"
    if joined.count("\n") == len(column) - 1:
        return joined.encode("utf-8", "surrogatepass"), "lines"
    return json.dumps(list(column)).encode(), "json"


def unpack(kind: type[T], message: bytearray) -> T:
    """The dataclass that was packed; its arrays are views of the message."""
    size = int.from_bytes(message[:8], "little")
    found: T = _Reader(message, 8 + size).read(kind, json.loads(message[8 : 8 + size]))
    return found


class _Reader:
    """Goes through the pieces in the order in which they were packed."""

    def __init__(self, message: bytearray, at: int) -> None:
        self._message = message
        self._at = at

    def read(self, kind: Any, said: Any) -> Any:
        """A value of a type; `said` of it in the head."""
        if get_origin(kind) in _UNIONS:  # X | None
            if said is None:
                return None
            kind = next(one for one in get_args(kind) if one is not type(None))
        if is_dataclass(kind):
            build: Any = kind
            pairs = zip(_hints(build).items(), said, strict=True)
            return build(**{name: self.read(hint, part) for (name, hint), part in pairs})
        origin, args = get_origin(kind), get_args(kind)
        if origin is np.ndarray:
            dtype, shape = np.dtype(said[0]), said[1]
            count = int(np.prod(shape, dtype=np.int64))
            return np.frombuffer(self._message, dtype, count, self._take(count * dtype.itemsize)).reshape(shape)
        if origin not in (list, tuple, Sequence):
            return said
        if said and not isinstance(said[0], str):
            return [self.read(args[0], one) for one in said]
        texts = self._texts(said, lazy=origin is Sequence)
        return [args[0](*one) for one in texts] if hasattr(args[0], "_fields") else texts  # named tuples

    def _texts(self, said: Any, lazy: bool) -> Sequence[Any]:
        if not said:
            return []
        how, count, length = said
        at = self._take(length)
        if how == "none":
            return [None] * count
        data = memoryview(self._message)[at : at + length]
        if how == "json":
            return list(json.loads(bytes(data)))
        texts = Texts(data, count)
        return texts if lazy else texts.lines()

    def _take(self, length: int) -> int:
        """Where the next piece begins."""
        at = self._at
        self._at += length + -length % _ALIGN
        return at


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


_UNIONS = (Union, UnionType)
