"""Lines and true templates of loghub's 2,000-line samples, and how well a grouping agrees with them."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

SYSTEMS = (
    "Android Apache BGL HDFS HPC Hadoop HealthApp Linux Mac OpenSSH OpenStack Proxifier Spark Thunderbird Windows "
    "Zookeeper"
).split()


class Sample(NamedTuple):
    """One system's lines."""

    raw: list[bytes]  # [n] as written
    content: list[str]  # [n] without header, cut by hand
    truth: list[str]  # [n] the statement that wrote it


class Agreement(NamedTuple):
    """How well predicted groups agree with true ones, each in [0, 1]."""

    accuracy: float  # share of lines whose predicted group is exactly their true group (GA)
    f1: float  # F1 of groups: a predicted group is right where it is exactly a true one (FGA)


def load(folder: Path, system: str) -> Sample:
    """The sample of one system."""
    with gzip.open(folder / f"{system}.structured.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with gzip.open(folder / f"{system}.log.gz", "rb") as file:
        raw = [line.rstrip(b"\r\n") for line in file if line.strip()]
    return Sample(raw, [row["Content"] for row in rows], [row["EventId"] for row in rows])


def agreement(predicted: Sequence[Hashable], truth: Sequence[Hashable]) -> Agreement:
    """Grouping accuracy and F1 of groups (Jiang et al., LogPub, ISSTA 2024)."""
    found, true = _groups(predicted), _groups(truth)
    right = found & true
    lines = sum(len(group) for group in right)
    return Agreement(lines / max(len(truth), 1), 2 * len(right) / max(len(found) + len(true), 1))


def _groups(labels: Sequence[Hashable]) -> set[frozenset[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for line, label in enumerate(labels):
        groups[label].append(line)
    return {frozenset(group) for group in groups.values()}
