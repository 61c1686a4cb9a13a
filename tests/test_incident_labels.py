"""Which windows of metrics incidents of logs label how, and which teach nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from logwatch.api import LabelledWindow, MetricWindow
from logwatch.app.incident_labels import MOST, QUIET, IncidentLabels
from logwatch.app.incidents_found import Incident
from logwatch.errors import DataError

SECOND = 10**9
HORIZON = 60
FOUND = tuple(range(1000, 13_000, 1000))


def incident(found: int, lasted: int = 0, source: str = "web") -> Incident:
    return Incident(f"{source}@{found}", source, found * SECOND, (found + lasted) * SECOND)


def window(end: int, source: str = "web", step: int = SECOND) -> MetricWindow:
    return MetricWindow(source, ("cpu",), end * SECOND - 10 * step, step, np.zeros((1, 10), np.float32))


def labelled(
    incidents: Iterable[Incident], windows: Iterable[MetricWindow], sources: Sequence[str] = ("web",), seed: int = 0
) -> list[LabelledWindow]:
    labels = IncidentLabels(sorted(incidents, key=lambda one: one.found), sources, HORIZON, seed)
    for one in windows:
        labels.see(one)
    return labels.labelled()


def ends(found: Iterable[LabelledWindow]) -> list[int]:
    return sorted(one.window.end // SECOND for one in found)


def everywhere(last: int = 14_000, source: str = "web") -> list[MetricWindow]:
    return [window(end, source) for end in range(10, last, 10)]


def test_what_comes_within_the_horizon_fails_and_what_was_further_back_does_not() -> None:
    found = labelled(map(incident, FOUND), everywhere())
    before = [one for one in found if one.deployment == "web before web@3000"]
    assert ends(before) == list(range(2820, 3001, 10))
    assert ends(one for one in before if one.failing) == list(range(2940, 3001, 10))
    assert {one.fault for one in before} == {"incident"}
    assert {one.lead for one in before if one.window.end == 2950 * SECOND} == {50.0}
    assert len([one for one in found if one.failing]) == 7 * len(FOUND)


def test_windows_in_which_an_incident_goes_on_teach_nothing() -> None:
    found = labelled([incident(at, lasted=200) for at in FOUND], everywhere())
    assert not [end for end in ends(found) if 3000 < end < 3210]
    assert 3000 in ends(found)
    assert 13_210 not in ends(labelled([incident(at, 300) for at in FOUND], everywhere()))


def test_quiet_time_is_drawn_in_pieces_and_the_same_ones_again_with_the_same_seed() -> None:
    found, again, other = (labelled(map(incident, FOUND), everywhere(90_000), seed=seed) for seed in (1, 1, 2))
    quiet = [one for one in found if not one.fault]
    assert len({one.deployment for one in quiet}) == QUIET * len(FOUND)
    assert not any(one.failing for one in quiet)
    assert ends(found) == ends(again) != ends(other)
    assert max(ends(quiet)) > 20_000  # the later ones have their chance
    whole = {one.deployment: sum(1 for each in quiet if each.deployment == one.deployment) for one in quiet}
    assert sorted(whole.values())[len(whole) // 2] == 18  # a piece is three horizons, all of it


def test_incidents_that_are_close_together_are_held_out_together_whatever_their_source() -> None:
    incidents = [*map(incident, FOUND), incident(3100, source="db")]
    found = labelled(incidents, [*everywhere(), *everywhere(source="db")], ("web", "db"))
    groups = {one.deployment: one.group for one in found if one.failing}
    assert groups["web before web@3000"] == groups["db before db@3100"]
    assert len(set(groups.values())) == len(FOUND)


def test_no_window_reaches_from_one_stretch_into_the_next() -> None:
    found = labelled(map(incident, FOUND), [*everywhere(), *everywhere(source="db")], ("web", "db"))
    assert not [one for one in found if any(one.window.start < at * SECOND < one.window.end for at in FOUND)]


def test_of_many_incidents_the_newest_ones_teach() -> None:
    many = [1000 * (at + 1) for at in range(MOST + 30)]
    found = labelled(map(incident, many), everywhere(many[-1] + 500))
    assert {one.deployment for one in found if one.failing} == {f"web before web@{at}" for at in many[30:]}
    assert min(ends(found)) > many[29]


def test_a_file_of_metrics_is_of_the_source_of_its_name_with_its_ending_or_without() -> None:
    windows = [one for source in ("web.csv", "db") for one in everywhere(source=source)]
    mine = [*map(incident, FOUND), *(incident(at + 500, source="web.csv") for at in FOUND)]
    exact = labelled(mine, windows, ("web.csv", "db"))
    assert {one.deployment for one in exact if one.failing} == {f"web.csv before web.csv@{at + 500}" for at in FOUND}
    without = labelled(map(incident, FOUND), windows, ("web.csv", "db"))
    assert {one.deployment for one in without if one.failing} == {f"web.csv before web@{at}" for at in FOUND}


def test_windows_of_another_step_than_most_are_left_aside() -> None:
    odd = [window(end, step=5 * SECOND) for end in range(2900, 3000, 50)]
    assert {one.window.step for one in labelled(map(incident, FOUND), [*everywhere(), *odd])} == {SECOND}


@pytest.mark.parametrize(
    ("incidents", "windows", "said"),
    [
        ([], everywhere(), "0 incidents of logs, in 0 stretches of time, and 0 pieces"),
        (list(map(incident, FOUND)), [], "0 incidents of logs, in 0 stretches of time, and 0 pieces"),
        (list(map(incident, FOUND[:9])), everywhere(), "9 incidents of logs, in 9 stretches of time, and 18 pieces"),
        ([incident(1000 + 100 * at) for at in range(12)], everywhere(), "12 incidents of logs, in 1 stretches"),
        ([incident(100 * at) for at in range(1, 61)], everywhere(5990), "pieces of quiet time have metrics"),
    ],
)
def test_too_few_are_refused_with_their_number_and_what_is_needed(
    incidents: list[Incident], windows: list[MetricWindow], said: str
) -> None:
    with pytest.raises(DataError, match=said) as refused:
        labelled(incidents, windows)
    assert "training needs 10, in 5, and 10" in str(refused.value)
