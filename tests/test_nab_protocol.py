"""The scorer of the Numenta Anomaly Benchmark, against its definition and against another one where the data lies."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.nab_protocol import Sweep, corpus, worth_of

DATA = Path(os.environ.get("LOGWATCHD_BENCH_DATA", "data"))


def by_definition(length: int, windows: list[tuple[int, int]], detected: list[int]) -> tuple[float, int]:
    """Score of detections at these rows, and windows that count."""
    first = min(int(0.15 * length), 750)
    counted = [window for window in windows if window[1] >= first]
    total = 0.0
    for left, right in counted:
        inside = [row for row in detected if max(left, first) <= row <= right]
        place = -(right - inside[0] + 1) / (right - left + 1) if inside else 0.0
        full = 2 / (1 + np.exp(-5)) - 1
        total += (2 / (1 + np.exp(5 * place)) - 1) / full if inside else -1.0
    for row in detected:
        if row >= first and not any(left <= row <= right for left, right in windows):
            before = [window for window in windows if window[1] < row]
            past = (row - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else np.inf
            total += 0.11 * (-1.0 if past > 3 else 2 / (1 + np.exp(5 * past)) - 1)
    return total, len(counted)


@given(st.integers(0, 2**20))
def test_every_threshold_scores_as_the_definition_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    files, total, count = [], 0.0, 0
    scores = [np.round(rng.random(int(rng.integers(40, 120))), 1) for _ in range(3)]
    threshold = float(rng.choice(np.concatenate(scores)))
    for score in scores:
        edges = np.sort(rng.choice(np.arange(len(score)), 4, replace=False)).tolist()
        windows = [(edges[0], edges[1]), (edges[2], edges[3])]
        files.append(worth_of(len(score), windows))
        one, windows_counted = by_definition(len(score), windows, np.flatnonzero(score >= threshold).tolist())
        total, count = total + one, count + windows_counted
    reached = max(score[file.first :].max() for file, score in zip(files, scores, strict=True)) >= threshold
    if count and reached:
        assert Sweep(files, scores).at(threshold) == pytest.approx(100 * (total + count) / (2 * count))


def test_nothing_detected_is_zero_and_the_first_point_of_every_window_about_a_hundred() -> None:
    worth = worth_of(1000, [(300, 400), (600, 700)])
    perfect = np.zeros(1000)
    perfect[[300, 600]] = 1.0
    assert Sweep([worth], [perfect]).best()[0] == pytest.approx(100.0, abs=0.1)
    assert Sweep([worth], [perfect]).at(2.0) == 0.0


@pytest.mark.skipif(not (DATA.parent / "tools" / "nab_score.py").exists(), reason="the other scorer is not here")
@pytest.mark.parametrize("seed", [0])
def test_agrees_with_another_scorer_on_random_scores(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    files = list(corpus(DATA / "nab"))
    scores = [np.round(rng.random(len(file.series.time)) ** 0.02, 4) for file in files]
    for file, score in zip(files, scores, strict=True):
        path = tmp_path / file.series.name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["timestamp", "anomaly_score"])
            writer.writerows(enumerate(score.tolist()))
    tool = [sys.executable, str(DATA.parent / "tools" / "nab_score.py"), str(tmp_path), "--data", str(DATA / "nab")]
    said = subprocess.run(tool, capture_output=True, text=True, check=True).stdout.split()
    worth = [worth_of(len(file.series.time), file.windows) for file in files]
    best, threshold = Sweep(worth, scores).best()
    assert said[:4] == ["standard", f"{best:.2f}", "threshold", f"{threshold:.6g}"]
