"""What a chunk teaches may be learned a little later: nothing shows when."""

from __future__ import annotations

import random
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from logwatch import lessons
from tests.test_pipeline import ENTITY, Run

STEPS = ["begin id={i} of {n}", "read id={i} {n} rows in {n} ms", "wrote id={i} {n} rows", "end id={i} after {n} ms"]
NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kurt", "liam", "mona"]


def _log(count: int) -> list[bytes]:
    """Two statements a second, one of which names people, ever new ones: its templates merge; at the end it panics."""
    rng = random.Random(7)
    lines = []
    for i in range(count):
        stamp = f"2026-01-05T{8 + i // 7200:02d}:{i // 120 % 60:02d}:{i // 2 % 60:02d}"
        text = STEPS[i % 4].format(i=f"r{i // 4}", n=rng.randint(1, 9999))
        if i % 9 == 0:
            text = f"session of {NAMES[rng.randint(0, min(i // 300, len(NAMES) - 1))]} id=r{i // 4} opened on the door"
        if i > count - 20:
            text = f"panic: {' '.join(rng.sample(NAMES, 4))} lost"
        lines.append(f"{stamp} INFO {text}".encode())
    return lines


@pytest.mark.parametrize("entity", [None, ENTITY])
def test_when_a_chunk_is_learned_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str | None
) -> None:
    lines = _log(6000)
    runs = []
    for worth, size, stop in ((10**9, 6000, None), (1, 6000, None), (1, 1100, None), (1, 2500, 3100)):
        monkeypatch.setattr(lessons, "WORTH", worth)
        run = Run(tmp_path / f"{worth}-{size}", entity)
        run.feed(lines, repeat(size), stop=stop)
        run.feed(lines, repeat(size))
        runs.append(run)
    assert any(alert.state == "open" for alert in runs[0].alerts)
    for run in runs[1:]:
        np.testing.assert_array_equal(np.concatenate(run.nats), np.concatenate(runs[0].nats))
        np.testing.assert_array_equal(np.concatenate(run.p), np.concatenate(runs[0].p))
        assert run.told() == runs[0].told()


def test_a_commit_finds_everything_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _log(3072)
    cells = []
    for worth in (10**9, 1):
        monkeypatch.setattr(lessons, "WORTH", worth)
        put_off: list[bool] = []
        run = Run(tmp_path / str(worth))
        monkeypatch.setattr(run, "_commit", lambda session, seen=put_off: cells.append(_taken(session, seen)))
        run.feed(lines, repeat(3072))
        assert put_off == [worth == 1]
    assert cells[0] == cells[1]


def _taken(session: object, put_off: list[bool]) -> dict[object, bytes | None]:
    pipeline = session.pipeline
    put_off.append(pipeline._lessons._waiting is not None)
    cells: dict[object, bytes | None] = pipeline.take().cells
    return {cell: value for cell, value in cells.items() if cell[0] != "pipeline"}
