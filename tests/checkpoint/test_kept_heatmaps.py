"""Kept heatmaps: the last ones of each source and those of incidents, bounded, and read back as they were."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from logwatch.checkpoint.heatmaps import FILE, Due, KeptHeatmaps
from logwatch.errors import StateCorrupt
from logwatch.types import Mark, MetricWindow

SECOND = 10**9


def window(source: str = "web", at: int = 0, rows: int = 3) -> MetricWindow:
    rng = np.random.default_rng(at)
    values = rng.normal(size=(rows, 16)).astype(np.float32)
    values[0, :4] = np.nan
    past = np.sort(rng.normal(size=(rows, 17)).astype(np.float32), axis=1)
    names = tuple(f'm{row}{{a="é\x1b"}}' for row in range(rows))
    return MetricWindow(source, names, at * SECOND, SECOND, values, past, (Mark(at, "incident", "x"),))


@pytest.fixture
def kept(tmp_path: Path) -> KeptHeatmaps:
    return KeptHeatmaps(tmp_path, keep=2)


def test_a_window_is_read_back_as_it_was(kept: KeptHeatmaps) -> None:
    one = window(rows=5)
    kept.put([Due(one, ""), Due(window("other"), "")], 1)
    back = kept.window("web", one.end)
    assert back is not None
    assert (back.source, back.metrics, back.start, back.step, back.marks) == (
        one.source, one.metrics, one.start, one.step, one.marks,
    )  # fmt: skip
    np.testing.assert_array_equal(back.values, one.values)
    np.testing.assert_array_equal(back.past, one.past)
    assert kept.window("web", one.end + 1) is None


def test_the_last_ones_of_each_source_are_kept_and_every_incidents(kept: KeptHeatmaps) -> None:
    for at in range(5):
        kept.put([Due(window("web", at), ""), Due(window("db", at), "")], at)
    kept.put([Due(window("web", 0), "deadbeef")], 5)
    assert kept.ends("web") == [(16 * SECOND, "deadbeef"), (19 * SECOND, ""), (20 * SECOND, "")]
    assert len(kept.ends("db")) == 2
    kept.put([Due(window("web", 4), "")], 6)  # again, after a restart
    assert len(kept.ends("web")) == 3


def test_those_of_incidents_are_kept_as_history_says(kept: KeptHeatmaps) -> None:
    for at in range(6):
        kept.put([Due(window("web", at), f"incident{at}")], at)
    assert kept.forget(before=2, max_bytes=2**30) == 2
    one = len(sqlite3.connect(kept._path).execute("SELECT body FROM heatmaps").fetchone()[0])
    kept.forget(before=0, max_bytes=3 * one - one // 2)
    assert [incident for _, incident in kept.ends("web")] == ["incident4", "incident5"]


def test_none_are_kept_but_those_of_incidents_where_so_wanted(tmp_path: Path) -> None:
    kept = KeptHeatmaps(tmp_path, keep=0)
    kept.put([Due(window(), ""), Due(window(at=1), "x")], 1)
    assert [incident for _, incident in kept.ends("web")] == ["x"]


def test_what_was_kept_is_there_after_a_restart_for_nobody_else(tmp_path: Path) -> None:
    first = KeptHeatmaps(tmp_path, keep=2)
    first.put([Due(window(), "")], 1)
    first.close()
    first.close()
    assert KeptHeatmaps(tmp_path, keep=2).ends("web") == [(16 * SECOND, "")]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("body", [b"", b"garbage", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_damaged_window_is_named(kept: KeptHeatmaps, tmp_path: Path, body: bytes) -> None:
    kept.put([Due(window(), "")], 1)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE heatmaps SET body = ?", (body,))
    with pytest.raises(StateCorrupt):
        kept.window("web", 16 * SECOND)


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(StateCorrupt, match=FILE) as error:
        KeptHeatmaps(tmp_path, keep=2)
    assert "delete" in error.value.hint
