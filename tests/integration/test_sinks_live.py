"""Sinks against the real thing: Alertmanager as Debian packages it, and the daemon in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from logwatch.clock import SystemClock
from logwatch.sinks.alertmanager import AlertmanagerSink
from logwatch.sinks.alertmanager_config import AlertmanagerConfig
from logwatch.sinks.render import escape
from logwatch.sinks.standing import Standing
from logwatch.testing import sample_alert
from logwatch.testing.sink_checks import hostile_alerts
from logwatch.types import Alert
from tests.integration.program import Program, eventually, habit, odd
from tests.sinks.web_server import WebServer, answer, serving

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
AMTOOL = shutil.which("amtool")


@dataclass
class Alertmanager:
    """A running one."""

    url: str
    process: subprocess.Popen[bytes]

    def firing(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as reply:  # noqa: S310  # loopback
            found: list[dict[str, Any]] = json.load(reply)
        return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextlib.contextmanager
def alertmanager(folder: Path, receiver: str) -> Iterator[Alertmanager]:
    """One on loopback that tells a receiver at once."""
    if BINARY is None:
        if os.environ.get("LOGWATCHD_CI"):
            pytest.fail("Alertmanager is not installed: apt-get install prometheus-alertmanager")
        pytest.skip("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    folder.mkdir()
    config = folder / "alertmanager.yml"
    config.write_text(
        "route: {receiver: us, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: us, webhook_configs: [{{url: '{receiver}', send_resolved: true}}]}}]\n"
    )
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [BINARY, f"--config.file={config}", f"--storage.path={folder}/data", "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        here = Alertmanager(f"http://127.0.0.1:{port}", process)

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(OSError):
                return here.firing() == []
            return False

        eventually(answers, "Alertmanager answers")
        yield here
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def told() -> Iterator[WebServer]:
    """Where Alertmanager tells of alerts."""
    with serving() as server:
        yield server


@pytest.fixture
def am(tmp_path: Path, told: WebServer) -> Iterator[Alertmanager]:
    with alertmanager(tmp_path / "am", told.url) as running:
        yield running


def sink(*urls: str, resend: str = "1min") -> AlertmanagerSink:
    return AlertmanagerSink(AlertmanagerConfig(urls=list(urls), resend=resend), SystemClock())


def now(alert: Alert) -> Alert:
    """The alert as if it came now: what has ended long ago is forgotten at once."""
    return replace(alert, first=time.time_ns() - 10**9, last=time.time_ns())


def statuses(told: WebServer) -> list[tuple[str, str]]:
    bodies = [json.loads(body) for body in told.bodies]
    return [(alert["status"], alert["labels"]["severity"]) for body in bodies for alert in body["alerts"]]


def test_alertmanager_shows_an_incident_tells_of_it_and_of_its_end(am: Alertmanager, told: WebServer) -> None:
    alert = now(sample_alert(1))
    here = sink(am.url)
    here.deliver([alert])
    (firing,) = eventually(am.firing, "it fires")
    assert firing["labels"]["alertname"] == "LogwatchdIncident"
    assert firing["annotations"]["incident"] == alert.incident
    if AMTOOL is not None:
        shown = subprocess.run(
            [AMTOOL, f"--alertmanager.url={am.url}", "alert", "query", "alertname=LogwatchdIncident", "-o", "json"],
            capture_output=True, check=True, timeout=30,
        )  # fmt: skip
        assert [one["labels"]["source"] for one in json.loads(shown.stdout)] == [alert.source]
    eventually(lambda: told.requests, "its receiver hears of it")
    here.deliver([replace(alert, id="e" * 64, state="end")])
    eventually(lambda: not am.firing(), "it is over")
    eventually(lambda: ("resolved", "warning") in statuses(told), "its receiver hears of the end")


def test_an_incident_that_worsens_fires_once_only_by_its_new_severity(am: Alertmanager, told: WebServer) -> None:
    alert = now(sample_alert(1))
    here = sink(am.url)
    here.deliver([alert])
    eventually(lambda: ("firing", "warning") in statuses(told), "it is told")
    here.deliver([replace(alert, id="e" * 64, state="update", severity="critical")])
    eventually(lambda: {("firing", "critical"), ("resolved", "warning")} <= {*statuses(told)}, "the change is told")
    assert [one["labels"]["severity"] for one in am.firing()] == ["critical"]


def test_what_is_told_again_stays_and_what_is_not_expires(am: Alertmanager) -> None:
    stays, goes = now(sample_alert(1, source="stays")), now(sample_alert(2, source="goes"))
    here = sink(am.url, resend="1s")
    here.deliver([stays, goes])
    assert len(am.firing()) == 2

    def told_again() -> bool:
        here.resend([Standing(stays, stays, 0)])
        return [one["labels"]["source"] for one in am.firing()] == ["stays"]

    eventually(told_again, "the other expires")


def test_a_real_alertmanager_takes_whatever_a_log_may_say(am: Alertmanager) -> None:
    alerts = [replace(now(alert), source=f"{number} {alert.source}") for number, alert in enumerate(hostile_alerts())]
    sink(am.url).deliver(alerts)
    firing = [alert for alert in alerts if alert.state != "end"]
    found = am.firing()
    assert len(found) == len(firing)
    for one in found:
        for value in [*one["labels"].values(), one["annotations"]["summary"]]:
            assert escape(value) == value


def test_a_cluster_with_a_member_that_is_away_gets_every_alert(
    am: Alertmanager, tmp_path: Path, told: WebServer
) -> None:
    with alertmanager(tmp_path / "two", told.url) as two:
        here = sink(am.url, f"http://127.0.0.1:{free_port()}", two.url)
        here.deliver([now(sample_alert(1))])
        assert len(am.firing()) == len(two.firing()) == 1


def daemon_config(program: Program, sinks: str) -> Path:
    config = program.folder / "logwatchd.toml"
    config.write_text(
        f'state = "{program.folder}/state"\nbudget = "100/day"\n[http]\nlisten = ""\n'
        f'[[source]]\nkind = "file"\nname = "app"\npaths = ["{program.folder}/app.log"]\nstart = "beginning"\n'
        f'[[rule]]\nname = "fire"\npattern = "on fire"\nseverity = "critical"\n{sinks}'
    )
    return config


@pytest.mark.slow
def test_the_daemon_goes_on_telling_alertmanager_after_a_kill(program: Program, am: Alertmanager) -> None:
    log = program.folder / "app.log"
    log.write_text(habit(50) + odd(50))
    config = daemon_config(program, f'[[sink]]\nkind = "alertmanager"\nurls = "{am.url}"\nresend = "1s"\n')
    first = program.start("run", "-c", config)
    (firing,) = eventually(am.firing, f"the incident fires: {first.err.read_text()}")
    first.process.kill()
    first.process.wait(10)
    second = program.start("run", "-c", config)
    for _ in range(2):  # the first may be the delivery that was not yet known to have arrived
        (again,) = am.firing()
        later = _plus(again["endsAt"])
        eventually(partial(_ending_after, am, later), "it is told again")
    (again,) = am.firing()
    assert again["labels"] == firing["labels"]
    assert again["annotations"]["incident"] == firing["annotations"]["incident"]
    assert second.end(15) == 0


def _ending_after(am: Alertmanager, moment: str) -> list[Any]:
    return [one for one in am.firing() if one["endsAt"] > moment]


def _plus(moment: str) -> str:
    """Five seconds later."""
    from datetime import datetime, timedelta

    return (datetime.fromisoformat(moment) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_webhook_that_fails_and_refuses_gets_every_alert_once_or_it_is_kept(program: Program) -> None:
    log = program.folder / "app.log"
    log.write_text(habit(50) + odd(50))
    hook_path = "/T0000/secret-path"
    with serving(answer(500), answer(503), answer(200)) as pager, serving(answer(400)) as refuses:
        config = daemon_config(
            program,
            f'[[sink]]\nkind = "webhook"\nname = "pager"\nurl = "{pager.url}{hook_path}"\nseverity = "critical"\n'
            f'[[sink]]\nkind = "webhook"\nname = "refuses"\nurl = "{refuses.url}{hook_path}"\n'
            f'[[sink]]\nkind = "webhook"\nname = "nothing"\nurl = "{pager.url}/never"\nsources = ["other"]\n'
            f'[[sink]]\nkind = "file"\npath = "{program.folder}/alerts.jsonl"\n',
        )
        running = program.start("run", "-c", config)
        eventually(lambda: len(pager.requests) >= 3 and refuses.requests, f"it comes: {running.err.read_text()}")
        kept = program.folder / "state" / "refused-alerts.jsonl"
        eventually(lambda: kept.exists() and kept.read_text(), "the refused one is kept")
        status = json.loads(program("status", "-c", config, "--json").stdout)
        assert running.end(15) == 0
    ids = {request.headers["webhook-id"] for request in pager.requests}
    written = [json.loads(line) for line in (program.folder / "alerts.jsonl").read_text().splitlines()]
    assert ids == {one["id"] for one in written if one["severity"] == "critical"}
    assert {request.target for request in pager.requests} == {hook_path}
    said = running.err.read_text() + running.out.read_text() + json.dumps(status) + kept.read_text()
    assert "secret-path" not in said
    assert "answers 400" in kept.read_text()


JOURNAL_PROBE = """
import json, subprocess
from logwatch.clock import SystemClock
from logwatch.config import SinkTable
from logwatch.plugins import Plugins
from logwatch.testing.sink_checks import hostile_alerts
for kind in ("journal", "syslog"):
    sink = Plugins().build("sink", SinkTable(kind=kind), clock=SystemClock())
    sink.deliver(hostile_alerts())
    sink.close()
