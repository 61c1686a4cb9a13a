"""The recordings are whole: labels fit the logs, and the benchmark's promises hold."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.data.recordings.package import make_demo
from tests.data.recordings.review import read_labels, read_log

RECORDINGS = Path(__file__).parent / "data" / "recordings"
DEMO = Path(__file__).parents[1] / "logwatch" / "demo_data"
PROGRAMS = ("app", "nginx", "postgresql", "redis", "sshd")
PATHS = sorted(path for name in PROGRAMS for path in (RECORDINGS / name).glob("*.log.gz"))
LOGS = {path.name.removesuffix(".log.gz"): path for path in PATHS}
MEGABYTE = 1_000_000

Labels = list[tuple[str, float, float, str]]


@pytest.fixture(scope="module")
def labels() -> Labels:
    return read_labels(RECORDINGS / "labels.csv")


@pytest.fixture(scope="module")
def times() -> dict[str, list[float]]:
    return {source: [time for time, _ in read_log(path)] for source, path in LOGS.items()}


def of_source(labels: Labels, source: str) -> list[tuple[float, float]]:
    return sorted((start, end) for name, start, end, _ in labels if name == source)


def run_span(times: dict[str, list[float]]) -> tuple[float, float]:
    return min(t[0] for t in times.values()), max(max(t) for t in times.values())


def test_labels_have_the_columns_of_backtest() -> None:
    with (RECORDINGS / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["source", "start", "end", "kind"]
    assert all(row["start"].endswith("Z") and row["end"].endswith("Z") for row in rows)
    assert all(row["kind"].replace("_", "").islower() for row in rows)


def test_labels_name_logs_that_exist(labels: Labels) -> None:
    assert {source for source, *_ in labels} == set(LOGS)


def test_there_are_fifty_thousand_lines(times: dict[str, list[float]]) -> None:
    assert sum(len(t) for t in times.values()) >= 50_000


def test_every_line_has_a_time_of_the_run(times: dict[str, list[float]]) -> None:
    start, end = run_span(times)
    assert end - start < timedelta(hours=1).total_seconds()


@pytest.mark.parametrize("source", sorted(LOGS))
def test_labels_lie_within_their_log(source: str, labels: Labels, times: dict[str, list[float]]) -> None:
    for start, end in of_source(labels, source):
        assert times[source][0] <= start < end <= max(times[source])


@pytest.mark.parametrize("source", sorted(LOGS))
def test_faults_are_three_minutes_apart(source: str, labels: Labels) -> None:
    intervals = of_source(labels, source)
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(intervals)]
    assert min(gaps) >= 180


def test_faults_last_twenty_to_ninety_seconds(labels: Labels) -> None:
    assert all(20 <= end - start <= 90 for _, start, end, _ in labels)


def test_the_first_third_is_clean(labels: Labels, times: dict[str, list[float]]) -> None:
    start, end = run_span(times)
    assert min(label[1] for label in labels) >= start + (end - start) / 3


def test_each_program_has_three_kinds_of_faults(labels: Labels) -> None:
    kinds = {program: set() for program in PROGRAMS}
    for source, _, _, kind in labels:
        kinds[LOGS[source].parent.name].add(kind)
    assert all(len(found) >= 3 for found in kinds.values())


@pytest.mark.parametrize("name", ["host", *PROGRAMS])
def test_metrics_cover_the_run(name: str, times: dict[str, list[float]]) -> None:
    with gzip.open(RECORDINGS / name / "metrics.csv.gz", "rt") as file:
        header, *rows = (line.split(",", 1) for line in file)
    assert header == ["time", "name,labels,value\n"]
    moments = {time for time, _ in rows}
    start, end = run_span(times)
    assert len(moments) >= 0.9 * (end - start)
    assert datetime.fromisoformat(min(moments)) >= datetime.fromtimestamp(start - 2, UTC)


def test_the_recordings_stay_small() -> None:
    packed = [path for path in RECORDINGS.rglob("*.gz") if path.parent.name != "templates"]
    assert sum(path.stat().st_size for path in packed) <= 4 * MEGABYTE


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "README.md"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_the_demo_data_is_what_the_recordings_make_and_fits_the_wheel(tmp_path: Path) -> None:
    make_demo(RECORDINGS, tmp_path)
    assert files(DEMO) == files(tmp_path)
    assert {path.name.removesuffix(".log.gz") for path in DEMO.rglob("*.log.gz")} == set(LOGS)
    assert {path.parent.name for path in DEMO.rglob("metrics.csv.gz")} == {"host", *PROGRAMS}
    assert sum(map(len, files(DEMO).values())) <= 2 * MEGABYTE


def test_the_demo_labels_programs_and_a_fault_in_two_logs_once(labels: Labels) -> None:
    told = read_labels(DEMO / "labels.csv")
    assert {source for source, *_ in told} == set(PROGRAMS)
    assert {(start, end, kind) for _, start, end, kind in told} == {one[1:] for one in labels}
    assert len(told) == len(set(told)) == 28
