"""The image and the Pods, really built and run. Podman has no native sidecars: there it is a second container."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import podman
from tests.deploy.tools import DEPLOY, objects, run, tool
from tests.deploy.writer import ODD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.geteuid() != 0, reason="podman is run by root here"),
]
HERE = Path(__file__).parent
SHUT = ("--read-only", "--tmpfs", "/tmp", "--cap-drop=all", "--security-opt=no-new-privileges")  # noqa: S108  # inside
CONFIG = """
budget = "20/day"
[http]
listen = ""
probe_listen = "127.0.0.1:{port}"
[[source]]
kind = "file"
paths = ["/var/log/app/*.log"]
start = "beginning"
[[sink]]
kind = "stdout"
format = "json"
"""


@pytest.fixture(scope="module")
def image() -> str:
    return podman.image()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Path]:
    """A folder of logs that an application writes on this machine."""
    logs = tmp_path / "logs"
    with subprocess.Popen([sys.executable, HERE / "writer.py", logs / "app.log"]) as process:
        yield logs
        process.kill()


@pytest.fixture
def daemon(image: str, writer: Path, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "logwatchd.toml").write_text(CONFIG.format(port=18712))
    for path in (tmp_path, writer, writer / "app.log", tmp_path / "logwatchd.toml"):
        podman.eventually(path.exists, lambda path=path: f"{path} exists")
        path.chmod(path.stat().st_mode | 0o055)
    run(
        "podman", "run", "-d", "--name", "logwatchd-test", "--network=host", *SHUT,
        "-v", "logwatchd-test:/var/lib/logwatchd",
        "-v", f"{tmp_path}/logwatchd.toml:/etc/logwatchd/logwatchd.toml:ro", "-v", f"{writer}:/var/log/app:ro", image,
    )  # fmt: skip
    yield "logwatchd-test"
    podman.remove("rm", "-f", "-t", "0", "logwatchd-test")
    podman.remove("volume", "rm", "-f", "logwatchd-test")


def inside(container: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("podman"), "exec", container, *command], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_container_is_nobody_writes_nothing_and_alerts(daemon: str) -> None:
    podman.eventually(
        lambda: inside(daemon, "logwatchd", "status", "--ready").returncode == 0, lambda: podman.said(daemon)
    )
    assert inside(daemon, "id", "-u").stdout.strip() == "10001"
    assert inside(daemon, "touch", "/etc/x", "/opt/logwatchd/x").returncode != 0
    assert inside(daemon, "stat", "-c", "%a", "/var/lib/logwatchd").stdout.strip() == "700"
    assert inside(daemon, "cat", "/proc/1/comm").stdout.strip() == "tini"
    assert inside(daemon, "grep", "CapEff", "/proc/self/status").stdout.split()[1] == "0" * 16
    assert subprocess.run([tool("podman"), "healthcheck", "run", daemon], check=False).returncode == 0
    podman.eventually(lambda: ODD in podman.said(daemon), lambda: podman.said(daemon)[-3000:])


def test_it_stops_when_told_and_goes_on_where_it_was(daemon: str) -> None:
    podman.eventually(lambda: ODD in podman.said(daemon), lambda: podman.said(daemon)[-3000:])
    began = time.monotonic()
    run("podman", "stop", "-t", "60", daemon)
    assert time.monotonic() - began < 60, "it was killed"
    state: Any = json.loads(run("podman", "inspect", daemon))[0]["State"]
    assert state["ExitCode"] == 0
    before = podman.said(daemon).count(ODD)
    run("podman", "start", daemon)
    podman.eventually(
        lambda: inside(daemon, "logwatchd", "status", "--ready").returncode == 0, lambda: podman.said(daemon)
    )
    known = json.loads(inside(daemon, "logwatchd", "status", "--json").stdout)
    assert known["events_learned"] > 3600, "what was learned is still there"
    assert podman.said(daemon).count(ODD) == before, "nothing is told twice"


def test_a_daemon_that_hangs_is_not_healthy(daemon: str) -> None:
    podman.eventually(
        lambda: inside(daemon, "logwatchd", "status", "--ready").returncode == 0, lambda: podman.said(daemon)
    )
    found = run("podman", "top", daemon, "hpid", "comm").splitlines()
    (pid,) = [int(line.split()[0]) for line in found if line.split()[1] == "logwatchd"]
    os.kill(pid, signal.SIGSTOP)
    assert inside(daemon, "logwatchd", "status", "--ready").returncode == 69
    os.kill(pid, signal.SIGCONT)


def pod_of(folder: Path, image: str) -> str:
    """The example's Pod as podman can run it: images of this machine, an application that breaks at once."""
    manifests = objects(run("kustomize", "build", DEPLOY / "kustomize" / "example"))
    spec = next(one for one in manifests if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    (config,) = [one for one in manifests if one["kind"] == "ConfigMap"]
    (sidecar,) = spec.pop("initContainers")
    sidecar.pop("restartPolicy")
    sidecar["image"] = image
    (application,) = spec["containers"]
    application |= {"image": podman.BASE, "command": ["/bin/sh", "-c", "exec python3 /writer/writer.py /logs/shop.log"]}
    application.pop("args")
    application["volumeMounts"].append({"name": "writer", "mountPath": "/writer", "readOnly": True})
    spec["containers"].append(sidecar)
    spec["volumes"].append({"name": "writer", "hostPath": {"path": str(folder)}})
    spec.pop("serviceAccountName")
    for container in spec["containers"]:
        container.pop("resources")  # this machine's cgroups are not podman's to divide
        container.pop("ports", None)  # of the host network, here
        container.pop("livenessProbe", None)  # podman would ask with curl
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": spec}
    return "\n---\n".join(json.dumps(one) for one in (config, pod))


def test_the_sidecar_alerts_on_what_the_application_of_its_pod_writes(image: str, tmp_path: Path) -> None:
    shutil.copy(HERE / "writer.py", tmp_path)
    for path in (tmp_path, tmp_path / "writer.py"):
        path.chmod(0o755)
    file = tmp_path / "pod.yaml"
    file.write_text(pod_of(tmp_path, image))
    try:
        run("podman", "play", "kube", "--network=host", file)
        podman.eventually(lambda: ODD in podman.said("shop-logwatchd"), lambda: podman.said("shop-logwatchd")[-3000:])
        assert inside("shop-logwatchd", "id", "-u").stdout.strip() == "10001"
        assert inside("shop-logwatchd", "touch", "/var/log/app/x").returncode != 0
    finally:
        podman.remove("pod", "rm", "-f", "-t", "0", "shop")


def test_the_node_agent_reads_container_logs_as_root_without_capabilities(image: str, tmp_path: Path) -> None:
    log = tmp_path / "pods" / "prod_web-5d8f7c9b6d-x7k2p_0a1b" / "app" / "0.log"
    config = (DEPLOY / "kustomize" / "daemonset" / "logwatchd.toml").read_text().replace("8712", "18713")
    (tmp_path / "logwatchd.toml").write_text(config.replace('"1/week"', '"20/day"').replace('"end"', '"beginning"'))
    (tmp_path / "state").mkdir()
    with subprocess.Popen([sys.executable, HERE / "writer.py", log, "cri"]) as process:
        try:
            podman.eventually(log.exists, lambda: "the log")
            run(
                "podman", "run", "-d", "--name", "logwatchd-node", "--network=host", "--user=0:0", *SHUT,
                "-v", f"{tmp_path}/pods:/var/log/pods:ro",
                "-v", f"{tmp_path}/logwatchd.toml:/etc/logwatchd/logwatchd.toml:ro",
                "-v", f"{tmp_path}/state:/var/lib/logwatchd", image,
            )  # fmt: skip
            podman.eventually(
                lambda: ODD in podman.said("logwatchd-node"), lambda: podman.said("logwatchd-node")[-3000:]
            )
            assert '"source":"prod/web/app"' in podman.said("logwatchd-node")
        finally:
            process.kill()
            podman.remove("rm", "-f", "-t", "0", "logwatchd-node")
