"""Lines and true templates of loghub's 2,000-line samples."""

from __future__ import annotations

import csv
import gzip
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


def load(folder: Path, system: str) -> Sample:
    """The sample of one system."""
    with gzip.open(folder / f"{system}.structured.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with gzip.open(folder / f"{system}.log.gz", "rb") as file:
        raw = [line.rstrip(b"\r\n") for line in file if line.strip()]
    return Sample(raw, [row["Content"] for row in rows], [row["EventId"] for row in rows])
