"""Who keeps the state of partitions, which alerts a commit writes with it, and what is told of it at rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from logwatch.app.partitions import kept_partitions
from logwatch.app.session import opened
from logwatch.app.status import status
from logwatch.checkpoint.store import Store
from logwatch.config import load
from logwatch.partitions import Partitions
from logwatch.plugins.loader import Plugins
from logwatch.requests import StatusRequest, Ui

CONFIG = """
[[source]]
kind = "kafka"
bootstrap = ["b:1", "c:1"]
topics = ["logs"]
state = "topic"
sasl = "PLAIN"
username = "logwatchd"
password = "x"
"""

SINK = """
[[sink]]
kind = "kafka"
name = "{name}"
bootstrap = {bootstrap}
topic = "alerts"
sasl = "PLAIN"
username = "{user}"
password = "x"
"""


def test_a_commit_writes_alerts_of_sinks_that_are_reached_alike(tmp_path: Path) -> None:
    places = {"alike": ('["c:1", "b:1"]', "logwatchd"), "other": ('["b:1", "c:1"]', "alerter"), "far": ('["d:1"]', "x")}
    text = CONFIG + "".join(SINK.format(name=name, bootstrap=at, user=user) for name, (at, user) in places.items())
    (tmp_path / "c.toml").write_text(text)
    loaded = load(tmp_path / "c.toml", environ={}, flags={})
    resolved = Plugins().resolve_all(loaded)
    with opened(loaded.settings, resolved, tmp_path / "state", {}) as session:
        built = {
            one.part.id: one.build(clock=session.clock, name="") for one in resolved if one.part.kind != "detector"
        }
        with kept_partitions(session, resolved, built, built) as (keeper,):
            assert isinstance(keeper, Partitions)
            assert [*keeper._within] == ["alike"]


def test_at_rest_the_events_of_all_lanes_are_told(tmp_path: Path) -> None:
    clocks = {"": (5, 10), "logs-0": (7, 30_000_000_000)}
    with Store(tmp_path) as store:
        store.commit_lanes(
            {
                lane: {("pipeline", "clock"): json.dumps({"seen": seen, "time": time}).encode()}
                for lane, (seen, time) in clocks.items()
            }
        )
    told = status(StatusRequest(tmp_path), cast(Ui, None))
    assert (told.events_learned, told.last_commit) == (12, "1970-01-01T00:00:30Z")
