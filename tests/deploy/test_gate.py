"""The gate: what Argo Rollouts asks and understands is what the API answers; the CI job uses options that exist."""

from __future__ import annotations

import re
from typing import Any

import pytest

from logwatch.cli.risk import command
from logwatch.web.risk_routes import Risks
from tests.deploy.tools import DEPLOY, objects


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    (found,) = objects((DEPLOY / "gate" / "analysis-template.yaml").read_text())
    return found


def test_every_argument_that_is_used_is_declared(template: dict[str, Any]) -> None:
    used = set(re.findall(r"\{\{args\.(\w+)\}\}", str(template["spec"]["metrics"])))
    assert used == {argument["name"] for argument in template["spec"]["args"]}


def test_what_is_looked_at_is_what_the_api_answers(template: dict[str, Any]) -> None:
    (metric,) = template["spec"]["metrics"]
    looked = set(re.findall(r"result\.(\w+)", metric["successCondition"] + metric["failureCondition"]))
    answer = Risks(results=[], highest=None, max=0.5, **{"pass": False}).model_dump(by_alias=True)
    assert looked == {"pass", "highest"}
    assert looked <= set(answer)
    assert "/api/v1/risk?" in metric["provider"]["web"]["url"]


def test_the_token_is_a_reference(template: dict[str, Any]) -> None:
    (token,) = [argument for argument in template["spec"]["args"] if argument["name"] == "token"]
    assert "value" not in token
    assert token["valueFrom"]["secretKeyRef"]
    (metric,) = template["spec"]["metrics"]
    assert "token" not in metric["provider"]["web"]["url"]
    assert {"key": "Authorization", "value": "Bearer {{args.token}}"} in metric["provider"]["web"]["headers"]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"pass": True, "highest": 0.1}, "success"),
        ({"pass": False, "highest": 0.9}, "failure"),
        ({"pass": False, "highest": None}, "inconclusive"),
    ],
)
def test_an_answer_without_data_is_no_success_and_no_failure(
    template: dict[str, Any], answer: dict[str, Any], verdict: str
) -> None:
    (metric,) = template["spec"]["metrics"]

    def holds(condition: str) -> bool:
        """Argo's expressions, as far as they are used here: `result.KEY == true && result.KEY != nil`."""
        parts = [re.fullmatch(r"result\.(\w+) (==|!=) (true|false|nil)", part) for part in condition.split(" && ")]
        known = {"true": True, "false": False, "nil": None}
        return all(part and (answer[part[1]] is known[part[3]]) == (part[2] == "==") for part in parts)

    got = "success" if holds(metric["successCondition"]) else "failure" if holds(metric["failureCondition"]) else ""
    assert (got or "inconclusive") == verdict


def test_the_job_uses_options_that_exist() -> None:
    (job,) = objects((DEPLOY / "gate" / "github-actions.yaml").read_text())
    (step,) = [one["run"] for one in job["jobs"]["risk"]["steps"] if "logwatchd risk" in one.get("run", "")]
    known = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", step)) <= known
    assert job["jobs"]["promote"]["needs"] == "risk"
