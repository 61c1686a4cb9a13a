"""Routes: severity, sources, kinds and labels; and an incident told again while it is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.config import SinkTable
from logwatch.config.sinks import RouteKeys
from logwatch.delivery.again import Again
from logwatch.delivery.route import Route
from logwatch.sinks.standing import Standing
from logwatch.testing import sample_alert

MINUTE = 60_000_000_000


def takes(alert: dict[str, Any], **keys: Any) -> bool:
    return Route(RouteKeys(**keys)).takes(sample_alert(**alert))


@pytest.mark.parametrize(
    ("keys", "alert", "wanted"),
    [
        ({}, {}, True),
        ({"severity": "critical"}, {"severity": "warning"}, False),
        ({"severity": "warning"}, {"severity": "critical"}, True),
        ({"sources": ["db*", "web:*"]}, {"source": "web:/var/log/app.log"}, True),
        ({"sources": ["web"]}, {"source": "web:/var/log/app.log"}, False),
        ({"sources": ["db?"]}, {"source": "db12"}, False),
        ({"kinds": ["silence", "gap"]}, {"kind": "event"}, False),
        ({"kinds": ["silence", "gap"]}, {"kind": "gap"}, True),
        ({"labels": {"rule": "rule:*"}}, {"rule": "rule:disk-full"}, True),
        ({"labels": {"rule": "rule:*", "entity": "tenant-a"}}, {"rule": "rule:x", "entity": "tenant-b"}, False),
        ({"labels": {"entity": "*"}}, {"entity": None}, True),
        ({"labels": {"entity": "?*"}}, {"entity": None}, False),
    ],
)
def test_a_sink_gets_what_all_of_its_keys_ask_for(keys: dict[str, Any], alert: dict[str, Any], wanted: bool) -> None:
    assert takes(alert, **keys) is wanted


def test_a_sink_that_says_nothing_is_not_routed() -> None:
    assert not SinkTable(kind="file").routed
    assert SinkTable(kind="file", sources=("web",)).routed


@given(st.text(), st.text())
def test_no_text_breaks_a_glob(source: str, glob: str) -> None:
    if 0 < len(glob) <= 200:
        takes({"source": source, "entity": source}, sources=[glob], labels={"entity": glob})


def test_a_glob_that_backtracks_elsewhere_is_answered_at_once() -> None:
    assert not takes({"entity": "a" * 100_000}, labels={"entity": "*a" * 60 + "b"})


def standing(told: int = 0, **changes: Any) -> Standing:
    alert = sample_alert(**changes)
    return Standing(alert, alert, told)


def test_an_open_incident_is_told_again_after_each_interval_by_an_id_of_its_own() -> None:
    again = Again(Route(RouteKeys(repeat=3600.0)))
    one = standing(told=0)
    ids = []
    for minute in range(1, 190):
        assert again.due(minute * 60.0)
        ids += [told.alert.id for told in again.pick([one], minute * 60.0, minute * MINUTE)]
    assert len(ids) == len(set(ids)) == 3
    assert one.latest.id not in ids


def test_a_repetition_has_the_same_id_after_a_restart_and_says_for_how_long() -> None:
    def second() -> Any:
        again = Again(Route(RouteKeys(repeat=3600.0)))
        again.pick([standing()], 0.0, 119 * MINUTE)
        return again.pick([standing()], 60.0, 120 * MINUTE)[0].alert

    assert second() == second()
    assert second().detail.startswith("still open after 2 h: ")
    assert second().state == "open"


def test_news_begin_the_interval_anew() -> None:
    again = Again(Route(RouteKeys(repeat=3600.0)))
    one = standing(told=0)
    again.pick([one], 0.0, 0)
    news = one._replace(latest=replace(one.latest, id="e" * 64, state="update"), told=50 * MINUTE)
    assert again.pick([news], 60.0, 65 * MINUTE) == []
    assert len(again.pick([news], 120.0, 111 * MINUTE)) == 1


def test_what_would_have_been_due_while_nothing_ran_is_left_out() -> None:
    again = Again(Route(RouteKeys(repeat=3600.0)))
    assert again.pick([standing()], 0.0, 300 * MINUTE) == []


def test_only_incidents_that_the_sink_wants_are_told_again() -> None:
    again = Again(Route(RouteKeys(severity="critical")), resend=60.0)
    found = again.pick([standing(number=1), standing(number=2, severity="critical")], 0.0, 0)
    assert [one.alert.severity for one in found] == ["critical"]
    assert not again.due(59.9)
    assert again.due(60.0)


def test_a_sink_that_neither_repeats_nor_resends_never_looks() -> None:
    assert not Again(Route()).due(1e9)
