"""Rules of the configuration: what hits them alerts, whatever the budget says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.config.alert_rules import RULES_MOST, SEVERITIES, AlertRule, hit_of, nats_of
from logwatch.score.detector_configs import RuleConfig
from logwatch.score.detectors.rule import Rules
from logwatch.score.keys import KeyTable
from logwatch.testing.detector_checks import DetectorRig, check_detector
from logwatch.types import Alert, EventBatch, RecordBatch, Stream

SECOND = 10**9
T0 = 1_700_000_040 * SECOND  # a whole minute


def events(said: list[tuple[float, int, str]], source: int = 0, first: int = 0) -> EventBatch:
    """(seconds, level, text) of each."""
    n = len(said)
    none = np.zeros(n, np.int32)
    time = np.array([T0 + int(at * SECOND) for at, _, _ in said], np.int64)
    level = np.array([level for _, level, _ in said], np.int8)
    at = np.arange(first, first + n)
    return EventBatch(
        first, none + source, none, none, time, time, level, none, at, at + 1, np.zeros(n, np.uint8), [None] * n,
        [text for _, _, text in said],
    )  # fmt: skip


def hits(rules: Rules, batch: EventBatch) -> list[tuple[int, int] | None]:
    return [None if np.isnan(nats) else hit_of(float(nats)) for nats in rules.score(batch)]


def rules(*tables: dict[str, Any]) -> Rules:
    return Rules(RuleConfig(rule=tuple(AlertRule(**table) for table in tables)))


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("place", [0, 1, 77, RULES_MOST - 1])
def test_a_hit_says_which_rule_it_was_in_single_precision(place: int, severity: Any) -> None:
    assert hit_of(float(np.float32(nats_of(place, severity)))) == (place, SEVERITIES.index(severity))


def test_a_pattern_a_level_and_both() -> None:
    found = hits(
        rules(
            {"name": "disk", "pattern": "(?i)no space", "severity": "critical"},
            {"name": "errors", "level": "error", "severity": "info"},
            {"name": "both", "pattern": "pool", "level": "warning"},
        ),
        events([(0, 3, "all is well"), (1, 3, "No space left"), (2, 6, "no"), (3, 5, "pool is dry"), (4, 3, "pool")]),
    )
    assert found == [None, (0, 2), (1, 0), (2, 1), None]


def test_of_several_the_most_severe_is_told() -> None:
    found = hits(
        rules({"name": "a", "pattern": "x", "severity": "critical"}, {"name": "b", "pattern": "x"}),
        events([(0, 0, "x")]),
    )
    assert found == [(0, 2)]


def test_a_rate_is_told_once_in_a_period_of_a_sources_own_time() -> None:
    rule = rules({"name": "many", "pattern": "x", "rate": "3/min"})
    said = [(at, 0, "x" if at != 2 else "y") for at in range(12)]
    assert [at for at, hit in enumerate(hits(rule, events(said))) if hit] == [4]
    assert not any(hits(rule, events(said, source=1))[:4])
    assert not any(hits(rule, events([(30, 0, "x"), (59, 0, "x"), (61, 0, "x"), (62, 0, "x"), (63, 0, "x")])))
    assert hits(rule, events([(58, 0, "x")]))[0] is not None  # late, and one more in the latest minute


def test_it_keeps_what_every_detector_keeps() -> None:
    def make() -> DetectorRig:
        return DetectorRig(
            rules({"name": "e", "pattern": "e"}, {"name": "many", "rate": "5/min"}, {"name": "x", "level": "info"}),
            KeyTable((), 1000),
        )

    check_detector(make)


@pytest.mark.parametrize(
    "table",
    [
        {"name": "none"},
        {"name": "Bad name", "pattern": "x"},
        {"name": "look", "pattern": "(?=x)"},
        {"name": "level", "level": "loud"},
        {"name": "rate", "rate": "many"},
        {"name": "more", "pattern": "x", "colour": "red"},
    ],
)
def test_what_is_no_rule_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlertRule(**table)


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="two rules"):
        RuleConfig(rule=(AlertRule(name="a", pattern="x"), AlertRule(name="a", pattern="y")))


RULES = (
    '[{"name": "given-up", "pattern": "given up", "severity": "critical"},'
    ' {"name": "busy", "pattern": "tick", "rate": "100/min", "severity": "info"}]'
)


def run(
    folder: Path | None, lines: list[bytes], ends: list[int], table: str = RULES, entity: str | None = None
) -> tuple[list[Alert], list[dict[str, Any]]]:
    loaded, at, alerts = load(environ={"LOGWATCHD_RULE": table}, flags={}), 0, list[Alert]()
    for end in ends:
        tables = {"files": SourceTable(kind="file", entity=entity)}
        with opened(loaded.settings, detectors_of(loaded), folder, tables, finished=True) as session:
            for begin in range(at, end, 700):
                part = lines[begin : min(begin + 700, end)]
                place, none = np.arange(begin, begin + len(part), dtype=np.int64), np.zeros(len(part), np.uint8)
                session.pipeline.process(
                    RecordBatch(part, [Stream("s", "1")], none.astype(np.int32), place, place + 1, none), "files"
                )
            alerts += session.pipeline.raised
            status = session.pipeline.stages.judge.status()
            session.commit()
        at = end
    return alerts, status


def quiet(count: int, step: float = 2.0) -> list[bytes]:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        f"{begin + timedelta(seconds=int(at * step)):%Y-%m-%dT%H:%M:%SZ} INFO tick {at} id={at % 50}".encode()
        for at in range(count)
    ]


def test_a_hit_alerts_from_the_first_line_on_and_has_its_own_severity(tmp_path: Path) -> None:
    lines = quiet(6000)
    for at in (5, 3000, 5900):
        lines[at] = lines[at].replace(b"tick", b"job given up")
    alerts, _ = run(None, lines, [6000])
    told = [alert for alert in alerts if alert.state == "open" and alert.rule.startswith("rule")]
    assert [(alert.rule, alert.severity, alert.score, alert.provisional) for alert in told[:1]] == [
        ("rule:given-up", "critical", 30.0, False)
    ]
    assert [alert.position["offset"] for alert in told] == [5, 3000, 5900]
    again, _ = run(tmp_path, lines, [1234, 3001, 6000])
    assert [(one.id, one.rule, one.severity, one.score, one.first) for one in again] == [
        (one.id, one.rule, one.severity, one.score, one.first) for one in alerts
    ]


def test_rules_neither_spend_the_budget_nor_teach_it_anything() -> None:
    lines = quiet(9000)
    ruled, with_rule = run(None, lines, [9000], '[{"name": "all", "pattern": "tick [0-9]*0 "}]')
    plain, without = run(None, lines, [9000], "[]")
    assert ruled
    assert not plain
    assert with_rule == without


def test_a_rate_alerts_when_it_is_passed() -> None:
    alerts, _ = run(None, [*quiet(600), *quiet(4000, 0.25)[2400:]], [2200])
    told = [alert for alert in alerts if alert.state == "open"]
    assert {alert.rule for alert in told if alert.severity == "info"} == {"rule:busy"}


def test_a_visit_that_goes_on_after_a_hit_is_told_once() -> None:
    lines = quiet(3000)
    lines[2000] = lines[2000].replace(b"tick", b"job given up")
    alerts, _ = run(None, lines, [3000], entity=r"id=(\d+)")
    told = [alert for alert in alerts if alert.rule == "rule:given-up" and alert.state == "open"]
    assert len(told) == 1
