"""Alert rules and the dashboard: what they ask for exists; the rules fire when they should, and only then."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import logwatch.daemon
from logwatch.telemetry import METRICS
from tests.deploy.tools import DEPLOY, objects, run

RULES = DEPLOY / "prometheus" / "logwatchd.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "logwatchd.json"
TARGET = {"job", "instance"}
"""Labels that Prometheus adds."""

assert logwatch.daemon, "imported: components may declare metrics of their own"


def rule_queries() -> list[str]:
    return [rule["expr"] for group in objects(RULES.read_text())[0]["groups"] for rule in group["rules"]]


def panel_queries() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    asked += [one["expr"] for one in dashboard["annotations"]["list"]]
    asked += [
        re.sub(r"label_values\((.*), (\w+)\)", r"count by (\2) (\1)", one["definition"])
        for one in dashboard["templating"]["list"]
        if one["type"] == "query"
    ]
    fill = {"$__rate_interval": "5m", "$job": "logwatchd", "$instance": ".*"}
    return [re.sub("|".join(map(re.escape, fill)), lambda found: fill[found[0]], query) for query in asked]


def selected(query: str) -> Iterator[tuple[str, set[str]]]:
    """Metrics of ours with the labels that are asked of them."""
    for name, matchers in re.findall(r"\b(logwatchd_\w+)(?:\{([^}]*)\})?", query):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


@pytest.mark.parametrize("queries", [rule_queries, panel_queries], ids=["rules", "dashboard"])
def test_every_metric_that_is_asked_for_exists_with_its_labels(queries: Any) -> None:
    for query in queries():
        for name, labels in selected(query):
            assert name in METRICS, query
            assert labels <= {*METRICS[name].labels, *TARGET}, query


def test_grouped_labels_are_those_of_a_metric_in_the_query() -> None:
    for query in rule_queries() + panel_queries():
        known = {label for name, _ in selected(query) for label in METRICS[name].labels} | TARGET
        for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
            assert set(re.findall(r"\w+", grouped)) <= known, query


@pytest.mark.deploy
def test_promtool_reads_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(panel_queries())]
    file = tmp_path / "panels.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    run("promtool", "check", "rules", file)
    run("promtool", "check", "rules", RULES)


@pytest.mark.deploy
def test_the_alert_rules_fire_when_they_should() -> None:
    said = run("promtool", "test", "rules", Path(__file__).with_name("rules_test.yml"))
    assert "SUCCESS" in said


@pytest.mark.deploy
def test_prometheus_and_alertmanager_take_their_configurations() -> None:
    run("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    run("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


def test_every_alert_rule_is_tested_both_ways() -> None:
    names = {rule["alert"] for group in objects(RULES.read_text())[0]["groups"] for rule in group["rules"]}
    cases = objects(Path(__file__).with_name("rules_test.yml").read_text())[0]["tests"]
    tried = [one for case in cases for one in case["alert_rule_test"]]
    assert {one["alertname"] for one in tried if one.get("exp_alerts")} == names
    assert {one["alertname"] for one in tried if not one.get("exp_alerts")} == names


def test_the_dashboard_is_whole() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["title"]
        assert panel["type"] == "row" or panel["targets"]
