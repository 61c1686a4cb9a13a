"""Stable 64-bit names of fields and of their values."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from logwatch.score.detectors.table import UInt64, mix
from logwatch.score.detectors.values_text import PlaceColumn
from logwatch.types import FieldColumn, Float64, Int32, Int64

TEXT = 24
"""Bytes of a word kept for people."""
_WORD = 64
_NUMERIC = 1 << 40  # beside a source's number: a field's numbers and its words are two fields


@lru_cache(maxsize=4096)
def _name_key(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def field_keys(sources: Int64, column: FieldColumn) -> UInt64:
    """Keys [f] of a field on sources [f], never zero."""
    if len(sources) == 1:
        return _one_field(int(sources[0]), column.name, column.numbers is not None)
    return _keys(sources, np.uint64(_name_key(column.name)), column.numbers is not None)


@lru_cache(maxsize=4096)
def _one_field(source: int, name: str, numeric: bool) -> UInt64:
    key = _keys(np.array([source]), np.uint64(_name_key(name)), numeric)
    key.flags.writeable = False
    return key


def _keys(sources: Int64, names: UInt64 | np.uint64, numeric: bool) -> UInt64:
    own = mix((sources + 1 + _NUMERIC * numeric).astype(np.uint64)) ^ names
    return np.maximum(mix(own), np.uint64(1))


def word_keys(words: list[str]) -> UInt64:
    """Keys [c] of words [c], never zero."""
    data = np.array([word.encode("utf-8", "replace") for word in words], dtype=f"S{_WORD}")
    parts = data.view(np.uint64).reshape(len(words), _WORD // 8)
    key = np.full(len(words), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for k in range(parts.shape[1]):
        key = mix(key ^ parts[:, k])
    return np.maximum(key, np.uint64(1))


def number_keys(numbers: Float64) -> UInt64:
    """Keys [c] of numbers [c], never zero."""
    return np.maximum(mix((numbers + 0.0).view(np.uint64) ^ np.uint64(0xD6E8FEB86659FD93)), np.uint64(1))


class Held(NamedTuple):
    """A column of one field: on which sources, and on which of them each row is."""

    keys: UInt64  # [f]
    sources: Int64  # [f]
    of: Int64  # [k] index into `keys`


def held(column: FieldColumn, source: Int32) -> Held:
    """Which fields a column's rows belong to; `source` of each row of the batch."""
    own = source[column.rows]
    if isinstance(column, PlaceColumn):
        return _held_places(column, own)
    if (own == own[0]).all():
        sources = own[:1].astype(np.int64)
        return Held(field_keys(sources, column), sources, np.zeros(len(own), dtype=np.int64))
    sources, of = np.unique(own.astype(np.int64), return_inverse=True)
    return Held(field_keys(sources, column), sources, of.reshape(-1))


def _held_places(column: PlaceColumn, own: Int32) -> Held:
    pairs, of = np.unique(own.astype(np.int64) << 32 | column.place, return_inverse=True)
    sources, names = pairs >> 32, [_name_key(column.names[place]) for place in (pairs & 0xFFFFFFFF).tolist()]
    return Held(_keys(sources, np.array(names, dtype=np.uint64), column.numbers is not None), sources, of.reshape(-1))


def told(number: float) -> str:
    """A number as people write it."""
    return f"{number:.0f}" if number == round(number) and abs(number) < 1e15 else f"{number:.4g}"
