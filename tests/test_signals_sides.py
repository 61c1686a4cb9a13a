"""Sources with lines and metrics: one budget, and the order of the stream; see `logwatch.sides`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from logwatch.sides import LINES, METRICS, Sides
from tests.metric_runs import Run, service, sizes_of

NO, YES = False, True


def _in_turn(sides: Sides, metrics: list[bool], source: list[int], warm: list[bool] | None = None) -> list[list[int]]:
    marks = None if warm is None else np.array(warm)
    return [rows.tolist() for rows in sides.in_turn(np.array(metrics), np.array(source, np.int32), marks)]


def test_lines_come_first_while_no_source_has_both_sides() -> None:
    assert _in_turn(Sides(), [NO, YES, NO, YES], [0, 1, 2, 1]) == [[0, 2], [1, 3]]


def test_the_order_is_the_streams_once_a_source_has_both() -> None:
    assert _in_turn(Sides(), [NO, YES, YES, NO], [0, 0, 1, 2]) == [[0], [1, 2], [3]]
    sides = Sides()
    sides.see(np.array([4], np.int32), LINES)
    assert _in_turn(sides, [NO, YES, NO], [2, 4, 2]) == [[0], [1], [2]]  # it had lines before
    sides.see(np.array([4], np.int32), METRICS)
    assert _in_turn(sides, [NO, YES, NO], [2, 3, 2]) == [[0], [1], [2]]  # chunks end in the order of the stream


def test_metrics_of_one_run_are_all_from_before_the_first_start_or_none() -> None:
    assert _in_turn(Sides(), [YES] * 4, [0] * 4, [YES, YES, NO, NO]) == [[0, 1], [2, 3]]


def test_the_sides_of_a_source_survive_a_restart() -> None:
    sides, again = Sides(), Sides()
    sides.see(np.array([1, 2, 300], np.int32), LINES)
    sides.see(np.array([2, 300, 7], np.int32), METRICS)
    again.restore(dict(sides.changes()))
    source = np.array([0, 1, 2, 7, 300, 5000])
    assert again.both(source).tolist() == sides.both(source).tolist() == [NO, NO, YES, NO, YES, NO]
    assert _in_turn(again, [NO, YES], [10, 11]) == [[0], [1]]


def test_a_source_with_both_sides_spends_its_budget_once(tmp_path: Path) -> None:
    """Each side judges as it would alone with half of the budget."""
    lines = [line for line in service(3) if b"ERROR" not in line[1]][:3500]  # before the fault: nothing is flagged
    thresholds = {}
    for name, part, budget in (
        ("both", lines, "4/day"),
        ("half", [line for line in lines if line[0].instance == "metrics"], "2/day"),
        ("whole", [line for line in lines if line[0].instance == "metrics"], "4/day"),
        ("lines", [line for line in lines if line[0].instance == "log"], "2/day"),
    ):
        run = Run(tmp_path / name, budget=("--budget", budget))
        run.feed(part, sizes_of(1, 900))
        assert run.alerts == []
        thresholds[name] = {kind: z for (_, kind), z in run.thresholds.items() if z is not None}
    assert thresholds["both"] == thresholds["half"] | thresholds["lines"]
    assert thresholds["whole"]["metric"] < thresholds["half"]["metric"]
