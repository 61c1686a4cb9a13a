"""What is told of a source: its own budget, how far it is from being watched, and the rate it achieved."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.config.values import Budget
from logwatch.types import RecordBatch, Stream


def feed(session: Session, begin: int, end: int) -> None:
    clock = [f"{12 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}" for i in range(begin, end)]
    lines = [f"2026-03-01T{time} INFO tick {i}" for i, time in enumerate(clock, begin)]
    start = np.arange(begin, end, dtype=np.int64)
    none = np.zeros(len(lines), np.uint8)
    encoded = [line.encode() for line in lines]
    records = RecordBatch(encoded, [Stream("s", "1")], none.astype(np.int32), start, start + 1, none)
    session.pipeline.process(records, "files")


def test_a_source_is_told_with_its_own_budget_its_phase_and_its_rate(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    table = SourceTable(kind="file", budget=Budget.parse("5/day"))
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"files": table}) as session:
        feed(session, 0, 100)
        (young,) = session.sources()
        assert (young.phase, young.budget, young.achieved) == ("learning", "5/day", "")
        assert young.to_go.endswith(" lines")
        feed(session, 100, 640)
        (short,) = session.sources()
        assert (short.phase, short.to_go) == ("learning", "about 4 min")  # a budget is a rate: it needs some time
        feed(session, 640, 9000)
        (grown,) = session.sources()
        assert (grown.phase, grown.to_go) == ("watching", "")
        assert grown.records == 9000
        assert grown.achieved == f"{grown.incidents / (9000 / 86_400):.1f}/day"
