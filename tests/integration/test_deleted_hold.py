"""A daemon whose sinks are full for long: deleted files are let go within their bound, and that is an alert."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from logwatch import telemetry
from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.daemon import Daemon, Progress
from logwatch.delivery import Delivery
from logwatch.sources.file import FileConfig, FileSource
from logwatch.types import RecordBatch
from tests.integration.program import habit


class Stuck(Delivery):
    """As if a sink had refused everything until its outbox was full."""

    stuck = True
    asked = False

    def full(self) -> bool:
        self.asked = True
        return self.stuck


class Begun(FileSource):
    """Hands out one batch until the daemon has asked whether sinks are full, however fast the machine is."""

    delivery: Stuck
    begun = False

    def poll(self, max_records: int) -> RecordBatch | None:
        if self.begun and not self.delivery.asked:
            return None
        records = super().poll(max_records)
        self.begun = self.begun or records is not None
        return records


def held(path: Path) -> bool:
    """Whether this process holds a deleted file open."""
    links = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    return f"{path} (deleted)" in links


def test_a_paused_daemon_lets_a_deleted_file_go_and_alerts_of_the_gap_when_it_reads_again(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(habit(30_000))
    loaded = load(environ={}, flags={})
    gaps = telemetry.GAPS.series()
    tables = {"file": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), tmp_path / "state", tables) as session:
        config = FileConfig(paths=[str(log)], start="beginning", warmup=0, deleted_hold=1)
        delivery = Stuck(session.store, {}, 1 << 20, "pause")
        source = Begun(config, session.clock)
        source.delivery = delivery
        daemon = Daemon(session.lanes, {"file": source}, delivery, session.clock)
        states: list[str] = []

        def on_tick(progress: Progress) -> None:
            if not progress.paused:
                return
            if log.exists():
                log.unlink()
                assert held(log)
                states.append("deleted")
            elif not held(log):
                states.append("let go")
                delivery.stuck = False
                daemon.on_tick = resumed

        def resumed(progress: Progress) -> None:
            if progress.gaps or len(states) > 60:
                daemon.stop()
            states.append("reading")

        daemon.on_tick = on_tick
        progress = daemon.run()
        assert states[:2] == ["deleted", "let go"]
        assert 0 < progress.records < 30_000
        assert progress.gaps == 1
        assert len(telemetry.GAPS.series()) > len(gaps)
        alerts = [alert for alert in session.store.alerts_after(0, 100) if '"kind": "gap"' in alert.body]
        assert len(alerts) == 1
