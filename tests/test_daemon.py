"""The loop ends with a commit, unless an error ended it: then the last commit stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from logwatch.api import RecordBatch
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.daemon import Daemon
from logwatch.delivery import Delivery
from logwatch.testing import ListSource


class Broken(ListSource):
    """Gives its lines, and then fails as nobody expected."""

    def poll(self, max_records: int) -> RecordBatch | None:
        records = super().poll(max_records)
        if records is None:
            raise RuntimeError("boom")
        return records

    def exhausted(self) -> bool:
        return False


def daemon(session: Session, source: ListSource) -> Daemon:
    delivery = Delivery(session.store, {}, 1 << 20, "pause")
    return Daemon(session.lanes, {"list": source}, delivery, session.clock)


def test_an_end_of_all_sources_is_committed(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        progress = daemon(session, ListSource([b"one", b"two"])).run()
        assert progress.records == 2
        assert session.store.cell("pipeline", "clock") is not None


def test_what_an_error_left_half_done_is_not_committed(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        with pytest.raises(RuntimeError, match="boom"):
            daemon(session, Broken([])).run()
        assert session.store.cell("pipeline", "clock") is None
