"""Risks beside a live stream: the same alerts as of finished files, and the same again after a crash."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logwatch.app.risk_live import NEWEST, Answer, RiskLane, Risks
from logwatch.app.risk_told import answer
from logwatch.app.session import Session, detectors_of, opened
from logwatch.checkpoint.store import Store
from logwatch.config import Loaded, SourceTable, load
from logwatch.errors import ConfigError
from logwatch.sinks.schema import from_json
from logwatch.telemetry import DROPPED
from logwatch.types import Alert, MetricWindow
from tests.metric_runs import METRICS, Line, records_of

SECOND = 10**9
START = 1_760_000_000
STEPS = 400
BAD = range(250, 300)


def lines() -> list[Line]:
    """Four metrics every ten seconds; for a while all of them climb."""
    rng, made = random.Random(3), [(METRICS, b"time,name,labels,value")]
    for step in range(STEPS):
        stamp = str(np.datetime64(START + 10 * step, "s")) + "Z"
        for name in ("cpu", "memory", "threads", "connections"):
            value = 10 + rng.gauss(0, 1) + (60 + 2 * (step - BAD.start) if step in BAD else 0)
            made.append((METRICS, f"{stamp},{name},,{value:.4f}".encode()))
    return made


LINES = lines()


def configured(**options: Any) -> Loaded:
    heatmap = {"every": "1min", "window": 32}
    given = {"risk": ("--risk", {"cnn": {"floor": 0.5, **options}}), "heatmap": ("--heatmap", heatmap)}
    return load(environ={}, flags=given)


Kept = list[tuple[MetricWindow, str]]


@contextlib.contextmanager
def session(folder: Path | None, kept: Kept, finished: bool = False, **options: Any) -> Iterator[Session]:
    loaded = configured(**options)
    tables = {"files": SourceTable(kind="file")}
    with opened(
        loaded.settings, detectors_of(loaded), folder, tables, finished=finished,
        on_window=lambda window, incident: kept.append((window, incident)),
    ) as one:  # fmt: skip
        yield one


def risks_of(one: Session) -> Risks:
    assert one.risks is not None
    return one.risks


def lane_of(one: Session) -> RiskLane:
    return risks_of(one)._lanes[""]


def commit(one: Session, alerts: list[Alert]) -> None:
    one.before_commit()
    raised = list(one.pipeline.raised)
    one.lanes.commit({})
    alerts += [alert for alert in raised if alert.kind == "risk"]


def replayed(size: int = 64, finished: bool = True) -> tuple[list[Alert], Kept]:
    alerts, kept = list[Alert](), Kept()
    with session(None, kept, finished) as one:
        for at in range(0, len(LINES), size):
            one.pipeline.process(records_of(LINES, at, min(at + size, len(LINES))), "files")
            if not finished:
                risks_of(one).turn()
            commit(one, alerts)
    return alerts, kept


@pytest.fixture(scope="module")
def whole() -> tuple[list[Alert], Kept]:
    return replayed()


def test_metrics_that_climb_are_one_risk_alert_with_its_heatmap(whole: tuple[list[Alert], Kept]) -> None:
    alerts, kept = whole
    opens = [one for one in alerts if one.state == "open"]
    assert len(opens) == 1
    assert START + 10 * BAD.start <= opens[0].first / SECOND <= START + 10 * BAD.stop
    assert "driven by" in opens[0].detail
    assert [window.end for window, incident in kept if incident == opens[0].id] == [opens[0].first]
    assert [one.state for one in alerts][-1] == "end"


@pytest.mark.parametrize("size", [4, 24])
def test_a_live_stream_alerts_as_a_replay_does(whole: tuple[list[Alert], Kept], size: int) -> None:
    assert replayed(size, finished=False)[0] == whole[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_daemon_alerts_the_same_after_its_restart(
    whole: tuple[list[Alert], Kept], tmp_path: Path, seed: int
) -> None:
    """Each life ends without a commit; what was delivered is what was committed."""
    rng, lives = random.Random(seed), 0
    while lives < 40:
        lives += 1
        with session(tmp_path, Kept()) as one:
            at = int((one.pipeline.cursors("files").get("all") or b"0").decode())
            dies = rng.randrange(at, len(LINES) + 400) if lives < 12 else len(LINES)
            while at < min(dies, len(LINES)):
                end = min(at + 20, len(LINES))
                one.pipeline.process(records_of(LINES, at, end), "files")
                at = end
                if rng.random() < 0.5 or len(lane_of(one)._waiting) >= NEWEST - 1:
                    risks_of(one).turn()  # in time: what is skipped teaches nothing
                if rng.random() < 0.6:
                    commit(one, [])
            if dies >= len(LINES):
                risks_of(one).turn()
                commit(one, [])
                break
    with Store(tmp_path) as store:
        saved = [from_json(json.loads(one.body)) for one in store.alerts_after(0, 10_000)]
    found = [alert for alert in saved if alert.kind == "risk"]
    assert found == whole[0]


def test_risks_leave_logs_and_metrics_as_they_are(whole: tuple[list[Alert], Kept]) -> None:
    def others(**options: Any) -> list[Alert]:
        found: list[Alert] = []
        with session(None, Kept(), finished=True, **options) as one:
            for at in range(0, len(LINES), 64):
                one.pipeline.process(records_of(LINES, at, min(at + 64, len(LINES))), "files")
                one.before_commit()
                found += one.pipeline.raised
                one.lanes.commit({})
        return [alert for alert in found if alert.kind != "risk"]

    assert others() == others(enabled=False)


def test_the_newest_three_of_a_source_wait_and_the_rest_are_counted() -> None:
    before = DROPPED.value(reason="risk")
    with session(None, Kept()) as one:
        one.pipeline.process(records_of(LINES, 0, len(LINES)), "files")
        skipped = DROPPED.value(reason="risk") - before
        assert skipped > 50
        risks_of(one).turn()
        commit(one, [])
        assert sum(1 for _ in risks_of(one).latest()) == 1
        assert len(lane_of(one)._waiting) == 0
    assert NEWEST == 3


def test_a_plugin_that_hangs_holds_up_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop goes on while the assessor has not answered, in the scheduler's thread."""
    with session(None, Kept()) as one:
        risks, asked, go_on = risks_of(one), threading.Event(), threading.Event()
        real = risks.assess

        def slow(windows: Any) -> Any:
            asked.set()
            go_on.wait(20)
            return real(windows)

        monkeypatch.setattr(risks, "assess", slow)
        one.pipeline.process(records_of(LINES, 0, 800), "files")
        turn = threading.Thread(target=risks.turn)
        turn.start()
        assert asked.wait(20)
        one.pipeline.process(records_of(LINES, 800, 1200), "files")
        commit(one, [])
        assert risks.latest() == {}
        go_on.set()
        turn.join(20)
        risks.turn()
        commit(one, [])
        assert [type(said) for said in risks.latest().values()] == [Answer]


