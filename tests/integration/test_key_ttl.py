"""`key_ttl` through the whole program: results depend on the stream alone, and the state does not grow for ever."""

from __future__ import annotations

import inspect
import random
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from logwatch import telemetry
from logwatch.app.session import detectors_of, opened
from logwatch.cells import SPILLED
from logwatch.cli.verbs import cli
from logwatch.config import SourceTable, load
from logwatch.config.problems import ConfigProblems
from logwatch.config.settings import VISIT_GAP_S
from logwatch.rows import Scored
from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import RecordBatch, Stream

ENTITY = r"id=(\w+)"
TTL_S = 3600


@pytest.fixture(autouse=True)
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are spilled early."""
    monkeypatch.setattr("logwatch.assemble.KeyTable", partial(KeyTable, capacity=20))


def log_of(count: int) -> list[bytes]:
    """Keys that come back soon, late, or after more than `TTL_S`; time leaps, also from one line to the next."""
    rng = random.Random(4)
    seconds, lines = 0, []
    for _ in range(count):
        seconds += rng.choice([0, 6, 6, 12, 30]) + (rng.choice([1800, 4200]) if rng.random() < 0.004 else 0)
        clock = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        stamp = f"2026-01-{5 + seconds // 86400:02d}T{clock}Z"
        key = rng.choice([rng.randrange(8), rng.randrange(60), 1000 + rng.randrange(400)])
        lines.append(f"{stamp} INFO id=u{key} {rng.choice(['begins', 'reads', 'writes', 'ends'])} work".encode())
    return lines


class Run:
    """Feeds a log to a lane; keeps every score."""

    def __init__(self, folder: Path, ttl: str = f"{TTL_S}s") -> None:
        self.folder, self.ttl = folder, ttl
        self.nats: list[Any] = []
        self.p: list[Any] = []

    def _keep(self, scored: Scored) -> None:
        self.nats.append(scored.nats)
        self.p.append(scored.p)

    def feed(self, lines: list[bytes], begin: int, end: int, most: int, sweeps: bool = False) -> None:
        loaded = load(environ={"LOGWATCHD_KEY_TTL": self.ttl}, flags={})
        table = {"files": SourceTable(kind="file", entity=ENTITY)}
        rng = random.Random(begin)
        with opened(loaded.settings, detectors_of(loaded), self.folder, table, on_scored=self._keep) as session:
            while begin < end:
                stop = min(begin + rng.randint(1, most), end)
                start = np.arange(begin, stop, dtype=np.int64)
                none = np.zeros(stop - begin, np.uint8)
                which = (start // 5 % 2).astype(np.int32)
                streams = [Stream("s", "1"), Stream("s", "2")]
                session.pipeline.process(
                    RecordBatch(lines[begin:stop], streams, which, start, start + 1, none), "files"
                )
                begin = stop
                if rng.random() < 0.5 or begin == end:
                    session.commit()
                if sweeps:
                    session.lanes.sweep()

    def same(self, other: Run) -> bool:
        """Bit-equal; every NaN is the same."""
        return all(
            np.array_equal(np.concatenate(own), np.concatenate(others), equal_nan=True)
            for own, others in ((self.nats, other.nats), (self.p, other.p))
        )


def test_sweeping_splitting_and_restarting_change_nothing(tmp_path: Path) -> None:
    lines = log_of(3000)
    whole = Run(tmp_path / "whole")
    before = telemetry.EXPIRED.value()
    whole.feed(lines, 0, len(lines), 4096)
    assert telemetry.EXPIRED.value() > before
    for most, sweeps in ((30, True), (900, True), (200, False)):
        parts = Run(tmp_path / f"parts{most}")
        for begin in range(0, len(lines), 700):
            parts.feed(lines, begin, min(begin + 700, len(lines)), most, sweeps)
        assert parts.same(whole)
    lasting = Run(tmp_path / "lasting", "30d")
    lasting.feed(lines, 0, len(lines), 4096)
    assert not lasting.same(whole)


def spilled(state: Path) -> int:
    with sqlite3.connect(state / "state.db") as db:
        return int(db.execute("SELECT count(*) FROM cells WHERE component = ?", (SPILLED,)).fetchone()[0])


def requests(path: Path, day: int, count: int, first: int) -> Path:
    """`count` requests, one a second, each with a key of its own."""
    stamps = (f"2026-01-{day:02d}T{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}Z" for i in range(count))
    path.write_text("".join(f"{stamp} INFO id=r{first + i} served\n" for i, stamp in enumerate(stamps)))
    return path


def score(path: Path, state: Path) -> None:
    command = ["score", str(path), "--state", str(state), "--entity", ENTITY, "--source", "web"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False, env={"LOGWATCHD_KEY_TTL": "1d"})
    assert done.exit_code == 0, done.output


def test_score_forgets_keys_of_an_earlier_run_by_the_logs_own_time(tmp_path: Path) -> None:
    state = tmp_path / "state"
    score(requests(tmp_path / "a.log", 5, 3000, 0), state)
    many = spilled(state)
    assert many > 2000
    score(requests(tmp_path / "b.log", 5, 600, 5000), state)
    assert spilled(state) > many
    score(requests(tmp_path / "c.log", 20, 600, 9000), state)
    assert spilled(state) <= 600


def test_a_ttl_that_would_cut_visits_is_refused() -> None:
    with pytest.raises(ConfigProblems, match="LOGWATCHD_KEY_TTL: key_ttl: must be 1h or more"):
        load(environ={"LOGWATCHD_KEY_TTL": "59min"})
    assert load(environ={"LOGWATCHD_KEY_TTL": "1h"}).settings.key_ttl == VISIT_GAP_S
    assert inspect.signature(Units).parameters["visit_gap"].default == VISIT_GAP_S * 1e9
