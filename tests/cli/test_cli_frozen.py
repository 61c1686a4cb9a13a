"""`--learning frozen`: a line that no template covers is news, with its own text; back online it is known."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from logwatch.cli import run
from logwatch.parse.miner_unseen import HASHED

ODD = "the raid lost an inode of bus 7"


def write(file: Path, seconds: int, count: int, odd: bool = True) -> str:
    """A dull program from some second on; 500 lines before its end it says something odd."""
    rng, lines = random.Random(seconds), []
    for i in range(count):
        at, n = seconds + i, rng.randint(1, 200)
        says = [f"begin of {n}", f"read {n} rows in {n} ms", f"wrote {n} rows", f"end after {n} ms", "idle"][i % 5]
        text = f"ERROR {ODD}" if odd and i == count - 500 else f"INFO {says}"
        lines.append(f"2026-01-05T{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d} {text}\n")
    file.write_text("".join(lines))
    return str(file)


def score(log: str, folder: Path, *options: str) -> list[dict[str, Any]]:
    """The rows of odd lines, scored by the state in the folder."""
    rows = folder / "rows.jsonl"
    arguments = ["score", log, "--state", str(folder / "state"), "--source", "dull", "-o", str(rows), *options]
    assert run([*arguments, "--json"]) == 0
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    return [row for row in found if row["kind"] == "event" and row["level"] == "error"]


def test_what_is_unseen_is_news_with_its_text_and_known_once_it_learns_again(tmp_path: Path, capsys: Any) -> None:
    score(write(tmp_path / "a.log", 0, 5_000, odd=False), tmp_path)
    capsys.readouterr()
    (row,) = score(write(tmp_path / "b.log", 5_000, 2_000), tmp_path, "--learning", "frozen")
    (alert,) = map(json.loads, capsys.readouterr().out.splitlines()[:1])
    assert (alert["template"], alert["template_id"]) == ("the raid lost an inode of bus <num>", row["template_id"])
    assert row["template"] == "the raid lost an inode of bus <*>"
    assert row["template_id"] >= HASHED
    assert row["detectors"]["new"] > 5
    (again,) = score(write(tmp_path / "c.log", 7_000, 2_000), tmp_path, "--learning", "frozen")
    assert (again["template_id"], again["detectors"]["new"]) == (row["template_id"], 0)
    (online,) = score(write(tmp_path / "d.log", 9_000, 2_000), tmp_path)
    assert online["template_id"] < HASHED
    assert online["template"] == row["template"]
    assert online["detectors"]["new"] == 0  # its past came with it
