"""The end of finished input: the last step of each series is judged, and a later run goes on as if none had been."""

from __future__ import annotations

import json
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from logwatch.cli import run
from tests.metric_runs import START, STEPS, Run, service, stamp

LAST = (START + 10 * STEPS) * 10**9
"""End of the last step: readings come two seconds into each."""


def _lines(values: list[float]) -> str:
    rows = [f"{stamp(10 * step + 2)},load,,{value}\n" for step, value in enumerate(values)]
    return "time,name,labels,value\n" + "".join(rows)


def test_the_last_step_of_each_series_is_judged(tmp_path: Path) -> None:
    lines = service(logs=False)
    without, run = Run(tmp_path / "without"), Run(tmp_path / "with")
    without.feed(lines, repeat(9000))
    run.feed(lines, repeat(9000), end=True)
    more = run.points.keys() - without.points.keys()
    assert {time for _, time in more} == {LAST}
    assert len(more) == len({name for name, _ in run.points})
    assert {key: run.points[key] for key in without.points} == without.points


def test_a_run_that_goes_on_after_an_end_is_the_same_as_one_without(tmp_path: Path) -> None:
    lines = service(logs=False)
    whole, parts = Run(tmp_path / "whole"), Run(tmp_path / "parts")
    whole.feed(lines, repeat(1000), end=True)
    for stop in (2500, 2501, len(lines)):  # in the midst of a step, too
        parts.feed(lines, repeat(700), stop=stop, end=True)
    assert parts.points == whole.points  # the later word on a step is the one that counts
    assert parts.told()[-1:] == whole.told()[-1:]
    assert {alert.id for alert in whole.alerts} <= {alert.id for alert in parts.alerts}


def test_an_anomaly_in_the_last_step_of_a_file_alerts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    values = [*np.round(20 + rng.normal(0, 1, 1000), 3).tolist(), 900.0]
    (tmp_path / "load.csv").write_text(_lines(values))
    for verb in (["score", "-o", str(tmp_path / "rows.jsonl")], ["tail", "--once"]):
        assert run([*verb, "--json", str(tmp_path / "load.csv")]) == 0
        said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        (alert,) = [one for one in said if "900" in str(one.get("detail"))]
        assert alert["state"] == "open"
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert rows[-1]["value"] == 900.0
    assert rows[-1]["alert"] == alert["id"]
    assert len(rows) == len(values)


def test_scoring_in_two_calls_with_a_state_gives_the_rows_of_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    whole = _lines(np.round(20 + rng.normal(0, 1, 900), 3).tolist()).splitlines(keepends=True)
    rows = {}
    for name, parts in (("one", [whole]), ("two", [whole[:500], [whole[0], *whole[500:]]])):
        rows[name] = {}
        for number, part in enumerate(parts):
            file, out = tmp_path / f"{number}" / "load.csv", tmp_path / "rows.jsonl"
            file.parent.mkdir(exist_ok=True)
            file.write_text("".join(part))
            call = ["score", str(file), "-o", str(out), "--state", str(tmp_path / name)]
            assert run(call) == 0
            for row in map(json.loads, out.read_text().splitlines()):
                rows[name][row["time"]] = {key: row[key] for key in ("value", "low", "high", "detectors", "p")}
    assert rows["two"] == rows["one"]
