"""`kill -9` at any moment of a replay: the alerts in the file sink are those of an uninterrupted run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.kill import LINES, campaign

ENTITY = r"request_id=(\w+)"


def test_a_few_kills_lose_and_double_no_alert(tmp_path: Path) -> None:
    survived, compared, wrong = campaign(tmp_path, 2, 1, ENTITY, count=20_000)
    assert survived == 2
    assert compared
    assert wrong == 0


def test_a_few_kills_lose_and_double_no_alert_on_metrics(tmp_path: Path) -> None:
    survived, compared, wrong = campaign(tmp_path, 2, 1, count=20_000, metrics=True)
    assert survived == 2
    assert compared
    assert wrong == 0


@pytest.mark.slow
@pytest.mark.timeout(5000)
@pytest.mark.parametrize(
    ("entity", "kills", "metrics"),
    [("", 100, False), (ENTITY, 50, False), ("", 30, True)],
    ids=["lines", "visits", "metrics"],
)
def test_a_hundred_kills_lose_and_double_no_alert(tmp_path: Path, entity: str, kills: int, metrics: bool) -> None:
    survived, compared, wrong = campaign(tmp_path, kills, 0, entity, count=LINES, metrics=metrics)
    assert survived >= kills
    assert compared
    assert wrong == 0
