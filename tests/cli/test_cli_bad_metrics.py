"""Bad metrics, end to end: `score` goes on, counts what it could not take, and says so."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from logwatch.cli import run

START = 1_760_000_000
STEPS = 900
BAD = 600
"""The step at which something bad comes."""


def line(step: float, name: str, value: Any, **labels: str) -> str:
    return json.dumps({"name": name, "labels": labels, "value": value, "time": START + 10 * step})


def usual(step: int, rng: random.Random) -> list[str]:
    return [line(step, "load", round(50 + rng.gauss(0, 1), 2)), line(step, "served_total", 1000 + 100 * step)]


def stream(bad: Iterable[str], replaced: bool = False) -> list[str]:
    rng, lines = random.Random(1), []
    for step in range(STEPS):
        told = usual(step, rng)
        lines += (list(bad) + told[replaced:]) if step == BAD else told
    return lines


class Scored:
    """What a run left behind."""

    def __init__(self, folder: Path, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        file, rows, state = folder / "m.jsonl", folder / "rows.jsonl", folder / "state"
        file.write_text("".join(one + "\n" for one in lines))
        self.exit = run(["score", str(file), "-o", str(rows), "--state", str(state)])
        self.said = " ".join(capsys.readouterr().err.split())
        self.rows = [json.loads(one) for one in rows.read_text().splitlines()]
        letters = state / "dead-letters.jsonl"
        self.letters = [json.loads(one) for one in letters.read_text().splitlines()] if letters.exists() else []
        self.state = b"".join(one.read_bytes() for one in sorted(state.rglob("*")) if one.is_file())

    def of(self, series: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["series"] == series]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (line(BAD, "load", "NaN"), "1 not finite samples"),
        (line(BAD, "load", "Infinity"), "1 not finite samples"),
        (line(BAD, "load", "-inf"), "1 not finite samples"),
        (line(BAD, "load", 1e308), "1 huge samples"),
        (line(BAD, "load", "broken"), "1 not a number records"),
        (line(BAD - 60, "load", 50), "1 late samples"),
        (line(BAD - 1, "served_total", 1000 + 100 * (BAD - 1)), "1 late samples"),
        (line(BAD + 10**6, "load", 50), "1 untrusted time samples"),
        ('{"name":"load","value":50,"time":"noon"}', "1 bad time records"),
        (line(BAD, "load", 1, id="x" * 2000), "1 long name records"),
        (line(BAD, "served_total", 5), "1 reset samples"),
    ],
)
def test_one_bad_sample_is_counted_and_said_and_the_series_goes_on(
    bad: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Scored(tmp_path, stream([bad]), capsys)
    assert found.exit == 0
    assert said in found.said
    assert bool(found.letters) == said.endswith("records")
    last = found.of("load")[-1]
    assert 45 < last["low"] < last["value"] < last["high"] < 55
    assert found.of("served_total")[-1]["value"] == 10
    assert len(found.of("load")) == STEPS


def test_a_unit_that_changes_is_an_incident_and_then_what_is_usual(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(2)
    lines = [
        line(step, "heap_bytes", (1000 + rng.gauss(0, 5)) * (1 if step < BAD else 1024)) for step in range(2 * STEPS)
    ]
    found = Scored(tmp_path, lines, capsys)
    rows = found.of("heap_bytes")
    assert sum(row["alert"] is not None for row in rows[BAD - 5 : BAD + 5]) > 0
    assert rows[-1]["low"] < rows[-1]["value"] < rows[-1]["high"]
    assert len({row["alert"] for row in rows} - {None}) <= 2


def test_a_hundred_thousand_new_series_in_a_minute_are_refused_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flood = (line(BAD + i / 20_000, "request", 1, id=str(i)) for i in range(100_000))
    found = Scored(tmp_path, stream(flood), capsys)
    assert found.exit == 0
    assert "new series samples" in found.said
    assert len({row["series"] for row in found.rows}) <= 2 * 1000 + 2
    assert len(found.of("load")) == STEPS


@pytest.mark.parametrize(
    "write", [lambda text: line(BAD, "load", "x", token=text), lambda text: line(BAD, "y", 1, token=text)]
)
def test_a_token_in_a_label_goes_nowhere(
    write: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Scored(tmp_path, stream([write("s3cr3tvalue")] * 3), capsys)
    assert b"s3cr3tvalue" not in found.state
    assert b"load" in found.state
    assert "s3cr3tvalue" not in json.dumps(found.rows) + found.said
