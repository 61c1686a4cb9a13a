"""Rules on templates in a whole run: alerts show types, and other rules than before carry the state over."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.types import RecordBatch, Stream

MASK = {"LOGWATCHD_TEMPLATE": '[{"mask": "tenant-[a-z]+", "name": "tenant"}]'}


def feed(session: Session, begin: int, messages: list[str]) -> None:
    clock = [f"{12 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}" for i in range(begin, begin + len(messages))]
    lines = [f"2026-03-01T{time} INFO {said}".encode() for time, said in zip(clock, messages, strict=True)]
    start = np.arange(begin, begin + len(lines), dtype=np.int64)
    none = np.zeros(len(lines), np.uint8)
    session.pipeline.process(
        RecordBatch(lines, [Stream("s", "1")], none.astype(np.int32), start, start + 1, none), "files"
    )


def run(folder: Path | None, environ: dict[str, str], begin: int, messages: list[str]) -> tuple[list[str], list[str]]:
    """Templates alive after a run, and those that its alerts tell."""
    loaded = load(environ=environ, flags={})
    with opened(loaded.settings, detectors_of(loaded), folder, {"files": SourceTable(kind="file")}) as session:
        feed(session, begin, messages)
        alerts = [alert.template for alert in session.pipeline.raised if alert.template]
        session.commit()
        miner = session.pipeline.stages.miner
        ids = miner.find(np.arange(1, 10, dtype=np.int32)).tolist()
        return [miner.text(id) for id in dict.fromkeys(ids) if id], alerts


def test_alerts_show_the_types_of_their_own_line() -> None:
    quiet = [f"tick {i}" for i in range(9000)]
    odd = ["disk /dev/sda of tenant-blue failed after 17 ms for user bob"]
    _, alerts = run(None, MASK, 0, [*quiet, *odd])
    assert alerts == ["disk <path> of <tenant> failed after <dur> for user bob"]


def test_a_run_under_other_rules_goes_on_from_the_state_of_the_one_before(tmp_path: Path) -> None:
    said = ["quota of tenant-blue is spent", "quota of tenant-red is spent", "tick 7"]
    assert run(tmp_path, {}, 0, said)[0] == [
        "quota of tenant-blue is spent",
        "quota of tenant-red is spent",
        "tick <*>",
    ]
    again = ["quota of tenant-grey is spent", "tick 8"]
    assert run(tmp_path, MASK, 100, again)[0] == ["quota of <*> is spent", "tick <*>"]
    assert run(tmp_path, {}, 200, again)[0] == ["quota of <*> is spent", "tick <*>"]  # what was told was learned
