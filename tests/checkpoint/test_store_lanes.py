"""Lanes of the store: apart from each other, saved together, and states of the schema before them still open."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from logwatch.checkpoint.store import NewAlert, Store
from logwatch.directives import Directive
from logwatch.errors import StateCorrupt, StateError

OLD = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE cells (component TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (component, name));
CREATE TABLE alerts (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE sinks (name TEXT PRIMARY KEY, seq INTEGER NOT NULL);
INSERT INTO cells VALUES ('keys', 'a', X'01'), ('pipeline', 'clock', X'7B7D');
INSERT INTO alerts VALUES (7, 'x', 5, '{}');
INSERT INTO sinks VALUES ('file', 6);
PRAGMA user_version = 1;
"""


NO_INDEXES = "DROP INDEX alerts_incident; DROP INDEX alerts_source;"


def test_a_state_of_schema_1_opens_with_all_that_it_held(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.executescript(OLD)
    db.close()
    for _ in range(2):
        with Store(tmp_path) as store:
            assert store.cells("keys") == {"a": b"\x01"}
            assert store.cell("pipeline", "clock") == b"{}"
            assert [alert.id for alert in store.alerts_after(6, 10)] == ["x"]
            assert store.delivered("file") == 6
            assert store.lanes() == []
            store.commit_lanes({"logs-0": {("keys", "a"): b"\x02"}})
            store.commit_lanes({}, closed=["logs-0"])


def test_a_state_of_schema_2_opens_with_an_empty_journal(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.executescript(
            f"{NO_INDEXES} DROP TABLE directives; INSERT INTO sinks VALUES ('file', 6); PRAGMA user_version = 2;"  # noqa: S608  # of constants
        )
    db.close()
    for known in ([], ["d"]):
        with Store(tmp_path) as store:
            assert store.delivered("file") == 6
            assert [one.directive.id for one in store.journal] == known
            store.journal.add(Directive("mark", {"name": "release"}, "d", 1), {})


def test_a_state_of_schema_3_finds_incidents_and_sources_by_index(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        body = json.dumps({"id": "a1", "incident": "a1", "source": "web"})
        db.execute("INSERT INTO alerts VALUES (1, 'a1', 5, ?, '')", (body,))
        db.executescript(f"{NO_INDEXES} PRAGMA user_version = 3;")
    db.close()
    with Store(tmp_path) as store:
        assert store.alerts.last_of("a1") == 1
        assert [seq for seq, _ in store.alerts.newest(source="web")] == [1]
        assert not list(store.alerts.newest(source="db"))
    with sqlite3.connect(tmp_path / "state.db") as db:
        plans = " ".join(
            str(db.execute(f"EXPLAIN QUERY PLAN SELECT max(seq) FROM alerts WHERE {where} = 'x'").fetchall())  # noqa: S608  # of constants
            for where in ("json_extract(body, '$.incident')", "json_extract(body, '$.source')")
        )
    db.close()
    assert "alerts_incident" in plans
    assert "alerts_source" in plans


def test_alerts_are_read_as_they_were_written(tmp_path: Path) -> None:
    lines = ["plain", "\u6f22\u202e\x1b", "half \ud800 of one", "\u0000", str(2**63)]
    rows = [NewAlert(f"a{at}", 5, json.dumps({"line": line, "p": 1e-300})) for at, line in enumerate(lines)]
    with Store(tmp_path) as store:
        store.commit({}, rows)
        assert [body["line"] for _, body in store.alerts.newest()] == lines[::-1]


def test_lanes_do_not_see_each_other(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.commit_lanes(
            {"": {("keys", "a"): b"1"}, "logs-0": {("keys", "a"): b"2"}, "logs-1": {("keys", "b"): b"3"}}
        )
        assert store.cells("keys") == {"a": b"1"}
        assert store.lane("logs-0").cells("keys") == {"a": b"2"}
        assert store.lane("logs-1").cell("keys", "a") is None
        assert store.lanes() == ["logs-0", "logs-1"]
        store.commit_lanes({"logs-1": {("keys", "c"): b"4"}}, closed=["logs-0", "logs-1"])
        assert store.lane("logs-0").cells("keys") == {}
        assert store.all("logs-1") == {("keys", "c"): b"4"}
        assert store.cells("keys") == {"a": b"1"}


def test_a_commit_of_several_lanes_is_whole_or_not_at_all(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.commit_lanes({"a-0": {("c", "n"): b"old"}, "a-1": {("c", "n"): b"old"}})
        lanes = {"a-0": {("c", "n"): b"new"}, "a-1": {("c", "n"): b"new"}}
        with pytest.raises((StateError, sqlite3.Error)):
            store.commit_lanes(lanes, [NewAlert("x", None, "{}")])
        assert store.lane("a-0").cell("c", "n") == store.lane("a-1").cell("c", "n") == b"old"


def test_a_lane_that_cannot_be_read_says_which_database_it_is_in(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        error = store.lane("logs-0").corrupt(ValueError("odd"))
    assert isinstance(error, StateCorrupt)
    assert str(tmp_path) in str(error)
