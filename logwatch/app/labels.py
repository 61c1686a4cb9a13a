"""Labels of templates: which statement wrote a physical line."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from logwatch.errors import DataError

LEAST = 0.5
"""Share of the labels that must match; less, and they are of another file."""

_OPEN: Mapping[str, Callable[..., IO[str]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_COLUMNS = ("line", "label")


def read_labels(path: Path) -> dict[int, str]:
    """Labels by physical line, from 1; a line with an empty label is not judged.

    Args:
        path: CSV with a header, or JSON lines; `.gz`, `.bz2` and `.xz` are decompressed.

    Raises:
        DataError: it cannot be read, is not of columns `line` and `label`, or gives a line two labels.
    """
    try:
        with _open(path) as file:
            rows = _json(file) if ".jsonl" in path.suffixes else _csv(file)
            return _by_line((int(line), label) for line, label in rows if label)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, KeyError, TypeError, EOFError, csv.Error, lzma.LZMAError) as error:
        raise DataError(f"{path}: {error}", "labels are CSV with the columns line,label, or JSON lines") from error


def _by_line(rows: Iterable[tuple[int, str]]) -> dict[int, str]:
    found: dict[int, str] = {}
    for line, label in rows:
        if line in found:
            raise ValueError(f"line {line} has two labels")
        found[line] = label
    return found


def _open(path: Path) -> IO[str]:
    return (_OPEN.get(path.suffix) or open)(path, "rt", encoding="utf-8", newline="")


def _csv(file: Iterable[str]) -> Iterator[tuple[str, str]]:
    reader = csv.DictReader(file)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(f"no column {missing[0]!r}")
    for row in reader:
        yield row["line"], row["label"]


def _json(file: Iterable[str]) -> Iterator[tuple[int, str]]:
    for line in file:
        row = json.loads(line)
        yield row["line"], row["label"]
