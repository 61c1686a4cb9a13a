"""Labels for training: what became of deployments."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from logwatch.errors import DataError
from logwatch.sources.start import read_time

COLUMNS = ("source", "deployment", "start", "end", "failed", "failed_at", "fault")
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One deployment; times in ns."""

    source: str
    deployment: str
    start: int
    end: int
    failed_at: int | None  # None: it did not fail
    fault: str  # kind of the failure; empty: none


def read_outcomes(path: Path) -> list[Outcome]:
    """CSV with the columns `COLUMNS`; times in RFC 3339, `failed` 0 or 1.

    Raises:
        DataError: it cannot be read, is not of these columns, or holds no deployment.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(f"no column {missing[0]!r}")
            found = []
            for row in reader:
                try:
                    found.append(_outcome(row))
                except (ValueError, TypeError, OverflowError) as error:
                    raise ValueError(f"line {reader.line_num}: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, csv.Error) as error:
        hint = f"labels of deployments are CSV with the columns {','.join(COLUMNS)}"
        raise DataError(f"{path}: {error}", hint) from error
    if not found:
        raise DataError(f"{path}: no deployment in it")
    return found


def _outcome(row: dict[str, str]) -> Outcome:
    if row["failed"] not in ("0", "1"):
        raise ValueError(f"failed is {row['failed']!r}, neither 0 nor 1")
    failed = row["failed"] == "1"
    start, end = read_time(row["start"]), read_time(row["end"])
    if end <= start:
        raise ValueError("it ends before it begins")
    failed_at = read_time(row["failed_at"]) if failed else None
    if failed_at is not None and failed_at <= start:
        raise ValueError("it failed before it began")
    fault = (row["fault"] or UNNAMED) if failed else ""
    return Outcome(row["source"], row["deployment"] or row["source"], start, end, failed_at, fault)


def overlapping(outcomes: Sequence[Outcome]) -> list[str]:
    """A group for each: deployments that ran at the same time, one through another, share it."""
    groups = [""] * len(outcomes)
    until, group = 0, ""
    for at in sorted(range(len(outcomes)), key=lambda one: outcomes[one].start):
        if outcomes[at].start >= until:
            group = f"{len({*groups} - {''})}"
        groups[at] = group
        until = max(until, outcomes[at].end)
    return groups
