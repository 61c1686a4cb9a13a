"""A bundle: one model in one file, for other hosts.

An uncompressed tar of three members, in this order, and the same bytes for the same model:

    manifest.json      schema, where the model comes from, how it did; size and sha256 of the others
    model.safetensors  the weights
    templates.json     the templates that they are about: redacted texts, the oldest first

It is read into memory, never unpacked; a directory with the three files is read, too. Nothing in it is code.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch import __version__
from logwatch.errors import DataError, StateNotWritable
from logwatch.parse.template import MAX_WORDS, Pattern

SCHEMA = 1
KIND = "log-lstm"
MANIFEST, MODEL, TEMPLATES = "manifest.json", "model.safetensors", "templates.json"

MOST = {MANIFEST: 1 << 20, MODEL: 64 << 20, TEMPLATES: 64 << 20}
"""Bytes of each member, at most: 20,000 templates and 1,024 slots take a tenth of it."""

MOST_TEMPLATES = 20_000

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Bundle:
    """A model and its templates.

    Attributes:
        id: sha256 of the manifest, and by it of everything.
        facts: the manifest.
        arrays: parameters by name, and `template` [V]: of each slot the place among the templates, -1: none.
        templates: the oldest first.
    """

    id: str
    facts: Mapping[str, Any]
    arrays: Arrays
    templates: Sequence[Pattern]


def pack(arrays: Arrays, templates: Sequence[Pattern], facts: Mapping[str, Any]) -> bytes:
    """A bundle's file. `facts`: what else the manifest says, as JSON."""
    from safetensors.numpy import save

    parts = {
        MODEL: save({name: np.ascontiguousarray(array) for name, array in arrays.items()}),
        TEMPLATES: _json({"schema": SCHEMA, "templates": templates}),
    }
    files = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in parts.items()}
    manifest = {"schema": SCHEMA, "kind": KIND, "program": __version__, **facts, "files": files}
    return _tar({MANIFEST: _json(manifest), **parts})


def packed_again(folder: Path) -> bytes:
    """The file of a bundle that lies unpacked in a directory. Raises OSError."""
    return _tar({name: (folder / name).read_bytes() for name in MOST})


def _tar(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def write(data: bytes, path: Path) -> None:
    """Write a file as a whole or not at all. Raises StateNotWritable."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise StateNotWritable(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error


def read(path: Path) -> Bundle:
    """A bundle, checked. Raises DataError: it is not there, not whole, not what it says, or of another schema."""
    try:
        parts = _directory(path) if path.is_dir() else _members(path)
    except tarfile.TarError as error:
        raise _wrong(path, f"it is no bundle, or only half of one ({error})") from error
    except OSError as error:
        raise _wrong(path, (error.strerror or str(error)).lower()) from error
    if missing := [name for name in MOST if name not in parts]:
        raise _wrong(path, f"it has no {missing[0]}: it is no bundle, or only half of one")
    facts = _load(path, MANIFEST, parts[MANIFEST])
    if facts.get("kind") != KIND or facts.get("schema") != SCHEMA:
        told = f"{facts.get('kind')!r} of schema {facts.get('schema')!r}"
        raise _wrong(path, f"it is {told}, this program reads {KIND!r} of schema {SCHEMA}")
    _check_files(path, facts, parts)
    arrays, templates = _arrays(path, parts[MODEL]), _templates(path, _load(path, TEMPLATES, parts[TEMPLATES]))
    place = arrays.get("template", np.zeros(0))
    if place.dtype != np.int32 or place.ndim != 1 or ((place < -1) | (place >= len(templates))).any():
        raise _wrong(path, "its weights are about other templates")
    return Bundle(hashlib.sha256(parts[MANIFEST]).hexdigest(), facts, arrays, templates)


def _members(path: Path) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            name = member.name
            if name not in MOST or name in parts or not member.isreg() or member.size > MOST[name]:
                raise _wrong(path, "it holds more than a bundle does")
            content = tar.extractfile(member)
            parts[name] = b"" if content is None else content.read(MOST[name])
            if len(parts[name]) != member.size:
                raise _wrong(path, f"it ends within {name}: only half of it is here")
    return parts


def _directory(path: Path) -> dict[str, bytes]:
    parts = {}
    for name, most in MOST.items():
        if (path / name).is_file():
            with (path / name).open("rb") as file:
                parts[name] = file.read(most + 1)
            if len(parts[name]) > most:
                raise _wrong(path, f"{name} is larger than that of any bundle")
    return parts


def _check_files(path: Path, facts: Mapping[str, Any], parts: Mapping[str, bytes]) -> None:
    files = facts.get("files")
    for name in (MODEL, TEMPLATES):
        told = files.get(name) if isinstance(files, dict) else None
        if not isinstance(told, dict) or told.get("sha256") != hashlib.sha256(parts[name]).hexdigest():
            raise _wrong(path, f"{name} is not the one that the manifest names: its hash is another")


def _arrays(path: Path, data: bytes) -> Arrays:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: Arrays = load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise _wrong(path, f"{MODEL} cannot be read: {error}") from error
    if any(array.dtype == np.float32 and not np.isfinite(array).all() for array in arrays.values()):
        raise _wrong(path, f"{MODEL} holds what is no number")
    return arrays


def _templates(path: Path, told: Mapping[str, Any]) -> list[Pattern]:
    rows = told.get("templates")
    if not isinstance(rows, list) or len(rows) > MOST_TEMPLATES:
        raise _wrong(path, f"{TEMPLATES} holds no list of at most {MOST_TEMPLATES:,} templates")
    return [_pattern(path, row) for row in rows]


def _pattern(path: Path, row: Any) -> Pattern:
    if isinstance(row, list) and len(row) == 3:
        scope, words, separators = row
        texts = isinstance(scope, str) and isinstance(words, list) and isinstance(separators, list)
        if texts and all(isinstance(one, str) for one in (*words, *separators)):
            if len(words) + 1 == len(separators) <= MAX_WORDS + 2:  # a tail is a word more
                return Pattern(scope, tuple(words), tuple(separators))
    raise _wrong(path, f"{TEMPLATES} holds what is no template")


def _load(path: Path, name: str, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"{name} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _wrong(path, f"{name} is no JSON object")
    return found


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _wrong(path: Path, reason: str) -> DataError:
    return DataError(f"{path}: {reason}", "nothing was changed; `logwatchd model export -o FILE` writes a bundle")
