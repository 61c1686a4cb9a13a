"""Feedback in a real pipeline: it silences at once, teaches, and holds through kills and restarts."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from logwatch.app.alerts import answer
from logwatch.app.desk import of_session
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.directives import Directive
from logwatch.rows import Scored
from logwatch.score.learn_segments import BARRED
from logwatch.types import Alert, Flag, RecordBatch, Stream

SAYS = ["begin of {n}", "read {n} rows", "wrote {n} rows", "end after {n} ms"]
DISK, FAN = "ERROR disk sda id=r{i} failed badly with code {n}", "ERROR the fan of rack {n} stopped spinning at night"
COUNT = 2600


def lines(odd: Mapping[int, str], named: str = "", count: int = COUNT) -> list[bytes]:
    """A dull program with an odd line here and there, one line a second."""
    rng = random.Random(1)
    out: list[bytes] = []
    dull = 0
    for i in range(count):
        text = odd.get(i, f"INFO {SAYS[dull % 4]}{named}").format(n=rng.randint(1, 99), i=i, k=dull // 2)
        dull += i not in odd
        out.append(f"2026-01-05T{8 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d} {text}".encode())
    return out


class Run:
    """A lane that is fed; everything it said."""

    def __init__(self, folder: Path, log: list[bytes], entity: str | None = None) -> None:
        self.folder, self.log, self.entity = folder, log, entity
        self.alerts: list[Alert] = []
        self.nats: dict[int, np.ndarray] = {}
        self.flags: dict[int, int] = {}

    def _keep(self, scored: Scored) -> None:
        for row in range(len(scored.events)):
            self.nats[scored.events.first + row] = scored.nats[row]
            self.flags[scored.events.first + row] = int(scored.events.flags[row])

    @contextlib.contextmanager
    def session(self, **config: Any) -> Iterator[Session]:
        loaded = load(environ={}, flags={"budget": ("--budget", "20/hour")})
        changed = loaded.settings.model_copy(update=config)
        tables = {"files": SourceTable(kind="file", entity=self.entity)}
        with opened(changed, detectors_of(loaded), self.folder, tables, on_scored=self._keep) as session:
            yield session

    def feed(self, session: Session, end: int = 0, size: int = 512) -> None:
        end = end or len(self.log)
        while (at := session.pipeline.seen) < end:
            self._feed(session, at, min(at + size, end))

    def _feed(self, session: Session, at: int, end: int) -> None:
        start = np.arange(at, end, dtype=np.int64)
        which, flags = np.zeros(end - at, np.int32), np.zeros(end - at, np.uint8)
        records = RecordBatch(self.log[at:end], [Stream("s", "1")], which, start, start + 1, flags)
        session.pipeline.process(records, "files")

    def commit(self, session: Session) -> None:
        self.alerts += session.pipeline.raised
        session.commit()

    def opened(self, since: int = 0) -> list[Alert]:
        return [one for one in self.alerts if one.state == "open" and one.position["offset"] >= since]


def say(session: Session, action: str, alert: str = "", **more: Any) -> dict[str, Any]:
    reply = answer(of_session(session), {"action": action, "id": alert, "by": "a test", **more})
    assert "error" not in reply, reply
    return reply


def refused(session: Session, action: str, alert: str = "", **more: Any) -> str:
    reply = answer(of_session(session), {"action": action, "id": alert, **more})
    return f"{reply['error']} {reply['hint']}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, lines({2000: DISK, 2300: DISK, 2500: FAN}))


def test_what_is_normal_is_silent_from_the_next_line_on_and_all_else_alerts(run: Run, tmp_path: Path) -> None:
    plain = Run(tmp_path / "plain", run.log)
    with plain.session() as session:
        plain.feed(session)
        plain.commit(session)
    with run.session() as session:
        run.feed(session, 2001)
        run.commit(session)
        (first,) = run.opened()
        assert first.template.startswith("disk sda")
        said = say(session, "normal", first.id[:8], note="it always does")["feedback"]
        assert said["scope"] == {"templates": ["disk sda id=<*> failed badly with code <*>"], "source": "s"}
        run.feed(session)
        run.commit(session)
        (silent,) = say(session, "silenced")["silenced"]
        assert (silent["by"], silent["template"]) == (said["id"], said["scope"]["templates"][0])
        assert say(session, "feedback")["feedback"][0]["silenced"] == 1
    assert len(plain.opened(2001)) == 2  # the disk, and the fan
    assert ["fan" in one.template for one in run.opened(2001)] == [True]
    assert np.isnan(run.nats[2300]).all()


def test_what_was_flagged_is_released_to_learning(run: Run) -> None:
    with run.session() as session:
        run.feed(session, 2001)
        run.commit(session)
        assert run.flags[2000] & Flag.ALERTED
        stages = session.pipeline.stages
        template = stages.miner.mine(["disk sda id=r2 failed badly with code 7"])
        rare = next(one for one in stages.detectors if one.name == "rare")

        def counted() -> bool:
            return bool(np.isin(template, rare.counts()[1]).any())

        say(session, "normal", run.opened()[0].id)
        assert counted()
        say(session, "undo", run.opened()[0].id)


def test_past_lines_are_released_to_the_network_or_barred_from_it(run: Run) -> None:
    with run.session() as session:
        run.feed(session, 2300)  # the odd line's chunk was learned long ago
        run.commit(session)
        stages = session.pipeline.stages
        (number,) = stages.miner.mine(["disk sda id=r2 failed badly with code 7"]).tolist()
        ring, gap = (stages.keys.view(name) for name in ("lstm_ring", "lstm_gap"))
        replay = next(one for one in stages.detectors if one.name == "lstm")._recipe._replay

        def barred() -> set[bool]:
            kept = replay.all()
            ours = kept["template"] == number
            assert ours.any()
            return set((kept["gap"][ours] >= BARRED).tolist()) | set((gap[ring == number] >= BARRED).tolist())

        id = run.opened()[0].id
        assert barred() == {True}
        say(session, "normal", id)
        assert barred() == {False}
        say(session, "undo", id)
        say(session, "real", id)
        assert barred() == {True}


def test_what_is_real_is_not_learned_however_often_it_comes(tmp_path: Path) -> None:
    odd = dict.fromkeys(range(2, COUNT, 4), DISK.replace("ERROR", "INFO"))  # a quarter of all lines: nothing alerts
    nats = {}
    for verdict in ("", "real"):
        run = Run(tmp_path / f"as{verdict}", lines(odd))
        with run.session() as session:
            run.feed(session, 10)
            if verdict:
                scope = {"templates": ["disk sda id=<*> failed badly with code <*>"], "source": "s"}
                body = {"feedback": {"id": "f", "verdict": "real", "scope": scope}, "incident": ""}
                session.lanes.direct(Directive("feedback", body, "f", 1))
            run.feed(session)
            rare = [one.name for one in session.pipeline.stages.detectors].index("rare")
            nats[verdict] = float(run.nats[2598][rare])
            assert bool(run.flags[2598] & Flag.ALERTED) == bool(verdict)
    assert nats["real"] >= np.log(60)  # as rare as at first sight
    assert nats[""] < 1


def test_a_habit_that_began_with_an_alert_ceases_to_be_rare(tmp_path: Path) -> None:
    habit = range(2000, 4000, 4)
    run = Run(tmp_path, lines(dict.fromkeys(habit, DISK), count=4000))
    with run.session() as session:
        run.feed(session)
        rare = [one.name for one in session.pipeline.stages.detectors].index("rare")
    assert any(run.flags[at] & Flag.ALERTED for at in habit)
    assert run.nats[habit[0]][rare] > 3
    assert run.nats[habit[-1]][rare] < 1.5


def test_scopes_narrow_what_is_normal(tmp_path: Path) -> None:
    run = Run(tmp_path, lines(dict.fromkeys((4000, 4200, 4350), DISK), " id=r{k}", 4500), r"id=(\w+)")
    with run.session() as session:
        run.feed(session, 4001)
        run.commit(session)
        id = run.opened()[0].id
        assert "would not fit it" in refused(session, "normal", id, entity="r9+$")
        assert "has the value" in refused(session, "normal", id, value="sdq")
        assert "linear" in refused(session, "normal", id, entity="(?=r)")
        say(session, "normal", id, entity="^r4[0-2]..$")
        run.feed(session)
        run.commit(session)
        assert [one["entity"] for one in say(session, "silenced")["silenced"]] == ["r4200"]
    assert [one.entity for one in run.opened(4001)] == ["r4350"]


def test_a_value_narrows_what_is_normal(tmp_path: Path) -> None:
    said = "ERROR disk of the array failed badly, code {n} id={name}"
    odd = {at: said.replace("{name}", name) for at, name in ((2000, "a1"), (2200, "b2"), (2450, "a1"))}
    run = Run(tmp_path, lines(odd))
    with run.session() as session:
        run.feed(session, 2001)
        run.commit(session)
        assert "has the value" in refused(session, "normal", run.opened()[0].id, value="z9")
        say(session, "normal", run.opened()[0].id, value="a1")
        run.feed(session)
        assert [np.isnan(run.nats[at]).all() for at in odd] == [False, False, True]


def test_what_expired_alerts_again(tmp_path: Path) -> None:
    run = Run(tmp_path, lines({2000: DISK, 2200: DISK, 2500: DISK}))
    with run.session() as session:
        run.feed(session, 2001)
        run.commit(session)
        desk = replace(of_session(session), now=partial(int, run.opened()[0].last))  # as if it were live
        reply = answer(desk, {"action": "normal", "id": run.opened()[0].id, "for": 400})
        assert reply["feedback"]["until"] == "2026-01-05T08:40:00Z"
        run.feed(session)
        run.commit(session)
        assert [one.position["offset"] for one in run.opened(2001)] == [2500]
        assert "expired" in refused(session, "undo", reply["feedback"]["id"])


def test_undone_feedback_is_over_and_kept_in_the_audit(run: Run) -> None:
    with run.session() as session:
        run.feed(session, 2001)
        run.commit(session)
        id = run.opened()[0].id
        given = say(session, "normal", id)["feedback"]["id"]
        assert "would overlap" in refused(session, "real", id)
        assert "is normal already" in refused(session, "normal", id)
        say(session, "undo", given[:6])
        assert "undone already" in refused(session, "undo", id)
        assert "no feedback" in refused(session, "undo", "beef00")
        assert "no alert" in refused(session, "normal", "beef00")
        run.feed(session)
        run.commit(session)
        (row,) = say(session, "feedback")["feedback"]
        assert (row["state"], row["by"]) == ("undone", "a test")
        assert say(session, "show", id)["feedback"] == [row]
    assert any("disk" in one.template for one in run.opened(2001)) or run.nats[2300][1] >= 0


Plan = list[tuple[str, int]]
PLACES = range(2001, COUNT, 40)


@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(["normal", "real", "undo", "kill", "commit"]), st.sampled_from(PLACES)),
             min_size=2, max_size=8),
    st.integers(1, 600),
)  # fmt: skip
@example([("normal", 2041), ("undo", 2161), ("kill", 2281)], 100)
def test_feedback_kills_and_restores_change_nothing(plan: Plan, size: int) -> None:
    """Said at the same places, a run that is killed and restored ends as one that is not."""
    plan = sorted(plan, key=lambda one: one[1])
    log = lines(dict.fromkeys([2000, 2100, 2250, 2251, 2380, 2520], DISK) | {2400: FAN, 2555: FAN})
    with tempfile.TemporaryDirectory() as folder:
        whole, parts = Run(Path(folder) / "whole", log), Run(Path(folder) / "parts", log)
        _follow(whole, [one for one in plan if one[0] not in ("kill", "commit")], 512)
        _follow(parts, plan, size)
    for at in range(COUNT):
        np.testing.assert_array_equal(parts.nats[at], whole.nats[at], err_msg=str(at))
    told = [{(one.id, one.state, one.score, one.count, one.severity) for one in run.alerts} for run in (parts, whole)]
    assert told[0] == told[1]


def _follow(run: Run, plan: Plan, size: int) -> None:
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(run.session())
        run.feed(session, 2001, size)
        run.commit(session)
        alert = run.opened()[0].id
        for step, place in plan:
            run.feed(session, place, size)
            if step == "kill":  # what was said since the last commit is in the journal alone
                stack.pop_all().close()
                session = stack.enter_context(run.session())
                run.feed(session, place, size)
            elif step == "commit":
                run.commit(session)
            else:
                desk = replace(of_session(session), now=partial(int, 10**15 + place))  # the same in both runs
                answer(desk, {"action": step, "id": alert})  # some are refused, in both runs alike
        run.feed(session, COUNT, size)
        run.commit(session)


def test_a_window_is_normal_by_its_unusual_lines_and_not_by_those_of_every_day(run: Run) -> None:
    with run.session() as session:
        run.feed(session, 2050)
        run.commit(session)
        window = next(one for one in run.alerts if one.kind == "window")
        assert len({line.template_id for line in window.lines}) > 1
        scope = say(session, "normal", window.id)["feedback"]["scope"]
        assert scope == {"templates": ["disk sda id=<*> failed badly with code <*>"], "source": "s"}


def test_a_rate_is_normal_by_its_kind(tmp_path: Path) -> None:
    run = Run(tmp_path, lines({}))
    for flood in (slice(2000, 2009), slice(2600, 2609)):
        run.log[flood] = [line for line in run.log[flood] for _ in range(40)]
    with run.session() as session:
        run.feed(session, 2500)
        run.commit(session)
        rate = next(one for one in run.alerts if one.rule == "rate")
        said = say(session, "normal", rate.id)["feedback"]
        assert said["scope"] == {"source": "s", "kind": "window", "detector": "rate"}
        assert "only templates" in refused(session, "real", rate.id)
        run.feed(session)
        run.commit(session)
        assert {one["by"] for one in say(session, "silenced")["silenced"]} == {said["id"]}
    assert not [one for one in run.opened(2500) if one.rule == "rate"]


def test_the_list_is_of_incidents_and_can_be_narrowed(run: Run) -> None:
    with run.session() as session:
        run.feed(session)
        run.commit(session)
        opened = [one.id for one in run.opened()]
        rows = say(session, "list")["alerts"]
        assert [row["incident"] for row in rows] == opened[::-1]
        assert (rows[0]["template"], rows[0]["state"]) == (run.opened()[-1].template, "update")
        assert [row["state"] for row in rows[1:]] == ["end"] * (len(rows) - 1)
        assert [row["incident"] for row in say(session, "list", open=True)["alerts"]] == opened[-1:]
        assert [row["incident"] for row in say(session, "list", limit=1)["alerts"]] == opened[-1:]
        assert say(session, "list", source="other")["alerts"] == say(session, "list", since=60)["alerts"] == []
        assert all(row["severity"] == "critical" for row in say(session, "list", severity="critical")["alerts"])
        assert "no severity" in refused(session, "list", severity="bad")
        assert "a number above 0" in refused(session, "list", limit="x")
        assert "no action" in refused(session, "drop")
        several = refused(session, "show", "0" * 3)
        assert "no alert" in several  # too short for an id
