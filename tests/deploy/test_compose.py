"""compose.yaml: of the Compose Specification, and of files that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.tools import DEPLOY, compose_schema, configured, objects

FILE = DEPLOY / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return objects(FILE.read_text())[0]


@pytest.mark.deploy
def test_it_is_of_the_specification(compose: dict[str, Any]) -> None:
    import jsonschema

    reader = jsonschema.Draft201909Validator(compose_schema())
    assert [error.message for error in reader.iter_errors(compose)] == []
    compose["services"]["kafka"]["imagge"] = "x"
    assert [error.message for error in reader.iter_errors(compose)] != []
    del compose["services"]["kafka"]["imagge"]


def test_what_is_mounted_and_built_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            known = (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
            assert known, f"{name} mounts {source}"
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()


def test_everything_asked_for_is_there_and_pinned(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) >= {"kafka", "logwatchd", "prometheus", "alertmanager", "grafana"}
    for name, service in services.items():
        assert service["image"].partition(":")[2] not in ("", "latest"), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), f"{name} is open to the network"


def test_the_daemon_is_hardened(compose: dict[str, Any]) -> None:
    service = compose["services"]["logwatchd"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_its_configuration_is_valid(tmp_path: Path) -> None:
    configured((DEPLOY / "compose" / "logwatchd.toml").read_text(), tmp_path)
