"""Which incidents are open, and what was last told of each: as the alerts themselves say, also after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.app.follow import _still_open
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.types import Alert, RecordBatch, Stream

RULES = [{"name": name, "pattern": name, "severity": level} for name, level in
         (("smoke", "info"), ("spark", "warning"), ("blaze", "critical"))]  # fmt: skip
SETTINGS = {"LOGWATCHD_RULE": json.dumps(RULES), "LOGWATCHD_MAX_INCIDENTS": "2/hour"}


def feed(session: Session, lines: list[tuple[int, str, str]]) -> None:
    """(second, source, message) each."""
    for at, (second, source, said) in enumerate(lines):
        clock = f"{12 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        text, start = [f"2026-03-01T{clock}Z INFO {said}".encode()], np.array([at], np.int64)
        none = np.zeros(1, np.uint8)
        batch = RecordBatch(text, [Stream(source, "1")], none.astype(np.int32), start, start + 1, none)
        session.pipeline.process(batch, "files")


def expected(alerts: list[Alert]) -> dict[str, str]:
    found: dict[str, str] = {}
    for alert in alerts:
        if alert.state == "end":
            del found[alert.incident]
        elif alert.state in ("open", "update"):
            found[alert.incident] = alert.id
    return found


LINES = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from("ab"), st.sampled_from(["tick", "tick", "smoke", "spark", "blaze"])),
    max_size=25,
)


@settings(max_examples=8)
@given(LINES)
def test_what_is_still_open_is_what_alerts_opened_and_did_not_end(steps: list[tuple[int, str, str]]) -> None:
    loaded = load(environ=SETTINGS, flags={})
    seconds = np.cumsum([step for step, _, _ in steps]).tolist()
    with opened(loaded.settings, detectors_of(loaded), None, {"files": SourceTable(kind="file")}) as session:
        feed(session, [(at, source, said) for at, (_, source, said) in zip(seconds, steps, strict=True)])
        assert _still_open(session) == expected(session.pipeline.raised)


def test_it_is_known_after_a_restart(tmp_path: Path) -> None:
    loaded = load(environ=SETTINGS, flags={})
    sources = {"files": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), tmp_path, sources) as session:
        feed(session, [(1, "a", "smoke"), (2, "b", "spark"), (3, "a", "blaze"), (4, "a", "tick")])
        before, raised = _still_open(session), list(session.pipeline.raised)
        session.commit()
    assert before == expected(raised)
    assert len(before) == 2
    assert [alert.state for alert in raised] == ["open", "open", "update"]
    with opened(loaded.settings, detectors_of(loaded), tmp_path, sources) as session:
        assert _still_open(session) == before
        assert session.store.alerts.by_ids(before.values()).keys() == set(before.values())
