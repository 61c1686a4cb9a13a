"""The recorded deployments are whole: labels, samples and folds fit each other, and no metric tells the answer."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import datetime
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from logwatch.sources.naming import base
from tests.data.deployments.plan import FAULTS, FOLDS, TOGETHER, plan

FOLDER = Path(__file__).parent / "data" / "deployments"
STEP = 0.5
WINDOW = 60.0
FIRST_LANDING = 40
MEGABYTE = 1_000_000


@cache
def table(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


LABELS = {row["deployment"]: row for row in table("labels.csv")}
PLANNED = {row["deployment"]: row for row in table("deployments.csv")}


def seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


@cache
def samples(name: str) -> tuple[list[str], list[list[str]]]:
    with gzip.open(FOLDER / "recordings" / f"{name}.csv.gz", "rt") as file:
        header, *rows = csv.reader(file)
    return header, rows


def test_there_are_enough_deployments() -> None:
    assert len(LABELS) >= FIRST_LANDING


def test_labels_have_the_columns_of_risk() -> None:
    assert list(table("labels.csv")[0]) == ["source", "deployment", "start", "end", "failed", "failed_at", "fault"]


def test_every_recording_has_one_label_and_one_plan() -> None:
    recorded = {path.name.removesuffix(".csv.gz") for path in (FOLDER / "recordings").iterdir()}
    assert recorded == set(LABELS) == set(PLANNED)
    assert len(table("labels.csv")) == len(table("deployments.csv")) == len(recorded)


def test_labels_call_sources_as_files_are_called() -> None:
    assert all(row["source"] == base(f"{name}.csv.gz") for name, row in LABELS.items())


@pytest.mark.parametrize("name", sorted(LABELS))
def test_samples_come_every_half_second_within_the_label(name: str) -> None:
    start, end = seconds(LABELS[name]["start"]), seconds(LABELS[name]["end"])
    times = [seconds(row[0]) for row in samples(name)[1]]
    assert times == pytest.approx([start + STEP * step for step in range(len(times))])
    assert end == pytest.approx(start + STEP * len(times))


@pytest.mark.parametrize("name", sorted(LABELS))
def test_a_failure_is_within_its_deployment_after_the_first_window(name: str) -> None:
    row = LABELS[name]
    assert row["failed"] in ("0", "1")
    assert (row["failed"] == "1") == bool(row["failed_at"]) == bool(row["fault"])
    length = seconds(row["end"]) - seconds(row["start"])
    if row["failed_at"]:
        assert WINDOW < seconds(row["failed_at"]) - seconds(row["start"]) <= length
    else:
        assert 119 <= length <= 181


def test_plans_are_those_of_the_seed() -> None:
    for row in PLANNED.values():
        number, attempt = int(row["deployment"].removeprefix("shop")), int(row["attempt"])
        made = plan(int(row["seed"]), number, attempt)
        assert (made["planned"], made["extra"]) == (row["planned"], row["extra"])
        assert (made["round"], made["fold"]) == (int(row["round"]), int(row["fold"]))


def test_overlapping_deployments_share_a_fold_and_are_three_at_most() -> None:
    spans = {name: (seconds(row["start"]), seconds(row["end"])) for name, row in LABELS.items()}
    beside: Counter[str] = Counter()
    for one, two in combinations(spans, 2):
        if spans[one][0] < spans[two][1] and spans[two][0] < spans[one][1]:
            assert PLANNED[one]["fold"] == PLANNED[two]["fold"]
            beside.update((one, two))
    assert max(beside.values()) < TOGETHER


def test_folds_have_survivors_and_most_have_failures() -> None:
    outcomes = {(row["fold"], row["failed"]) for row in PLANNED.values()}
    assert len(outcomes) > 1.5 * FOLDS


def test_a_third_to_a_half_fails_of_eight_kinds_of_fault_at_least() -> None:
    failed = [row["fault"] for row in LABELS.values() if row["failed"] == "1"]
    assert 0.3 <= len(failed) / len(LABELS) <= 0.5
    assert len(set(failed) & set(FAULTS)) >= 8


def test_all_have_the_same_metrics() -> None:
    headers = {tuple(samples(name)[0]) for name in LABELS}
    assert len(headers) == 1
    (header,) = headers
    assert header[0] == "time"
    assert 24 <= len(header) - 1 <= 64


def test_no_metric_is_named_after_an_outcome_or_a_fault() -> None:
    names = samples(next(iter(LABELS)))[0]
    words = ("error", "fail", "leak", "storm", "stampede", "convoy", "status", *FAULTS)
    assert not [name for name in names if any(word in name for word in words)]


@pytest.mark.parametrize("name", sorted(LABELS))
def test_most_cells_are_numbers(name: str) -> None:
    cells = [cell for row in samples(name)[1] for cell in row[1:]]
    assert all(len(row) == len(samples(name)[0]) for row in samples(name)[1])
    assert sum(float(cell) >= 0 for cell in cells if cell) == sum(cell != "" for cell in cells)
    assert sum(cell == "" for cell in cells) < 0.2 * len(cells)


def test_what_is_shipped_is_small() -> None:
    assert sum(path.stat().st_size for path in (FOLDER / "recordings").iterdir()) < 6 * MEGABYTE
