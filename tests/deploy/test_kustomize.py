"""The kustomizations: the sidecar as a component, the example that uses it, the agent of a node."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.tools import DEPLOY, configured, containers, objects, pods, run, valid

pytestmark = pytest.mark.deploy


def built(folder: Path) -> list[dict[str, Any]]:
    return objects(run("kustomize", "build", folder))


def sidecar(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = [container for container in pod.get("initContainers", ()) if container["name"] == "logwatchd"]
    return found


@pytest.mark.parametrize("name", ["example", "daemonset"])
def test_kubernetes_knows_every_key(name: str) -> None:
    valid(built(DEPLOY / "kustomize" / name))


@pytest.mark.parametrize("name", ["example", "daemonset"])
def test_the_daemon_takes_the_configuration(name: str, tmp_path: Path) -> None:
    (config,) = [one for one in built(DEPLOY / "kustomize" / name) if one["kind"] == "ConfigMap"]
    configured(config["data"]["logwatchd.toml"], tmp_path)


def test_the_component_adds_a_native_sidecar_that_sees_what_the_application_writes() -> None:
    (pod,) = pods(built(DEPLOY / "kustomize" / "example"))
    added = sidecar(pod)
    assert added["restartPolicy"] == "Always"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in added["volumeMounts"]} <= set(volumes)
    assert volumes["logwatchd-config"]["configMap"]["name"].startswith("logwatchd-sidecar-"), (
        "hashed: a change rolls out"
    )
    shared = [mount for mount in added["volumeMounts"] if mount["name"] == "logs"]
    assert shared[0]["readOnly"]
    assert any(mount["name"] == "logs" for mount in pod["containers"][0]["volumeMounts"])
    assert pod["containers"][0]["name"] == "shop", "the application keeps its place"


def test_what_does_not_ask_for_it_gets_no_sidecar(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "kustomize", tmp_path / "k")
    shop = tmp_path / "k" / "example" / "shop.yaml"
    shop.write_text(shop.read_text().replace('logwatchd/sidecar: "yes"', 'logwatchd/sidecar: "no"'))
    (pod,) = pods(built(tmp_path / "k" / "example"))
    assert "initContainers" not in pod


def test_the_example_is_restricted() -> None:
    (pod,) = pods(built(DEPLOY / "kustomize" / "example"))
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    for container in containers(pod):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"]


def test_the_node_agent_has_no_more_than_it_needs() -> None:
    manifests = built(DEPLOY / "kustomize" / "daemonset")
    kinds = {one["kind"] for one in manifests}
    assert kinds == {"Namespace", "ServiceAccount", "ConfigMap", "DaemonSet", "NetworkPolicy"}, "no role of any kind"
    assert {one["metadata"].get("namespace", "logwatchd") for one in manifests} == {"logwatchd"}
    (pod,) = pods(manifests)
    (container,) = containers(pod)
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["pods"]["readOnly"]
    assert {"startupProbe", "livenessProbe", "readinessProbe", "resources"} <= set(container)
