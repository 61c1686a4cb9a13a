"""What compose.yaml puts together, with its very files, from programs of this machine instead of images.

Kafka from Maven, Prometheus and Alertmanager from Debian, our own from this tree; Debian has no Grafana. Names of
services are this machine's loopback, for these programs alone (a mount namespace with another /etc/hosts).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.podman import eventually
from tests.deploy.test_prometheus import panel_queries
from tests.deploy.tools import DEPLOY, ROOT, missing, tool
from tests.kafka.broker import LocalBroker, NoKafka, free_ports

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root"),
]
NAMES = ("kafka", "logwatchd", "prometheus", "alertmanager")
BIND = 'mount --bind "$0" /etc/hosts && exec "$@"'


class Services:
    """Programs that see each other by the names of compose.yaml."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hosts = folder / "hosts"
        self._hosts.write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in NAMES))
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path) -> None:
        with (self._folder / f"{name}.log").open("ab") as out:
            self._running[name] = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", BIND, self._hosts, *command], stdout=out, stderr=out, cwd=ROOT
            )

    def stop(self, name: str) -> None:
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        for name in list(self._running):
            self.stop(name)

    def said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()[-3000:]


def got(url: str) -> Any:
    """JSON of an address; None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own address
            return json.load(answer)
    except (OSError, ValueError):
        return None


def asked(query: str) -> list[Any]:
    answer = got("http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": query}))
    assert answer is None or answer["status"] == "success", (query, answer)
    return answer["data"]["result"] if answer else []


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "kafka").mkdir()
    try:
        broker = LocalBroker(tmp_path / "kafka", [9092, *free_ports(1)])
    except NoKafka as error:
        missing(f"no Kafka: {error}")
    broker.start()
    yield
    broker.kill()


@pytest.fixture
def services(tmp_path: Path, kafka: None) -> Iterator[Services]:
    shutil.rmtree("/run/logwatchd", ignore_errors=True)
    Path("/run/logwatchd").mkdir()
    services = Services(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, "/run/logwatchd", ignore_errors=True)
        stack.callback(services.stop_all)
        services.start("prepare", sys.executable, DEPLOY / "compose" / "prepare.py")
        eventually(Path("/run/logwatchd/token").exists, lambda: services.said("prepare"))
        services.start("shop", sys.executable, DEPLOY / "compose" / "shop.py")
        services.start(
            "alertmanager", tool("prometheus-alertmanager"), "--cluster.listen-address=",
            f"--config.file={DEPLOY}/alertmanager/alertmanager.yml", f"--storage.path={tmp_path}/am",
            "--web.listen-address=127.0.0.1:9093",
        )  # fmt: skip
        services.start(
            "prometheus", tool("prometheus"), f"--config.file={DEPLOY}/prometheus/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/tsdb", "--web.listen-address=127.0.0.1:9090",
        )  # fmt: skip
        services.start("logwatchd", *daemon(tmp_path))
        yield services


def daemon(folder: Path) -> list[str | Path]:
    config = DEPLOY / "compose" / "logwatchd.toml"
    return [sys.executable, "-m", "logwatch", "run", "-c", config, "--state", folder / "state"]


def test_prometheus_sees_the_daemon_and_alertmanager_hears_when_it_is_gone(services: Services, tmp_path: Path) -> None:
    eventually(lambda: asked('up{job="logwatchd"} == 1'), lambda: services.said("logwatchd"))
    eventually(lambda: asked("logwatchd_records_total > 100"), lambda: services.said("logwatchd"))
    eventually(lambda: asked("logwatchd_last_commit_seconds > 0"), lambda: services.said("logwatchd"))
    lively = re.compile(r"logwatchd_(records|bytes|sources|templates|kafka_lag|last_commit|detector_cpu|outbox)")
    panels = [query for query in panel_queries() if lively.search(query)]
    eventually(
        lambda: all(asked(query) for query in panels),  # rates need two scrapes
        lambda: str([query for query in panels if not asked(query)]),
    )
    assert all(asked(query) is not None for query in panel_queries()), "Prometheus takes every query"
    token = Path("/run/logwatchd/token").read_text()
    request = urllib.request.Request("http://127.0.0.1:8711/api/v1/status")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own address
        assert json.load(answer)["running"]
    services.stop("logwatchd")
    known = eventually(
        lambda: [
            alert
            for alert in got("http://127.0.0.1:9093/api/v2/alerts") or []
            if alert["labels"]["alertname"] == "LogwatchdDown"
        ],
        lambda: services.said("prometheus"),
    )
    assert known[0]["labels"]["severity"] == "critical"
    services.start("logwatchd", *daemon(tmp_path))
    eventually(lambda: asked('up{job="logwatchd"} == 1'), lambda: services.said("logwatchd"))
