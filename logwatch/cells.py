"""The bytes of a cell: named arrays behind a small JSON header. No pickle: reading one runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def pack(arrays: Arrays, **header: Any) -> bytes:
    """Arrays and a JSON-able header as one cell. `header` should carry a version, `v`."""
    specs = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    head = json.dumps({"arrays": specs, **header}, separators=(",", ":")).encode()
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    return len(head).to_bytes(4, "little") + head + body


def unpack(cell: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays (writable copies) and the header of a cell.

    Raises:
        ValueError: the cell is damaged.
    """
    size = int.from_bytes(cell[:4], "little")
    header: dict[str, Any] = json.loads(cell[4 : 4 + size])
    at = 4 + size
    arrays: dict[str, NDArray[Any]] = {}
    for name, dtype, shape in header.pop("arrays"):
        count = int(np.prod(shape, dtype=np.int64))
        kind = np.dtype(dtype)
        if kind.hasobject:
            raise ValueError(f"cell holds objects in {name!r}")
        arrays[name] = np.frombuffer(cell, kind, count, at).reshape(shape).copy()
        at += count * kind.itemsize
    return arrays, header
