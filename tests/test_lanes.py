"""Lanes of one run: each has one pipeline, and one source that feeds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.errors import ConfigError


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    loaded = load(environ={}, flags={})
    table = {"kafka": SourceTable(kind="kafka")}
    with opened(loaded.settings, detectors_of(loaded), tmp_path, table) as one:
        yield one


def test_two_sources_that_read_one_partition_are_refused(session: Session) -> None:
    session.lanes.open("logs-0")
    with pytest.raises(ConfigError, match=r"two \[\[source\]\] read the partition logs-0"):
        session.lanes.open("logs-0")
    session.lanes.drop("logs-0")
    session.lanes.open("logs-0")  # given up, and assigned again


def test_batches_read_before_a_lane_was_restored_are_left_to_be_read_again(session: Session) -> None:
    forgotten: list[str] = []
    session.lanes.on_drop = forgotten.append
    session.lanes.adopt("logs-0", session.lanes.build("logs-0", session.store.lane("logs-0")))
    assert forgotten == ["logs-0"]
