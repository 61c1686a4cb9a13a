"""The Helm chart: renders to what Kubernetes and the daemon accept, refuses what is wrong, and can be upgraded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.tools import DEPLOY, configured, containers, objects, pods, run, valid

pytestmark = pytest.mark.deploy
CHART = DEPLOY / "helm" / "logwatchd"
VALUES = Path(__file__).with_name("values")
GOOD = ["least", "full", "bare"]


RENDER = ("helm", "template", "watch", CHART, "--namespace", "logs", "--kube-version", "1.33.0", "-f")


def rendered(values: str, *more: str) -> list[dict[str, Any]]:
    return objects(run(*RENDER, VALUES / f"{values}.yaml", *more))


def one(kind: str, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


@pytest.mark.parametrize("values", GOOD)
def test_it_is_lint_free(values: str) -> None:
    run("helm", "lint", "--strict", CHART, "-f", VALUES / f"{values}.yaml")


@pytest.mark.parametrize("values", GOOD)
def test_kubernetes_knows_every_key(values: str) -> None:
    valid(rendered(values))


@pytest.mark.parametrize("values", GOOD)
def test_the_daemon_takes_the_configuration(values: str, tmp_path: Path) -> None:
    loaded = configured(one("ConfigMap", rendered(values))["data"]["logwatchd.toml"], tmp_path).loaded
    source = loaded.settings.source[0]
    assert source.kind == "kafka"
    assert len(loaded.settings.sink) == {"least": 1, "full": 2, "bare": 0}[values]


def test_what_was_written_arrives_as_it_was_written(tmp_path: Path) -> None:
    text = one("ConfigMap", rendered("full"))["data"]["logwatchd.toml"]
    settings = configured(text, tmp_path).loaded.settings
    assert str(settings.budget) == "5/day"
    assert settings.redact[-1] == r"card=(\d+)"
    assert settings.source[0].entity == r"request_id=(\S+)"
    assert settings.rule[0].pattern == 'No space left on "device"'
    assert 'pattern = "app-[a-z]+\\"?"' in text
    assert 'group_instance_id = "logs.{host}"' in text
    assert not settings.detectors["gap"].enabled


WRONG = {
    "no brokers": ("kafka.bootstrap", ["--set-json", "kafka.bootstrap=[]"]),
    "no topics": ("kafka", ["--set-json", "kafka.topics=[]"]),
    "topics and a pattern": ("kafka", ["--set", "kafka.pattern=app-.*"]),
    "a broker without a port": ("kafka.bootstrap", ["--set-json", 'kafka.bootstrap=["kafka"]']),
    "an unknown key": ("kafka", ["--set", "kafka.topcs=x"]),
    "a budget of nonsense": ("budget", ["--set", "budget=often"]),
    "a login without a password": ("kafka.sasl", ["--set", "kafka.sasl.mechanism=PLAIN"]),
    "a page without a token": ("page", ["--set", "page.enabled=true"]),
    "a password in values": ("sinks", ["--set-json", 'sinks=[{"kind":"kafka","password":"hunter2"}]']),
    "a short grace": ("terminationGracePeriodSeconds", ["--set", "terminationGracePeriodSeconds=5"]),
    "a digest that is none": ("image.digest", ["--set", "image.digest=latest"]),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_values_are_refused_by_name(what: str) -> None:
    where, more = WRONG[what]
    said = run(*RENDER, VALUES / "least.yaml", *more, refused=True)
    named = [path.strip("/").replace("/", ".") for path in re.findall(r"at '([^']*)'", said)]
    assert any(path.startswith(where) for path in named), said


def test_pods_are_restricted_and_know_nobody() -> None:
    manifests = rendered("full")
    assert not {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"} & {m["kind"] for m in manifests}
    assert one("ServiceAccount", manifests)["automountServiceAccountToken"] is False
    (pod,) = pods(manifests)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in pod["volumes"]} | {"state"}
    assert {v["secret"]["defaultMode"] for v in pod["volumes"] if "secret" in v} == {0o440}


def test_secrets_are_references_alone() -> None:
    text = json.dumps(one("ConfigMap", rendered("full")))
    assert "/run/kafka/login/password" in text
    pod = pods(rendered("full"))[0]
    named = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert named == {"kafka-ca", "kafka-client", "kafka-login", "logwatchd-token", "hook"}


def test_nothing_that_cannot_be_changed_depends_on_what_an_upgrade_changes() -> None:
    before = one("StatefulSet", rendered("full"))
    after = one(
        "StatefulSet",
        rendered("full", "--set", "image.digest=", "--set", "image.tag=9.9.9", "--set", "budget=9/day",
                 "--set", "replicas=5", "--set", "kafka.sessionTimeoutMs=90000"),
    )  # fmt: skip
    fixed = ("serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates")
    assert {key: before["spec"][key] for key in fixed} == {key: after["spec"][key] for key in fixed}
    mark = "checksum/config"
    assert before["spec"]["template"]["metadata"]["annotations"][mark] != \
        after["spec"]["template"]["metadata"]["annotations"][mark]  # fmt: skip


def test_network_is_closed_but_for_what_is_named() -> None:
    least = one("NetworkPolicy", rendered("least"))["spec"]
    assert least["ingress"] == []
    assert sorted(port["port"] for rule in least["egress"] for port in rule["ports"]) == [53, 53, 9092, 9093]
    full = one("NetworkPolicy", rendered("full"))["spec"]
    assert [rule["ports"][0]["port"] for rule in full["ingress"]] == [8712, 8711]


def test_the_service_monitor_is_of_its_schema() -> None:
    import jsonschema

    schema = json.loads(Path(__file__).with_name("servicemonitor.schema.json").read_text())
    manifests = rendered("full")
    monitor = one("ServiceMonitor", manifests)
    jsonschema.validate(monitor, schema)
    service = one("Service", manifests)
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    for wrong in ({"interval": "often"}, {"prt": "x"}, {"scheme": "ftp"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**monitor, "spec": {**monitor["spec"], "endpoints": [wrong]}}, schema)
    assert not [m for m in rendered("least") if m["kind"] == "ServiceMonitor"]


def test_the_disruption_budget_follows_the_pods() -> None:
    manifests = rendered("full")
    budget = one("PodDisruptionBudget", manifests)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == one("StatefulSet", manifests)["spec"]["selector"]
