"""The bytes of a cell: a small JSON header, then raw little-endian arrays. No pickle: reading one runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.errors import StateCorrupt

VERSION = 1

SPILLED = "keys/spilled"
"""Component of the cells of keys that are not in memory: there may be millions, and nobody reads them all."""

SERIES = "series/"
"""How the names of such cells begin that are of series of metrics."""


def pack(arrays: Mapping[str, NDArray[Any]], **facts: Any) -> bytes:
    """One cell: `arrays` by name (structured dtypes too), and what JSON can hold beside them."""
    head: dict[str, Any] = {"v": VERSION, "facts": facts, "arrays": {}}
    for name, array in arrays.items():
        head["arrays"][name] = [np.lib.format.dtype_to_descr(array.dtype), list(array.shape)]
    text = json.dumps(head, separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(4, "little"), text, *(array.tobytes() for array in arrays.values())])


def unpack(cell: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays (read-only views) and facts of a cell. Raises StateCorrupt."""
    try:
        size = int.from_bytes(cell[:4], "little")
        head = json.loads(cell[4 : 4 + size])
        if head["v"] != VERSION:
            raise StateCorrupt(f"a state cell has version {head['v']}, this program reads {VERSION}")
        offset, arrays = 4 + size, {}
        for name, (descr, shape) in head["arrays"].items():
            dtype = np.dtype([_field(one) for one in descr] if isinstance(descr, list) else descr)
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(cell, dtype, count, offset).reshape(shape)
            offset += count * dtype.itemsize
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StateCorrupt(f"a state cell cannot be read: {error}") from error
    return arrays, head["facts"]


def _field(one: list[Any]) -> tuple[Any, ...]:
    return (one[0], one[1]) if len(one) == 2 else (one[0], one[1], tuple(one[2]))
