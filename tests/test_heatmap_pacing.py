"""Keeping heatmaps never holds the stream up: what waits is bounded, and a turn keeps it in another thread."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from logwatch.app import heatmap
from logwatch.app.heatmap_pacing import NEWEST, HeatmapKeeper, Waiting
from logwatch.checkpoint.heatmaps import FILE, KeptHeatmaps
from logwatch.cli.ui import Terminal
from logwatch.config import History, load
from logwatch.errors import DataError, NoInputError
from logwatch.requests import HeatmapRequest
from logwatch.telemetry import DROPPED, HEATMAPS
from logwatch.testing import ManualClock
from logwatch.types import MetricWindow

SECOND = 10**9


def window(source: str, at: int, steps: int = 16) -> MetricWindow:
    return MetricWindow(source, ("cpu",), at * SECOND, SECOND, np.full((1, steps), at, np.float32))


def test_the_newest_three_of_a_source_wait_and_as_many_of_its_incidents() -> None:
    waiting, before = Waiting(), DROPPED.value(reason="heatmaps")
    for at in range(10):
        waiting.put(window("web", at), "")
        waiting.put(window("web", at), f"incident{at}")
    waiting.put(window("db", 0), "")
    due = waiting.take()
    assert [one.window.start // SECOND for one in due if not one.incident and one.window.source == "web"] == [7, 8, 9]
    assert [one.incident for one in due if one.incident] == ["incident7", "incident8", "incident9"]
    assert len(due) == 2 * NEWEST + 1
    assert DROPPED.value(reason="heatmaps") - before == 14
    assert waiting.take() == []


def test_what_waits_is_bounded_over_all_sources() -> None:
    waiting = Waiting(room=10 * 16)
    for at in range(50):
        waiting.put(window(f"source{at}", at), "")
    assert [one.window.source for one in waiting.take()] == [f"source{at}" for at in range(40, 50)]
    waiting.put(window("huge", 0, steps=1000), "")
    assert len(waiting.take()) == 1


def until(happened: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def keeper(waiting: Waiting, tmp_path: Path) -> HeatmapKeeper:
    return HeatmapKeeper(waiting, KeptHeatmaps(tmp_path, keep=2), 1.0, History(), ManualClock())


def test_the_scheduler_keeps_what_waits_in_a_thread_of_its_own(
    keeper: HeatmapKeeper, waiting: Waiting, tmp_path: Path
) -> None:
    before, threads = HEATMAPS.value(), threading.active_count()
    keeper.start()
    waiting.put(window("web", 1), "")
    until(lambda: HEATMAPS.value() > before)
    keeper.close()
    keeper.close()
    until(lambda: threading.active_count() == threads)
    assert KeptHeatmaps(tmp_path, keep=2).ends("web") == [(17 * SECOND, "")]


def test_what_waits_at_the_end_is_kept(keeper: HeatmapKeeper, waiting: Waiting, tmp_path: Path) -> None:
    keeper.start()
    waiting.put(window("web", 1), "x")
    keeper.close()
    assert KeptHeatmaps(tmp_path, keep=2).ends("web") == [(17 * SECOND, "x")]


def test_a_store_that_cannot_be_written_costs_heatmaps_and_nothing_else(
    keeper: HeatmapKeeper, waiting: Waiting, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("DROP TABLE heatmaps")
    before = DROPPED.value(reason="heatmaps")
    waiting.put(window("web", 1), "")
    keeper.turn()
    assert DROPPED.value(reason="heatmaps") - before == 1
    keeper.close()


def test_the_scheduler_is_set_as_it_must_be(keeper: HeatmapKeeper) -> None:
    keeper.start()
    (job,) = keeper._scheduler.get_jobs()
    assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, 60)
    keeper.close()


def test_the_daemon_keeps_the_heatmaps_of_its_sources(tmp_path: Path) -> None:
    rows = ["time,name,labels,value"]
    for step in range(200):
        stamp = str(np.datetime64(1_760_000_000 + 10 * step, "s")) + "Z"
        rows += [f"{stamp},cpu,,{step % 9}", f"{stamp},memory,,{step}"]
    (tmp_path / "metrics.csv").write_text("\n".join(rows) + "\n")
    config = tmp_path / "logwatchd.toml"
    config.write_text(
        f'state = "{tmp_path}/state"\n[heatmap]\nevery = "5min"\nwindow = 32\nkeep = 2\n'
        f'[[source]]\nkind = "file"\nname = "web"\npaths = ["{tmp_path}/metrics.csv"]\nstart = "beginning"\n'
        "once = true\n"
        f'[[sink]]\nkind = "file"\npath = "{tmp_path}/alerts.jsonl"\n'
    )
    call = [sys.executable, "-m", "logwatch", "run", "-c", str(config)]
    done = subprocess.run(call, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    kept = KeptHeatmaps(tmp_path / "state", keep=2)
    ends = [end for end, incident in kept.ends("web") if not incident]
    assert len(ends) == 2
    window = kept.window("web", ends[-1])
    assert window is not None
    assert window.metrics == ("cpu", "memory")
    np.testing.assert_array_equal(np.diff(window.values[1]), 1)
    for at, end in ((None, ends[-1]), (ends[-1] - 1, ends[0])):
        assert shown(tmp_path / "state", at=at).end == end
    with pytest.raises(DataError, match="no heatmap of 'web' up to"):
        shown(tmp_path / "state", at=SECOND)
    with pytest.raises(DataError, match="no metrics of a source 'db'"):
        shown(tmp_path / "state", source="db")


def shown(state: Path, source: str | None = None, at: int | None = None) -> MetricWindow:
    with Terminal(as_json=True) as ui:
        return heatmap(HeatmapRequest((), load(environ={}), source, at, state=state), ui)


def test_a_state_without_heatmaps_is_said_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no heatmaps in"):
        shown(tmp_path)
    assert list(tmp_path.iterdir()) == []