def told(one: Session, **request: Any) -> dict[str, Any]:
    return answer(one, {"verb": "risk", **request})


def test_the_verb_says_what_was_answered_or_why_nothing_was() -> None:
    with session(None, Kept(), finished=True) as one:
        assert told(one)["results"] == []
        assert told(one, source="app")["code"] == 65
        one.pipeline.process(records_of(LINES, 0, 40), "files")
        (row,) = told(one)["results"]
        assert (row["probability"], row["error"]) == (None, "no window has been assessed yet")
        one.pipeline.process(records_of(LINES, 40, 800), "files")
        commit(one, [])
        (row,) = told(one, source="app")["results"]
        assert row["probability"] is None
        assert row["error"].startswith("too old")
        said = risks_of(one).latest()["app", "cnn"]
        assert said.risk is not None
        shifted = MetricWindow(
            "app", said.window.metrics, one.clock.now() - 320 * SECOND, 10 * SECOND, said.window.values
        )
        risks_of(one).keep("cnn", Answer(shifted, said.risk, None))
        (row,) = told(one, source="app")["results"]
        assert row["probability"] == said.risk.probability
        assert row["error"] is None
        assert "heat" not in row
        (row,) = told(one, source="app", heat=True)["results"]
        assert row["heat"].shape == said.window.values.shape
        assert "heat" not in told(one, source="app", heat=True, by="uid 0")["results"][0]


def test_without_an_assessor_the_verb_says_how_to_get_one() -> None:
    with session(None, Kept(), enabled=False) as one:
        assert told(one) == {
            "error": "no risk plugin is configured", "hint": "add [risk.cnn] to the configuration",
            "code": 65, "status": 404,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (None, "no such file"),
        (b"", "no safetensors file, or a damaged one"),
        (b"\x80\x04\x95pickle", "no safetensors file, or a damaged one"),
        (b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", "no weights of the risk plugin"),
    ],
)
def test_weights_that_cannot_be_used_stop_the_start_by_name(tmp_path: Path, write: bytes | None, why: str) -> None:
    file = tmp_path / "mine.safetensors"
    if write is not None:
        file.write_bytes(write)
    with (
        pytest.raises(ConfigError, match=rf"\[risk\.cnn\]: .*mine\.safetensors.*{why}"),
        session(None, Kept(), weights=str(file)),
    ):
        pass
