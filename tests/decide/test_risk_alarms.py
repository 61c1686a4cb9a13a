"""Risk alerts: the threshold follows from a source's own past, and everything from the sequence of its windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.api import MetricWindow, Risk
from logwatch.config.values import Budget
from logwatch.decide.risk_past import RiskPast
from logwatch.decide.risks import ENDS, RiskAlarms, odds_of
from logwatch.types import Alert

MINUTE = 60 * 10**9
START = 1_760_000_000 * 10**9
WEEKLY = Budget(count=1, per=604_800.0)


def window(at: int, source: str = "web") -> MetricWindow:
    return MetricWindow(source, ("cpu",), START + at * MINUTE, 10**9, np.zeros((1, 60), np.float32))


def said(p: float | None) -> Risk | None:
    return None if p is None else Risk(p, 60.0, (("memory", 0.7), ("cpu", 0.3)), "by a model")


def heard(alarms: RiskAlarms, risks: Iterable[float | None], first: int = 0, source: str = "web") -> list[Alert]:
    found = [alarms.hear(window(first + at, source), said(p)) for at, p in enumerate(risks)]
    return [one for one in found if one is not None]


def alarms(floor: float = 0.5, budget: Budget = WEEKLY) -> RiskAlarms:
    return RiskAlarms("cnn", budget, floor)


CALM = [0.1, 0.12, 0.08] * 20


def test_a_risk_beyond_all_before_opens_an_incident_with_its_drivers_and_ends_it() -> None:
    opened, ended = heard(alarms(), [*CALM, 0.8, 0.85, *CALM])
    assert (opened.kind, opened.state, opened.rule, opened.source) == ("risk", "open", "cnn", "web")
    assert opened.id == opened.incident == ended.incident
    assert opened.provisional
    for word in ("within 60 s: 0.80", "memory (70%), cpu (30%)", "by a model", "alerts from 0.50 on"):
        assert word in opened.detail
    assert ended.state == "end"
    assert ended.count == 2
    assert "highest risk was 0.85" in ended.detail


def test_it_ends_only_after_some_windows_well_below_the_threshold() -> None:
    assert [one.state for one in heard(alarms(), [*CALM, 0.8, *[0.1] * (ENDS - 1), 0.8, 0.45, 0.8])] == ["open"]
    one = heard(alarms(), [*CALM, 0.8, *[0.1] * ENDS])
    assert [alert.state for alert in one] == ["open", "end"]


def test_windows_of_which_nothing_can_be_said_end_it_too() -> None:
    assert [one.state for one in heard(alarms(), [*CALM, 0.8, *[None] * ENDS])] == ["open", "end"]


def test_a_risk_that_grows_much_is_an_update() -> None:
    states = [one.state for one in heard(alarms(), [*CALM, 0.6, 0.7, 0.96, 0.97])]
    assert states == ["open", "update"]


def test_below_the_floor_nothing_alerts_however_rare_it_is() -> None:
    assert heard(alarms(floor=0.9), [*CALM, 0.85, *CALM]) == []
    assert len(heard(alarms(floor=0.3), [*CALM, 0.4, *CALM])) == 2


def test_a_source_whose_risk_is_often_high_alerts_beyond_its_own_past_only() -> None:
    rng = np.random.default_rng(0)
    noisy = rng.uniform(0.2, 0.9, 400).tolist()
    first = [one for one in heard(alarms(), noisy) if one.state == "open"]
    assert len(first) <= 4  # as it becomes known
    known = alarms()
    heard(known, noisy)
    assert heard(known, rng.uniform(0.2, 0.9, 400).tolist(), first=400) == []
    assert [one.state for one in heard(known, [0.9999], first=800)] == ["open"]


def test_a_young_source_teaches_in_silence() -> None:
    assert heard(alarms(), [0.9] * 5) == []


def test_the_budget_says_how_often_a_past_like_its_own_would_alert() -> None:
    """Peaks once a day: `1/week` stays above them, `2/day` does not."""

    def day(peak: float) -> list[float]:
        return [0.05] * 1439 + [peak]

    for budget, opens in ((WEEKLY, False), (Budget(count=2, per=86_400.0), True)):
        past = RiskPast()
        for p in day(0.7) * 21:
            past.learn(odds_of(p), 60.0, False)
        assert not past.provisional(budget)
        assert (odds_of(0.7) >= past.threshold(budget, odds_of(0.5))) is opens


def test_what_alerted_does_not_blind_the_source() -> None:
    known = alarms()
    opened = heard(known, [*CALM, 0.8, *CALM, 0.8, *CALM, 0.8, *CALM])
    assert [one.state for one in opened] == ["open", "end"] * 3


def test_sources_are_apart_and_ids_depend_on_nothing_but_what_they_name() -> None:
    one, other = alarms(), alarms()
    first, again = heard(one, [*CALM, 0.8]), heard(other, [*CALM, 0.8])
    assert first == again
    (db,) = heard(one, [*CALM, 0.8], source="db")
    assert db.id != first[0].id


def test_a_window_that_comes_again_is_not_heard_again() -> None:
    known = alarms()
    heard(known, [*CALM, 0.8])
    assert heard(known, [0.99], first=len(CALM)) == []


def test_told_names_what_is_open() -> None:
    known = alarms()
    (opened,) = heard(known, [*CALM, 0.6])
    assert known.told() == {opened.id: opened.id}
    (update,) = heard(known, [0.97], first=len(CALM) + 1)
    assert known.told() == {opened.id: update.id}
    heard(known, CALM, first=len(CALM) + 2)
    assert known.told() == {}


RISKS = st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=60)


@settings(max_examples=60)
@given(RISKS, st.integers(0, 60))
def test_a_restored_state_goes_on_exactly(risks: Sequence[float | None], cut: int) -> None:
    whole = alarms()
    heard(whole, CALM)
    expected = heard(whole, risks, first=len(CALM))
    before = alarms()
    heard(before, CALM)
    cut = min(cut, len(risks))
    found = heard(before, risks[:cut], first=len(CALM))
    after = alarms()
    after.restore({name: cell for name, cell in before.changes() if cell is not None})
    found += heard(after, risks[cut:], first=len(CALM) + cut)
    assert found == expected
    assert dict(after.changes()).keys() <= dict(whole.changes()).keys()


@pytest.mark.parametrize("p", [0.0, 1.0, 1e-12, 1 - 1e-12])
def test_certain_risks_have_finite_odds(p: float) -> None:
    assert abs(odds_of(p)) < 20
    for one in heard(alarms(), [*CALM, p]):
        assert all(np.isfinite(value) for value in dataclasses.astuple(one) if isinstance(value, float))
