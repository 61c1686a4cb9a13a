"""The demo's replay: both sides of one source meet in one incident, and are held against the faults."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from logwatch.app.demo import replay_labelled
from logwatch.app.findings import SLACK_NS, clean_hours
from logwatch.app.recordings import Label, recordings
from logwatch.cli.demo_risk import draw, risk_json
from logwatch.config import load
from logwatch.errors import NoInputError, UsageError
from logwatch.requests import DemoReport, DemoRequest, Ui
from logwatch.sinks.schema import parse_rfc3339
from logwatch.types import NO_TIME, Alert
from tests.benchmarks.quiet import Quiet

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "logwatch" / "demo_data"
SECOND = 10**9


def replayed(folder: Path, *names: str, ui: Ui | None = None) -> DemoReport:
    return replay_labelled(folder, DemoRequest(load(environ={}), names), ui or Quiet())


@pytest.fixture(scope="module")
def shown() -> Quiet:
    return Quiet()


@pytest.fixture(scope="module")
def redis(shown: Quiet) -> DemoReport:
    return replayed(DEMO, "redis", ui=shown)


def test_a_killed_server_is_one_incident_that_logs_and_metrics_see(redis: DemoReport, shown: Quiet) -> None:
    (report,) = redis.recordings
    (killed,) = [fault for fault in report.faults if fault.name == "killed"]
    assert killed.by == ("logs", "metrics")
    assert killed.alert is not None
    kinds = {alert.kind for alert in shown.alerts if alert.incident == killed.alert.incident}
    assert kinds >= {"metric", "silence"}
    said = [alert.detail for alert in (killed.alert, *killed.also) if alert.kind == "metric"]
    assert "expected" in said[0]
    assert "saw" in said[0]


def test_both_sides_are_counted(redis: DemoReport) -> None:
    (report,) = redis.recordings
    with gzip.open(DEMO / "redis" / "redis.log.gz") as file:
        assert report.records == sum(1 for _ in file)
    with gzip.open(DEMO / "redis" / "metrics.csv.gz") as file:
        readings = sum(1 for _ in file) - 1
    assert 0.99 * readings <= report.values <= readings


def test_every_found_fault_has_its_alert_in_its_time(redis: DemoReport) -> None:
    for fault in redis.recordings[0].faults:
        assert (fault.alert is not None) == bool(fault.by) == (fault.delay is not None)
        alerts: tuple[Alert, ...] = (fault.alert, *fault.also) if fault.alert else ()
        assert len({alert.kind == "metric" for alert in alerts}) == len(alerts), "one of each side at most"


def test_it_ends_with_the_window_of_the_highest_risk_of_a_fault(redis: DemoReport, tmp_path: Path) -> None:
    found = redis.risk
    assert found is not None
    assert found.window.source == "redis"
    assert found.fault in redis.recordings[0].faults
    assert parse_rfc3339(found.fault.start) < found.window.end <= parse_rfc3339(found.fault.end)
    assert 0 < found.risk.probability <= 1
    assert found.risk.drivers[0][0] in found.window.metrics
    png = draw(found, tmp_path / "demo.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    new = draw(found, None)
    assert new.read_bytes() == png.read_bytes()
    new.unlink()
    assert risk_json(found)["fault"] == found.fault.name


def test_the_host_has_no_faults_of_its_own() -> None:
    chosen = recordings(DEMO, ("host", "redis"))
    assert chosen["host"].shared
    assert len(chosen["host"].labels) == 28
    assert {label.source for label in chosen["redis"].labels} == {"redis"}


def test_a_recording_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="called nginz"):
        recordings(DEMO, ("nginz",))


def test_a_folder_without_recordings_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        recordings(tmp_path, ())


def test_hours_without_faults_leave_out_the_time_just_after_one() -> None:
    hour = 3600 * SECOND
    labels = [Label("a", "x", hour, 2 * hour), Label("b", "y", hour + 1, hour + 2)]
    assert clean_hours(0, 4 * hour, labels) == pytest.approx(3 - SLACK_NS / hour)
    assert clean_hours(NO_TIME, NO_TIME, labels) == 0
    assert clean_hours(0, hour // 2, labels) == pytest.approx(0.5)
