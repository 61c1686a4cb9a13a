"""Says what each fault shows: ``python -m tests.data.recordings.review DIR``.

For every label: lines per second inside and in the minute before, the longest gap, and the line shapes
(digits and hex masked) that are new or more frequent than in the clean first third, or (negative) missing.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

Line: TypeAlias = tuple[float, str]  # seconds since the epoch, shape

TIMES = (
    (re.compile(r"^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d+))?\S*(?: UTC)?"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"^(\d{4}/\d\d/\d\d) (\d\d:\d\d:\d\d)()"), "%Y/%m/%d %H:%M:%S"),
    (re.compile(r"\[(\d\d/\w{3}/\d{4}):(\d\d:\d\d:\d\d)() \+0000\]"), "%d/%b/%Y %H:%M:%S"),
    (re.compile(r"^\d+:\w (\d\d \w{3} \d{4}) (\d\d:\d\d:\d\d)\.(\d+)"), "%d %b %Y %H:%M:%S"),
)
VARIABLE = re.compile(r"\b[0-9a-f]{8,}\b|\d+|PX-\w+|SHA256:\S+|user=\S+|for \w+ from|user \w+")


def read_log(path: Path) -> Iterator[Line]:
    """Time and shape of each line; a line without a time has that of the line before."""
    now = 0.0
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            now, rest = _time(line, now)
            yield now, VARIABLE.sub("#", rest).strip()


def _time(line: str, before: float) -> tuple[float, str]:
    for pattern, layout in TIMES:
        if match := pattern.search(line):
            moment = datetime.strptime(f"{match[1]} {match[2]}", layout).replace(tzinfo=UTC)
            return moment.timestamp() + float(f"0.{match[3] or 0}"), line[: match.start()] + line[match.end() :]
    return before, line


def read_labels(path: Path) -> list[tuple[str, float, float, str]]:
    """Source, start, end and kind of each label."""
    with path.open(newline="") as file:
        return [
            (row["source"], _seconds(row["start"]), _seconds(row["end"]), row["kind"]) for row in csv.DictReader(file)
        ]


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _figures(lines: Sequence[Line], start: float, end: float) -> str:
    inside = [t for t, _ in lines if start <= t < end]
    rate = sum(1 for t, _ in lines if start - 60 <= t < start) / 60
    edges = [start, *inside, end]
    gap = max(after - before for before, after in pairwise(edges))
    return f"{len(inside) / (end - start):.1f} lines/s (before {rate:.1f}), longest gap {gap:.1f} s"


def _unusual(lines: Sequence[Line], start: float, end: float, clean_end: float) -> list[tuple[int, str]]:
    clean = Counter(shape for t, shape in lines if t < clean_end)
    share = (end - start) / (clean_end - lines[0][0])
    inside = Counter(shape for t, shape in lines if start <= t < end)
    more = [(clean[s] > 0, -n, s) for s, n in inside.items() if n >= 1.7 * share * clean[s]]
    less = [(inside[s] - round(n * share), s) for s, n in clean.items() if n * share > 4 * inside[s] + 4]
    return [(-n, shape) for _, n, shape in sorted(more)[:6]] + sorted(less)[:2]


def review(folder: Path) -> Iterator[str]:
    """The report, line by line."""
    labels = read_labels(folder / "labels.csv")
    clean_end = min(start for _, start, _, _ in labels)
    for path in sorted(folder.glob("[!t]*/*.log.gz")):  # templates/ holds others
        source, lines = path.name.removesuffix(".log.gz"), list(read_log(path))
        yield f"\n## {source}: {len(lines)} lines, {path.stat().st_size} bytes, {_minutes(lines):.1f} min"
        clean = sum(1 for t, _ in lines if t < clean_end) / (clean_end - lines[0][0])
        yield f"clean third: {clean:.1f} lines/s"
        for name, start, end, kind in labels:
            if name == source:
                yield f"- {kind} ({end - start:.0f} s): {_figures(lines, start, end)}"
                yield from (f"    {n:5d} {shape[:150]}" for n, shape in _unusual(lines, start, end, clean_end))


def _minutes(lines: Sequence[Line]) -> float:
    return (max(t for t, _ in lines) - lines[0][0]) / 60


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in review(Path(sys.argv[1])))
