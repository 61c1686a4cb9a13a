"""Labels of deployments: which source, when they began and ended."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from logwatch.errors import DataError
from logwatch.sources.start import read_time
from logwatch.types import Mark

_COLUMNS = ("source", "deployment", "start")


def read_deployments(path: Path) -> dict[str, list[Mark]]:
    """Marks of where deployments began, by source.

    Args:
        path: CSV with a header, or JSON lines, with `source`, `deployment` and `start` (RFC 3339).

    Raises:
        DataError: it cannot be read, or is not of these columns.
    """
    found: dict[str, list[Mark]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in _rows(file, path.suffix in (".jsonl", ".ndjson")):
                source, name, start = (str(row[column]) for column in _COLUMNS)
                found.setdefault(source, []).append(Mark(read_time(start), "deployment", name))
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, KeyError, TypeError, OverflowError, csv.Error) as error:
        hint = "labels of deployments are CSV with the columns source,deployment,start,end, or JSON lines"
        raise DataError(f"{path}: {error}", hint) from error
    return found


def _rows(file: Iterable[str], is_json: bool) -> Iterable[Mapping[str, object]]:
    if is_json:
        return (json.loads(line) for line in file if line.strip())
    reader = csv.DictReader(file)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(f"no column {missing[0]!r}")
    return reader
