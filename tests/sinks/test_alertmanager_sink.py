"""The Alertmanager sink's own rules: identity, severity, ends, clusters; the real program is in `tests/integration`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from logwatch.errors import DeliveryError, RefusedError
from logwatch.sinks.alertmanager import AT_ONCE, HOLD_S, LABEL_MOST, NOTE_MOST, AlertmanagerSink
from logwatch.sinks.alertmanager_config import AlertmanagerConfig
from logwatch.sinks.standing import Standing
from logwatch.testing import ManualClock, sample_alert
from logwatch.types import NO_TIME, Alert, Line
from tests.sinks.web_server import OK, Behaviour, WebServer, answer, serving

NOW = 1_700_100_000 * 10**9


def sink(*servers: WebServer, **config: Any) -> AlertmanagerSink:
    return AlertmanagerSink(
        AlertmanagerConfig(**{"urls": [server.url for server in servers], "timeout": 5.0} | config), ManualClock(NOW)
    )


def posted(server: WebServer) -> list[list[dict[str, Any]]]:
    return [json.loads(body) for body in server.bodies]


def ends(one: dict[str, Any]) -> float:
    """Seconds from now."""
    return round(datetime.fromisoformat(one["endsAt"]).timestamp() - NOW / 1e9, 3)


def later(alert: Alert, **changes: Any) -> Alert:
    return replace(alert, **{"state": "update", "id": "f" * 64} | changes)


def test_an_open_incident_fires_for_four_intervals_and_its_end_is_now() -> None:
    alert = sample_alert(1)
    with serving() as server:
        am = sink(server, resend="1min")
        am.deliver([alert])
        am.deliver([later(alert, state="end", entity=None, instance="another")])
    ((first,), (last,)) = posted(server)
    assert server.requests[0].target == "/api/v2/alerts"
    assert first["labels"] == {
        "alertname": "LogwatchdIncident", "source": "web:/var/log/app.log", "severity": "warning",
        "entity": "request-1", "instance": "8812.41",
    }  # fmt: skip
    assert ends(first) == 240
    assert first["startsAt"] < last["endsAt"]
    assert last["labels"] == first["labels"]  # else the end would be that of another alert
    assert ends(last) == 0


def test_annotations_say_what_happened_what_was_expected_and_which_lines() -> None:
    with serving() as server:
        sink(server).deliver([sample_alert(1, lines=(Line("one", 0, 0), Line("two\nthree", 0, 0)))])
    notes = posted(server)[0][0]["annotations"]
    assert notes["summary"] == "A kind of line that was never seen here before"
    assert notes["lines"] == "one\ntwo\\nthree"
    assert notes["expected"].splitlines()[0] == "62 % worker <*> ready"
    assert notes["incident"] == f"{1:064x}"


def test_more_severity_ends_the_alert_of_less() -> None:
    alert = sample_alert(1)
    with serving() as server:
        am = sink(server)
        am.deliver([alert])
        am.deliver([later(alert, severity="critical", entity="another member")])
        am.deliver([later(alert, severity="critical", state="end")])
    update, end = posted(server)[1:]
    assert [(one["labels"]["severity"], ends(one)) for one in update] == [("critical", 240), ("warning", 0)]
    assert update[0]["labels"]["entity"] == "request-1"
    assert [(one["labels"]["severity"], ends(one)) for one in end] == [("critical", 0)]


def test_a_change_of_severity_that_did_not_arrive_is_made_again() -> None:
    alert = sample_alert(1)
    with serving(OK, answer(500), OK) as server:
        am = sink(server)
        am.deliver([alert])
        for _ in range(2):
            try:
                am.deliver([later(alert, severity="critical")])
            except DeliveryError:
                continue
    assert posted(server)[1] == posted(server)[2]


def test_resending_keeps_the_labels_of_the_opening_over_a_restart() -> None:
    alert = sample_alert(1)
    news = later(alert, severity="critical", entity="another member")
    with serving() as server:
        first = sink(server)
        first.deliver([alert, news])
        again = sink(server)  # a new process
        again.resend([Standing(alert, news, 0)])
        again.deliver([later(news, state="end")])
    before, resent, end = posted(server)
    assert resent[0]["labels"] == before[1]["labels"] == end[0]["labels"]
    assert [ends(one) for one in (resent[0], end[0])] == [240, 0]
    assert len(resent) == len(end) == 1


def test_what_has_no_end_of_its_own_fires_for_an_hour() -> None:
    alerts = [sample_alert(1, kind="gap"), sample_alert(2, kind="plugin"), sample_alert(3, state="digest")]
    with serving() as server:
        sink(server).deliver(alerts)
    found = posted(server)[0]
    assert [one["labels"]["alertname"] for one in found] == [
        "LogwatchdInputLost",
        "LogwatchdPluginOff",
        "LogwatchdDigest",
    ]
    assert {ends(one) for one in found} == {HOLD_S}


def test_a_risk_is_another_alert_than_an_incident_of_the_same_source() -> None:
    risk = sample_alert(1, kind="risk", entity=None, instance="")
    with serving() as server:
        sink(server).deliver([risk, sample_alert(2, kind="silence", entity=None, instance="")])
    first, second = posted(server)[0]
    assert first["labels"] == {**second["labels"], "alertname": "LogwatchdRisk"}
    assert ends(first) == ends(second) == 240


@pytest.mark.parametrize("first", [NO_TIME, NOW + 10**12])
def test_an_incident_without_a_time_or_from_the_future_begins_now(first: int) -> None:
    with serving() as server:
        sink(server).deliver([sample_alert(1, first=first)])
    one = posted(server)[0][0]
    assert datetime.fromisoformat(one["startsAt"]).timestamp() == NOW / 1e9


def test_labels_and_annotations_are_bounded_and_show_control_characters_as_escapes() -> None:
    text = "\x1b[31m\n\u202e\ud800" + "x" * 10_000
    alert = sample_alert(1, source=text, entity=text, instance=text, detail=text, lines=(Line(text, 0, 0),))
    with serving() as server:
        sink(server, add_labels={"team": "web"}).deliver([alert])
    one = posted(server)[0][0]
    assert one["labels"]["team"] == "web"
    assert all(len(value) <= LABEL_MOST for value in one["labels"].values())
    assert all(len(value) <= NOTE_MOST for value in one["annotations"].values())
    for value in [*one["labels"].values(), one["annotations"]["summary"], one["annotations"]["lines"]]:
        assert value.isprintable()


def test_labels_without_a_value_are_left_out() -> None:
    with serving() as server:
        sink(server).deliver([sample_alert(1, entity=None, instance="")])
    assert posted(server)[0][0]["labels"].keys() == {"alertname", "source", "severity"}


def test_every_member_of_a_cluster_gets_every_alert() -> None:
    with serving() as one, serving() as two:
        sink(one, two).deliver([sample_alert(1)])
    assert len(one.requests) == len(two.requests) == 1


@pytest.mark.parametrize("trouble", [answer(500), answer(400)])
def test_an_alert_is_delivered_once_one_member_has_it(trouble: Behaviour) -> None:
    with serving(trouble) as one, serving() as two:
        sink(one, two).deliver([sample_alert(1)])
    assert len(two.requests) == 1


def test_no_member_is_an_error_that_passes_while_one_of_them_may_come_back() -> None:
    with (
        serving(answer(400)) as one,
        serving(answer(503, Retry_After="9")) as two,
        pytest.raises(DeliveryError) as told,
    ):
        sink(one, two).deliver([sample_alert(1)])
    assert not isinstance(told.value, RefusedError)
    assert told.value.retry_after == 9


def test_of_many_alerts_the_refused_one_is_found_and_the_others_arrive() -> None:
    alerts = [sample_alert(n) for n in range(3)]
    with serving(answer(400), OK, answer(400)) as server, pytest.raises(RefusedError) as told:
        sink(server).deliver(alerts)
    assert told.value.delivered == 1
    assert [len(bodies) for bodies in posted(server)] == [3, 1, 1]


def test_a_failure_in_the_middle_says_how_many_arrived() -> None:
    alerts = [sample_alert(n) for n in range(2 * AT_ONCE)]
    with serving(OK, answer(500)) as server, pytest.raises(DeliveryError) as told:
        sink(server).deliver(alerts)
    assert told.value.delivered == AT_ONCE


def test_the_address_may_have_a_path_of_its_own() -> None:
    for path in ("", "/", "/prefix", "/prefix/api/v2/alerts"):
        with serving() as server:
            am = AlertmanagerSink(AlertmanagerConfig(urls=[f"{server.url}{path}"]), ManualClock())
            am.deliver([sample_alert(1)])
        assert server.requests[0].target == ("/prefix" if "prefix" in path else "") + "/api/v2/alerts"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"urls": []}, "at least 1"),
        ({"add_labels": {"severity": "x"}}, "a label of the alert itself"),
        ({"add_labels": {"a-b": "x"}}, "is no name of a label"),
        ({"add_labels": {"a": ""}}, "at least 1"),
        ({"resend": "10h"}, "3600"),
    ],
)
def test_what_is_wrong_is_said(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AlertmanagerConfig(**{"urls": "http://127.0.0.1:9093"} | config)