subprocess.run(["journalctl", "--sync"], check=True)
for match in ("SYSLOG_IDENTIFIER=logwatchd-alert", "_TRANSPORT=syslog"):
    found = subprocess.run(["journalctl", "-o", "json", "--all", match], capture_output=True, check=True)
    print(json.dumps([json.loads(line) for line in found.stdout.splitlines()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    "LOGWATCHD_TEST_SYSTEMD" not in os.environ, reason="LOGWATCHD_TEST_SYSTEMD names no script that boots a systemd"
)
def test_a_real_journal_takes_alerts_by_its_own_protocol_and_by_syslog(tmp_path: Path) -> None:
    probe, script = tmp_path / "probe.py", tmp_path / "probe.sh"
    probe.write_text(JOURNAL_PROBE)
    script.write_text(f"#!/bin/sh\nexec {sys.executable} {probe}\n")
    script.chmod(0o755)
    ran = subprocess.run(
        [os.environ["LOGWATCHD_TEST_SYSTEMD"], str(script)], capture_output=True, text=True, timeout=110, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    native, syslog = (json.loads(line) for line in ran.stdout.splitlines() if line.startswith("["))
    alerts = hostile_alerts()
    assert [entry["ALERT_ID"] for entry in native] == [alert.id for alert in alerts]
    assert [entry["ALERT_SOURCE"] for entry in native] == [escape(alert.source) for alert in alerts]
    assert [entry["PRIORITY"] for entry in native] == ["4", "2", "5", "4", "4", "4", "4", "4"]
    ours = [entry["MESSAGE"] for entry in syslog if "logwatchd@32473" in entry["MESSAGE"]]
    assert [alert.id in text for alert, text in zip(alerts, ours, strict=True)] == [True] * len(alerts)
