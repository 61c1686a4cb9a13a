"""Server-sent events of a real daemon: what a reader is told who was away for long, and of risks."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from logwatch.checkpoint.store import NewAlert, Store
from logwatch.sinks.schema import to_json
from logwatch.testing.samples import sample_alert
from logwatch.web.event_routes import BEHIND
from tests.integration.program import eventually
from tests.integration.served import NAMED, TOKEN, Api, daemon

OLD = BEHIND + 20
"""Alerts that are in the state before the daemon starts."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("events")
    with Store(folder / "state") as store:
        now = store.directory.stat().st_mtime_ns
        rows = [json.dumps(to_json(sample_alert(number))) for number in range(OLD)]
        store.commit({}, [NewAlert(f"{number:064x}", now, body) for number, body in enumerate(rows)])
    with daemon(folder, "[risk.cnn]\n[heatmap]\nwindow = 32\n") as served:
        yield served


@contextmanager
def events(api: Api, last: int | None = None) -> Iterator[Iterator[tuple[str, int | None, Any]]]:
    """Kind, id and body of each, as they come."""
    headers = {"authorization": f"Bearer {TOKEN}"} | ({} if last is None else {"last-event-id": str(last)})
    to = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    to.request("GET", "/api/v1/events", headers=headers)
    answer = to.getresponse()

    def told() -> Iterator[tuple[str, int | None, Any]]:
        event: dict[str, str] = {}
        while line := answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif "event" in event:
                yield event["event"], int(event["id"]) if "id" in event else None, json.loads(event["data"])
                event = {}

    try:
        yield told()
    finally:
        to.close()


def test_a_reader_who_was_away_for_long_is_told_how_much_it_missed_and_goes_on_from_now(api: Api) -> None:
    with events(api, last=1) as told:
        kind, newest, body = next(told)
        assert kind == "lagged"
        assert newest is not None
        assert newest > OLD
        assert body == {"missed": newest - 1}
        assert next(told)[0] == "status"
    with events(api, last=newest - 2) as told:  # where it comes back from there, nothing is left out
        assert [next(told)[:2] for _ in range(2)] == [("alert", newest - 1), ("alert", newest)]


def test_a_reader_who_missed_little_gets_it_all(api: Api) -> None:
    with events(api, last=1) as told:
        _, newest, _ = next(told)
    assert newest is not None
    with events(api, last=newest - BEHIND) as told:
        assert [next(told)[:2] for _ in range(BEHIND)] == [
            ("alert", number) for number in range(newest - BEHIND + 1, newest + 1)
        ]


def test_a_risk_is_told_once_for_every_window(api: Api) -> None:
    eventually(lambda: any(one["time"] for one in api("/api/v1/risk")["results"]), "a window has been assessed")
    with events(api) as told:
        kinds = []
        while kinds.count("status") < 3:  # what was asked just before may be of before that window
            kind, _, body = next(told)
            kinds.append(kind)
            if kind == "risk":
                shown = body["results"]
    assert kinds.count("risk") == 1
    (now,) = api("/api/v1/risk")["results"]
    assert [one | {"error": ""} for one in shown] == [now | {"error": ""}]  # it says how old the window is
    assert now["source"] == "m.csv"


def test_scores_come_of_the_sources_that_are_named_or_by_name(api: Api) -> None:
    assert [(one["source"], bool(one["points"])) for one in api("/api/v1/scores")] == [(NAMED, True), ("m.csv", False)]
    (line,) = api("/api/v1/scores?source=nobody&source=%3Cb%3Eevil%20%27name%22%26")
    assert line["source"] == NAMED
    assert line["points"] == sorted(line["points"], key=lambda one: one["time"])
    short, _ = api("/api/v1/scores?minutes=3")
    assert short["points"] == line["points"][-3:]
    assert api("/api/v1/scores?after=%3Cb%3Eevil%20%27name%22%26") == [{"source": "m.csv", "points": []}]
    api("/api/v1/scores?minutes=0", status=400)
    api("/api/v1/scores?" + "&".join(["source=x"] * 101), status=400)
