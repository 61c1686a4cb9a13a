"""Incidents: one alert when one opens, few while it worsens, one when it ends; whatever the batches."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.config.values import Rate
from logwatch.decide.alerts import Facts
from logwatch.decide.incidents import Incidents
from logwatch.decide.judge import HOLD_NATS, Judged
from logwatch.types import Fired, Kind

MINUTE = 60
P = 1e-4  # the threshold of these tests


class Plain:
    """Explains every decision by one rule: the LSTM, unless told otherwise."""

    def __init__(self, rule="lstm"):
        self.said = rule

    def fired(self, units, row):
        return (Fired("lstm", float(np.nanmax(units.nats[row])), 0.001),)

    def rule(self, units, row):
        return self.said


def judged_of(units, provisional=False) -> Judged:
    """A judge whose p is e^-nats, with one threshold for all."""
    nats = np.nanmax(units.nats, axis=1).astype(np.float64)
    z = -np.log(P)
    wide = np.full(len(nats), P)
    return Judged(
        np.exp(-nats), nats / np.log(10), nats, nats >= z, nats >= z - HOLD_NATS, np.full(len(nats), provisional), wide
    )  # fmt: skip


def run(made, scores, seconds, cuts=(), incidents=None, evidence=None, **over):
    """Alerts of a stream with the given scores (decades) at the given seconds, cut into sub-batches."""
    incidents = incidents or Incidents(Plain())
    evidence = evidence or made.known()
    time = made.t0 + (np.asarray(seconds) * made.second).astype(np.int64)
    units = made.units(np.asarray(scores) * np.log(10), time, **over)
    events = made.events(time, source=over.get("source", 0))
    alerts = []
    for begin, end in zip([0, *cuts], [*cuts, len(time)], strict=True):
        part = made.take(units, slice(begin, end))
        alerts += incidents.step(events.take(slice(begin, end)), part, judged_of(part), evidence)
    return alerts


def states(alerts):
    return [alert.state for alert in alerts]


def test_opens_once_and_ends_after_two_quiet_minutes(made):
    alerts = run(made, [0, 6, 6, 6, 0, 0, 0], [0, 10, 20, 30, 120, 149, 150])
    assert states(alerts) == ["open", "end"]
    opened, ended = alerts
    assert opened.incident == opened.id == ended.incident
    assert ended.id != opened.id
    assert (opened.count, ended.count) == (1, 3)
    assert (ended.first - made.t0, ended.last - made.t0) == (10 * made.second, 30 * made.second)
    assert ended.detail == "over after 20 s: 3 members"


def test_does_not_end_before_the_quiet_time_is_over(made):
    assert states(run(made, [0, 6, 0], [0, 10, 129])) == ["open"]


def test_members_prolong_an_incident(made):
    assert states(run(made, [6] * 5 + [0], [0, 100, 200, 300, 400, 519])) == ["open"]


def test_a_unit_just_below_the_threshold_prolongs_but_does_not_open(made):
    almost = -np.log10(P) - 0.1
    assert states(run(made, [almost, 6, almost, 0], [0, 10, 110, 220])) == ["open"]
    assert states(run(made, [almost, 6, almost - 0.1, 0], [0, 10, 110, 220])) == ["open", "end"]
    assert run(made, [almost] * 3, [0, 10, 20]) == []


def test_another_incident_opens_after_the_first_has_ended(made):
    alerts = run(made, [6, 0, 6], [0, 400, 500])
    assert states(alerts) == ["open", "end", "open"]
    assert alerts[0].id != alerts[2].id


def test_a_jump_in_time_ends_the_old_before_it_opens_the_new(made):
    assert states(run(made, [6, 6], [0, 5000])) == ["open", "end", "open"]


def test_tells_when_it_worsens_by_two_decades(made):
    alerts = run(made, [5, 7.5], [0, 10])
    assert states(alerts) == ["open", "update"]
    assert alerts[1].score == pytest.approx(7.5, rel=1e-5)
    assert alerts[1].count == 2


def test_updates_are_bounded_by_doublings(made):
    scores = np.linspace(9, 29, 200)  # critical from the start, then ever worse
    alerts = run(made, scores, np.arange(200))
    assert states(alerts).count("update") <= 8


def test_a_new_kind_is_told(made):
    kinds = [Kind.EVENT, Kind.EVENT, Kind.WINDOW]
    alerts = run(made, [5, 5, 5], [0, 10, 60], kind=kinds)
    assert states(alerts) == ["open", "update"]
    assert alerts[1].kind == "window"


@pytest.mark.parametrize(
    ("score", "level", "severity"),
    [
        (4.5, 3, "info"),
        (4.5, 5, "warning"),
        (5.5, 3, "warning"),
        (6.5, 6, "critical"),
        (8.5, 3, "critical"),
        (4.5, 7, "critical"),
    ],
)
def test_severity_follows_score_and_level(made, score, level, severity):
    assert run(made, [score], [0], evidence=made.known(levels={0: level}))[0].severity == severity


def test_a_rise_in_severity_is_told_at_once(made):
    alerts = run(made, [4.5, 4.5, 4.5, 4.5], range(4), evidence=made.known(levels={3: 7}))
    assert [(alert.state, alert.severity) for alert in alerts] == [("open", "info"), ("update", "critical")]


def test_the_id_names_source_instance_entity_rule_and_first_position(made):
    alert = run(made, [6], [0], slot=3)[0]
    name = ["source0", "file0", "entity3", "lstm", {"file": "sig0", "offset": 0}]
    assert alert.id == hashlib.sha256(json.dumps(name, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def test_a_visit_is_one_member_however_many_lines_follow(made):
    seconds = np.arange(0, 1000, 10)
    scores = np.full(100, 6.0)
    alerts = run(made, scores, seconds, kind=Kind.VISIT, start=77, final=False)
    assert states(alerts) == ["open", "end"]
    assert alerts[1].count == 1


def test_a_visit_that_gets_worse_is_a_member_again(made):
    alerts = run(made, [6, 6, 9], [0, 10, 20], kind=Kind.VISIT, start=77, final=False)
    assert states(alerts) == ["open", "update"]
    assert alerts[1].count == 2


def test_sources_do_not_share_incidents(made):
    alerts = run(made, [6, 6, 6], [0, 1, 2], source=[0, 1, 0])
    assert [alert.source for alert in alerts] == ["source0", "source1"]


def test_incidents_beyond_the_cap_become_one_digest(made):
    incidents = Incidents(Plain(), lambda source: Rate(2, 3600.0), quiet=60)
    seconds = [i * 600 for i in range(10)]
    scores = [5.0] * 10
    scores[7] = 8.0
    alerts = run(made, [*scores, 0], [*seconds, 9000], incidents=incidents)
    assert states(alerts).count("open") == states(alerts).count("end") == 2 + 2  # two in each of the two hours begun
    digests = [alert for alert in alerts if alert.state == "digest"]
    assert sum(alert.count for alert in digests) == 10 - 4
    assert max(alert.score for alert in digests) == pytest.approx(8.0, rel=1e-5)
    assert "max_incidents = 2/hour" in digests[0].detail


def test_ticks_end_incidents_of_idle_sources(made):
    incidents = Incidents(Plain())
    run(made, [6], [0], incidents=incidents)
    none = made.units([], [])
    mark = made.t0 + 119 * made.second
    assert incidents.tick({0: mark}, 0, none, judged_of_none(), made.known()) == []
    ended = incidents.tick({0: mark + made.second}, 0, none, judged_of_none(), made.known())
    assert states(ended) == ["end"]


def judged_of_none() -> Judged:
    empty = np.zeros(0)
    return Judged(empty, empty, empty, empty > 0, empty > 0, empty > 0, empty)


def test_a_silence_says_how_long(made):
    incidents = Incidents(Plain())
    evidence = made.known(facts_of=Facts(usual_gap=2.0))
    units = made.units([16.0], [made.t0], kind=Kind.SILENCE)
    units.last[0] = made.t0 + 7 * MINUTE * made.second
    units.row[0] = -1
    alerts = incidents.tick({0: int(units.last[0])}, 0, units, judged_of(units), evidence)
    assert alerts[0].detail == "no line for 7 min; usually one every 2 s"
    assert alerts[0].kind == "silence"


MANY = "412 lines within seconds around 22:14:10; usually 20 to 35"
ERRORS = "an unusual mix of lines, or many errors or odd ones, among 412 lines around 22:14:10"
ODD = "unusual lines within seconds, among 412 lines"


@pytest.mark.parametrize(
    ("rule", "high", "said"), [("rate", 35, MANY), ("rate", 412, ERRORS), ("rate", None, ERRORS), ("lstm", 35, ODD)]
)
def test_a_window_says_what_is_unusual(made, rule, high, said):
    evidence = made.known(facts_of=Facts(lines=412, low=20, high=high))
    time = (1_700_000_000 // 60 + 1) * 60 * 10**9
    units = made.units([16.0], [time], kind=Kind.WINDOW)
    units.last[0] = time + 10 * made.second
    alerts = Incidents(Plain(rule)).step(made.events(units.last), units, judged_of(units), evidence)
    assert alerts[0].detail == said


stream = st.lists(
    st.tuples(st.sampled_from([0, 0, 3.95, 5, 6, 7.5, 9, 12]), st.sampled_from([1, 20, 100, 119, 121, 4000]),
              st.integers(0, 2), st.sampled_from([Kind.EVENT, Kind.VISIT, Kind.WINDOW])),
    min_size=1, max_size=40,
)  # fmt: skip


@given(stream, st.sets(st.integers(1, 39)), st.booleans())
@settings(max_examples=150)
def test_any_split_and_any_restart_give_the_same_alerts(made, rows, cuts, restart):
    scores, steps, source, kind = (list(column) for column in zip(*rows, strict=True))
    seconds = np.cumsum(steps)
    over = {"source": source, "kind": kind, "start": [s // 2 for s in range(len(rows))]}

    def cap(number):
        return Rate(2, 3600.0)

    whole = run(made, scores, seconds, incidents=Incidents(Plain(), cap), **over)
    inside = sorted(cut for cut in cuts if cut < len(rows))
    if not restart:
        assert run(made, scores, seconds, inside, Incidents(Plain(), cap), **over) == whole
        return
    cells: dict[str, bytes] = {}
    alerts = []
    time = made.t0 + (seconds * made.second).astype(np.int64)
    units = made.units(np.asarray(scores) * np.log(10), time, **over)
    events = made.events(time, source=source)
    for begin, end in zip([0, *inside], [*inside, len(rows)], strict=True):
        incidents = Incidents(Plain(), cap)
        incidents.restore(cells)
        part = made.take(units, slice(begin, end))
        alerts += incidents.step(events.take(slice(begin, end)), part, judged_of(part), made.known())
        cells.update((name, cell) for name, cell in incidents.changes() if cell is not None)
    assert alerts == whole


def test_without_news_nothing_is_written(made):
    incidents = Incidents(Plain())
    run(made, [0, 0, 6, 0], [0, 1, 2, 3], incidents=incidents)
    assert len(list(incidents.changes())) == 1
    run(made, [0, 0], [4, 5], incidents=incidents)
    assert list(incidents.changes()) == []


def test_status_counts_incidents(made):
    incidents = Incidents(Plain())
    run(made, [6, 0, 6], [0, 400, 500], incidents=incidents)
    assert incidents.status()[0]["incidents"] == 2
    assert incidents.status()[0]["open"] is not None
