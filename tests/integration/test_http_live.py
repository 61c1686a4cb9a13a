"""The API of a real daemon that has read a log with odd and hostile lines, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.integration.program import ODD, eventually
from tests.integration.served import NAMED, TOKEN, Api, daemon


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with daemon(tmp_path_factory.mktemp("http")) as served:
        yield served


def test_incidents_come_newest_first_page_by_page(api: Api) -> None:
    whole = api("/api/v1/alerts")["alerts"]
    paged, before = [], ""
    for _ in whole:
        page = api(f"/api/v1/alerts?limit=1{before}")
        paged += page["alerts"]
        before = f"&before={page['next']}"
    assert paged == whole
    assert len({row["incident"] for row in whole}) == len(whole)
    assert [row["source"] for row in api("/api/v1/alerts?source=m.csv")["alerts"]].count("m.csv") == sum(
        row["source"] == "m.csv" for row in whole
    )
    assert api("/api/v1/alerts?source=nobody")["alerts"] == []
    api("/api/v1/alerts?severity=loud", status=400)
    assert api("/api/v1/alerts?since=81928825392.5")["alerts"] == whole  # since before the year 1
    assert all(row["state"] in ("open", "update") for row in api("/api/v1/incidents")["alerts"])


def test_an_incident_is_shown_whole_with_what_was_expected(api: Api) -> None:
    (row,) = [one for one in api("/api/v1/alerts")["alerts"] if ODD in one["line"]]
    shown = api(f"/api/v1/alerts/{row['incident'][:12]}")
    assert shown["alert"]["incident"] == row["incident"]
    assert ODD in shown["alert"]["lines"][-1]["text"]
    assert len(shown["alert"]["before"]) >= 3
    assert {"detector", "nats", "p"} == set(shown["alert"]["fired"][0])
    assert shown["alert"]["expected"][0]["probability"] > 0.5
    assert api("/api/v1/alerts/ffffffff", status=404)["error"] == "there is no alert ffffffff"
    api("/api/v1/alerts/no-id", status=400)


def test_feedback_is_given_listed_and_undone(api: Api) -> None:
    (row,) = [one for one in api("/api/v1/alerts")["alerts"] if ODD in one["line"]]
    given = {"incident": row["incident"], "verdict": "normal", "expires": "7d", "note": "it burns every night"}
    said = api("/api/v1/feedback", given)["feedback"]
    assert (said["verdict"], said["state"], said["by"]) == ("normal", "in force", "http")
    assert api("/api/v1/feedback")["feedback"][0]["id"] == said["id"]
    assert api(f"/api/v1/alerts/{row['incident']}")["feedback"][0]["note"] == "it burns every night"
    assert "already" in api("/api/v1/feedback", given | {"expires": "1d"}, status=400)["error"]
    assert api(f"/api/v1/feedback/{said['id']}", method="DELETE")["feedback"][0]["state"] == "undone"
    api(f"/api/v1/feedback/{said['id']}", method="DELETE", status=404)
    for_ages = api("/api/v1/feedback", given | {"expires": "1000000w"})["feedback"]
    assert for_ages["until"] is None  # later than any time there can be: never
    api(f"/api/v1/feedback/{for_ages['id']}", method="DELETE")
    api("/api/v1/feedback", given | {"incident": "f" * 64}, status=404)
    api("/api/v1/feedback", given | {"entity": "(?=x)"}, status=400)
    api("/api/v1/feedback", given | {"verdict": "maybe"}, status=400)
    assert "JSON" in api("/api/v1/feedback", b"{", status=400)["error"]
    api("/api/v1/feedback", b" " * 70_000, status=413)
    api("/api/v1/feedback", given, status=401, authorization="")


def test_marks_are_set_and_listed(api: Api) -> None:
    mark = api("/api/v1/marks", {"name": "v2 <b>", "for": "1h"})["mark"]
    assert api("/api/v1/marks")["marks"][0] == mark
    api("/api/v1/marks", {"name": " "}, status=400)
    api("/api/v1/marks", {"name": "v3", "for": "900d"}, status=400)


def test_heatmaps_are_listed_and_drawn(api: Api) -> None:
    kept = api("/api/v1/heatmaps?source=m.csv")["heatmaps"]
    assert {one["source"] for one in kept} == {"m.csv"}
    for query in ("", f"&time={kept[-1]['time']}", "&risk=true"):
        png = api(f"/api/v1/heatmap.png?source=m.csv{query}")
        assert png.startswith(b"\x89PNG\r\n")
        assert api.headers["content-type"] == "image/png"
    assert "no heatmap" in api("/api/v1/heatmap.png?source=nobody", status=404)["error"]
    api("/api/v1/heatmap.png?source=m.csv&time=noon", status=400)
    api("/api/v1/heatmap.png?source=m.csv&time=2001-01-01T00:00:00Z", status=404)


def test_a_gate_without_a_risk_is_shut_and_says_why(api: Api) -> None:
    gate = api("/api/v1/risk?max=1")
    assert (gate["pass"], gate["highest"]) == (False, None)
    assert gate["error"]


def test_versions_of_the_model_are_listed(api: Api) -> None:
    (lane,) = api("/api/v1/models")["lanes"]
    assert lane["versions"][-1]["number"] >= 1


def test_hostile_lines_stay_text(api: Api) -> None:
    (row,) = [one for one in api("/api/v1/alerts")["alerts"] if "onerror" in one["line"]]
    assert row["source"] == NAMED
    to = socket.create_connection(("127.0.0.1", api.port), timeout=30)
    to.sendall(
        f"GET /api/v1/alerts/{row['incident']} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
        f"authorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    with to, to.makefile("rb") as answer:
        raw = answer.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"application/json" in head
    assert b"nosniff" in head
    assert b"\x1b" not in body
    assert b"\x07" not in body
    assert json.loads(body)["alert"]["lines"][-1]["text"].startswith("2026-03-01T12:55:00Z ERROR </script>")


def test_events_tell_what_is_and_what_comes(api: Api) -> None:
    to = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    to.request("GET", "/api/v1/events", headers={"authorization": f"Bearer {TOKEN}", "last-event-id": "0"})
    answer = to.getresponse()
    assert answer.getheader("content-type") == "text/event-stream; charset=utf-8"
    alerts, status = [], None
    while status is None:
        event: dict[str, str] = {}
        while (told := answer.readline().decode().rstrip("\n")) or not event:
            name, _, value = told.partition(": ")
            if told:
                event[name] = value
        if event.get("event") == "alert":
            alerts.append((int(event["id"]), json.loads(event["data"])))
        elif event.get("event") == "status":
            status = json.loads(event["data"])
    to.close()
    assert {row["incident"] for _, row in alerts} == {row["incident"] for row in api("/api/v1/alerts")["alerts"]}
    assert [number for number, _ in alerts] == sorted(number for number, _ in alerts)
    assert {one["source"] for one in status["sources"]} == {NAMED, "m.csv"}


def test_readers_of_events_are_bounded_and_free_their_places(api: Api) -> None:
    def reader() -> http.client.HTTPConnection:
        to = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
        to.request("GET", "/api/v1/events", headers={"authorization": f"Bearer {TOKEN}"})
        return to

    def status(to: http.client.HTTPConnection) -> int:
        return to.getresponse().status

    many = [reader() for _ in range(9)]
    found = [status(one) for one in many]
    assert sorted(found) == [200] * 8 + [429]
    for one in many:
        one.close()

    def again() -> bool:
        one = reader()
        try:
            return status(one) == 200
        finally:
            one.close()

    eventually(again, "a place is free again")


def test_answers_are_as_the_description_says(api: Api) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    told = api("/openapi.json")
    del told["paths"]["/api/v1/events"]  # it does not end
    agree = [
        not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
        checks.response_schema_conformance,
    ]  # fmt: skip
    operations = [found.ok() for found in schemathesis.openapi.from_dict(told).get_all_operations()]
    assert len(operations) >= 16

    for operation in operations:

        @settings(max_examples=10, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(
                base_url=f"http://127.0.0.1:{api.port}", headers={"authorization": f"Bearer {TOKEN}"}, timeout=30
            )
            case.validate_response(answer, checks=agree)

        ask()
