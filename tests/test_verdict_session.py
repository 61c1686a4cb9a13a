"""Verdicts and budgets of a whole run: logs and metrics, with the LSTM and without, split and resumed at will."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from logwatch import telemetry
from logwatch.app.session import Session, detectors_of, opened
from logwatch.app.status import _source
from logwatch.config import SourceTable, load
from logwatch.types import RecordBatch, Stream

START = datetime(2026, 1, 5, tzinfo=UTC)
FAULTS = range(9000, 20_000, 1000)
WORDS = "disk link fan core bus valve pump rotor gate relay lock stack lost jammed burst froze shook tore bent".split()


def lines(count: int) -> list[bytes]:
    """Jobs in steps, 20 s apart; now and then something that was never said before."""
    rng, steps = random.Random(1), ["opens", "reads", "checks", "writes", "closes"]
    out = []
    for at in range(count):
        time = (START + timedelta(seconds=20 * at)).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = f"job {steps[at % 5]} its file of {rng.randint(1, 9)} kB"
        if at - at % 1000 in FAULTS and at % 1000 == 500:
            said = " ".join(rng.sample(WORDS, 6))
        out.append(f"{time} INFO {said}".encode())
    return out


TEXT = lines(20_000)


def feed(session: Session, name: str, text: list[bytes], begin: int, end: int, size: int) -> None:
    for at in range(begin, end, size):
        part = text[at : min(at + size, end)]
        place, none = np.arange(at, at + len(part), dtype=np.int64), np.zeros(len(part), np.uint8)
        session.pipeline.process(
            RecordBatch(part, [Stream(name, "1")], none.astype(np.int32), place, place + 1, none), name
        )


def tables(**lstm: bool) -> Mapping[str, SourceTable]:
    return {name: SourceTable(kind="file", budget="6/day", lstm=on) for name, on in lstm.items()}


def run(folder: Path | None, runs: list[tuple[Mapping[str, SourceTable], int, int]]) -> dict[str, bytes]:
    """What the verdict knows at the end of runs over one log: tables, where each ends, and lines at once."""
    loaded, at = load(environ={}, flags={}), 0
    for table, end, size in runs:
        with opened(loaded.settings, detectors_of(loaded), folder, table, finished=True) as session:
            feed(session, "on", TEXT, at, end, size)
            known = json.dumps([asdict(verdict) for verdict in session.sources()[0].verdicts], sort_keys=True)
            session.commit()
            at = end
    return {"known": known.encode()}


@pytest.fixture(scope="module")
def verdict() -> dict[str, bytes]:
    return run(None, [(tables(on=True), 20_000, 8192)])


def test_a_rule_on_new_templates_is_said_to_find_what_is_new(verdict: dict[str, bytes]) -> None:
    (known,) = json.loads(verdict["known"])
    assert known["incidents"] >= 8
    assert known["found"]["new"] >= known["incidents"] - 1
    assert known["lstm_adds"] <= 1
    assert known["sentence"].startswith("a new-template rule (`new`) alone finds")


def test_splits_and_restarts_leave_the_same_verdict(tmp_path: Path, verdict: dict[str, bytes]) -> None:
    def told(found: dict[str, bytes]) -> object:
        rows = json.loads(found["known"])
        return [{key: value for key, value in row.items() if key not in ("sentence", "lstm_cpu")} for row in rows]

    assert told(run(None, [(tables(on=True), 20_000, 777)])) == told(verdict)
    whole = tables(on=True)
    assert told(run(tmp_path, [(whole, 9700, 1000), (whole, 15_501, 4096), (whole, 20_000, 333)])) == told(verdict)


def test_a_source_without_the_lstm_costs_none_of_its_time_and_is_told_so() -> None:
    loaded = load(environ={}, flags={})
    telemetry.DETECTOR_SECONDS.reset()
    with opened(loaded.settings, detectors_of(loaded), None, tables(off=False), finished=True) as session:
        feed(session, "off", TEXT, 0, 20_000, 4096)
        (report,) = session.sources()
        session.observe()
        spent = {name: seconds for (name,), seconds in telemetry.DETECTOR_SECONDS.series()}
    assert spent["lstm"] < 0.3 * spent["values"]
    assert report.verdicts[0].lstm == "off"
    assert report.verdicts[0].incidents >= 8
    assert report.verdicts[0].alone["lstm"] == 0
    assert report.verdicts[0].sentence.startswith("without the LSTM; a new-template rule (`new`) alone finds")
    where = {"source": "off", "signal": "logs"}
    assert telemetry.VERDICT_FOUND.value(detector="whole", **where) == report.verdicts[0].incidents
    assert telemetry.VERDICT_FOUND.value(detector="new", **where) == report.verdicts[0].found["new"]
    assert telemetry.BUDGET_ASKED.value(source="off") == 6
    assert telemetry.BUDGET_ACHIEVED.value(source="off") == float(report.achieved.removesuffix("/day"))
    assert _source(json.loads(json.dumps(asdict(report)))) == report


def test_the_switch_may_be_thrown_between_runs(tmp_path: Path) -> None:
    on, off = tables(on=True), tables(on=False)
    (known,) = json.loads(run(tmp_path, [(on, 9345, 4096), (off, 17_000, 4096), (on, 20_000, 4096)])["known"])
    assert known["lstm"] == "on"
    assert known["incidents"] >= 8


def test_metrics_have_a_verdict_of_their_own() -> None:
    rng = np.random.default_rng(0)
    values = 50 + rng.normal(0, 1, (3000, 2))
    for at in range(1500, 3000, 250):
        values[at : at + 5, 0] += 60
    rows = [b"time,cpu,mem"] + [
        f"{(START + timedelta(seconds=60 * at)).isoformat()},{a:.3f},{b:.3f}".encode()
        for at, (a, b) in enumerate(values.tolist())
    ]
    loaded = load(environ={}, flags={})
    for lstm in (True, False):
        table = {"m": SourceTable(kind="file", format="csv", budget="12/day", lstm=lstm)}
        with opened(loaded.settings, detectors_of(loaded), None, table, finished=True) as session:
            feed(session, "m", rows, 0, len(rows), 500)
            session.pipeline.end()
            ((verdict,),) = [report.verdicts for report in session.sources()]
        assert (verdict.signal, verdict.lstm) == ("metrics", "on" if lstm else "off")
        assert verdict.incidents >= 4
        assert verdict.without_lstm == verdict.incidents
        assert max(verdict.found.values()) >= verdict.incidents // 2
        assert lstm or verdict.alone["lstm"] == 0
