"""Verdicts: who would have found which incidents, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.decide.verdict import EPISODES, LONGEST, PAST, Counted, Verdict
from logwatch.decide.verdict_words import sentence
from logwatch.types import Bool, Int64, Kind, UnitBatch

SECOND = 10**9
NAMES = ("whole", "without", "lstm", "new")
WHOLE, WITHOUT, LSTM, NEW = (1 << bit for bit in range(4))


class Told:
    """Voices that cross as a test says."""

    def __init__(self, names: tuple[str, ...] = NAMES) -> None:
        self.names = names
        self.masks: Any = None
        self.latest = 0

    def learn(self, units: UnitBatch, crossed: Bool) -> Any:
        self.latest = int(units.last.max())
        return self.masks

    def learn_anew(self, sources: Int64) -> None:
        pass

    def now(self, source: int) -> int:
        return self.latest

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return ()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        pass


def hear(verdict: Verdict, voices: Told, said: list[tuple[float, int]], kind: Kind = Kind.EVENT, **more: Any) -> None:
    """One chunk: times in seconds, and which voices cross."""
    n = len(said)
    none, time = np.zeros(n, np.int32), np.array([int(at * SECOND) for at, _ in said])
    start = np.array(more.pop("start", [0] * n), np.int64)
    units = UnitBatch(
        np.full(n, kind, np.uint8), np.ones(n, np.bool_), none, none, none, np.arange(n), none, time, time, start,
        start, np.zeros((n, 2), np.float32), ("lstm", "new"),
    )  # fmt: skip
    voices.masks = np.array([mask for _, mask in said], np.uint64)
    verdict.learn(units, (voices.masks & np.uint64(1)) > 0, **more)


@pytest.fixture
def voices() -> Told:
    return Told()


@pytest.fixture
def verdict(voices: Told) -> Verdict:
    return Verdict(voices)


def test_voices_that_cross_within_the_quiet_time_found_the_same_incident(verdict: Verdict, voices: Told) -> None:
    hear(verdict, voices, [(0, WHOLE | LSTM), (100, NEW), (1000, WHOLE | WITHOUT | NEW), (2000, NEW)])
    assert verdict.counted(0) == Counted(2, 1, 1, {"lstm": (1, 1), "new": (2, 3)})


def test_an_incident_goes_on_over_chunks_for_as_long_as_something_crosses(verdict: Verdict, voices: Told) -> None:
    for at in range(0, 1200, 100):
        hear(verdict, voices, [(at, WHOLE), (at + 50, 0)])
    hear(verdict, voices, [(1190, WITHOUT)])
    assert verdict.counted(0) == Counted(1, 0, 1, {"lstm": (0, 0), "new": (0, 0)})


def test_what_goes_on_for_hours_counts_every_hour(verdict: Verdict, voices: Told) -> None:
    for at in range(0, 3 * LONGEST // SECOND, 60):
        hear(verdict, voices, [(at, WHOLE)])
    assert verdict.counted(0).whole == 3


def test_a_visit_whose_maximum_stays_crosses_once(verdict: Verdict, voices: Told) -> None:
    for at in (0, 1000, 2000):
        hear(verdict, voices, [(at, WHOLE | LSTM), (at + 1, WHOLE)], Kind.VISIT, start=[7, 7])
    hear(verdict, voices, [(3000, WHOLE | LSTM)], Kind.VISIT, start=[8])
    hear(verdict, voices, [(4000, WHOLE | NEW)], Kind.VISIT, start=[8])
    assert verdict.counted(0) == Counted(2, 2, 0, {"lstm": (2, 2), "new": (0, 1)})


def test_only_the_recent_past_counts(verdict: Verdict, voices: Told) -> None:
    hear(verdict, voices, [(0, WHOLE)])
    hear(verdict, voices, [(PAST / SECOND / 2, WHOLE)])
    hear(verdict, voices, [(PAST / SECOND + 1000, 0)])
    assert verdict.counted(0).whole == 1


def test_a_warm_up_counts_nowhere(verdict: Verdict, voices: Told) -> None:
    hear(verdict, voices, [(0, NEW), (1000, LSTM)], silent=True)
    assert verdict.counted(0) == Counted(0, 0, 0, {"lstm": (0, 0), "new": (0, 0)})


def test_it_is_bounded(verdict: Verdict, voices: Told) -> None:
    hear(verdict, voices, [(1000 * at, WHOLE) for at in range(3 * EPISODES)])
    assert verdict.counted(0).whole == EPISODES
    assert sum(len(cell or b"") for _, cell in verdict.changes()) < 4096


times = st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 15)), min_size=1, max_size=60)


@given(said=times, cut=st.integers(0, 60))
def test_any_interruption_leaves_the_same_verdict(said: list[tuple[int, int]], cut: int) -> None:
    said.sort()
    voices = Told()
    whole, first, second = Verdict(voices), Verdict(voices), Verdict(voices)
    for at, one in enumerate(said):
        hear(whole, voices, [one])
        hear(first if at < cut else second, voices, [one]) if at != cut else None
        if at == cut:
            second.restore({name: cell for name, cell in first.changes() if cell is not None})
            hear(second, voices, [one])
    assert (second if cut < len(said) else first).counted(0) == whole.counted(0)


def test_the_finds_of_a_detector_that_is_gone_are_forgotten(verdict: Verdict, voices: Told) -> None:
    hear(verdict, voices, [(0, WHOLE | LSTM | NEW), (5000, LSTM)])
    cells = {name: cell for name, cell in verdict.changes() if cell is not None}
    other = Verdict(Told(("whole", "without", "values", "new")))
    other.restore(cells)
    assert other.counted(0).alone == {"values": (0, 0), "new": (1, 1)}


def test_a_detector_that_alerts_all_the_time_is_no_substitute() -> None:
    found = Counted(10, 0, 10, {"silence": (10, 21), "rare": (6, 9)})
    assert "a rare-template rule (`rare`) alone finds 6 of 10" in sentence(found, "off", True, None)
    assert sentence(found, "on", True, None).startswith("all are found without the LSTM")


def counted(whole: int, adds: int, **found: int) -> Counted:
    return Counted(whole, adds, whole - adds, {name: (count, count + 1) for name, count in found.items()})


@pytest.mark.parametrize(
    ("found", "lstm", "votes", "saves", "said"),
    [
        (counted(0, 0, new=0), "on", True, 0.5, "no incidents yet to compare by"),
        (counted(2, 2, new=0), "on", True, 0.5, "too early to say: 2 incidents"),
        (
            counted(11, 3, lstm=9, new=5, rare=7), "on", True, 0.5,
            "the LSTM adds 3 of 11 incidents; a rare-template rule (`rare`) alone finds 7 of 11",
        ),
        (
            counted(11, 0, lstm=11, new=11), "on", True, 0.7,
            "a new-template rule (`new`) alone finds all 11 incidents: `lstm = false` saves 70% CPU",
        ),
        (
            counted(6, 0, new=6), "on", True, None,
            "a new-template rule (`new`) alone finds all 6 incidents so far: `lstm = false` would do",
        ),
        (
            counted(12, 0, new=6), "on", True, 0.4,
            "all are found without the LSTM, 12 incidents: `lstm = false` saves 40% CPU",
        ),
        (counted(12, 0, gap=6), "off", True, None, "without the LSTM; `gap` alone finds 6 of 12 incidents"),
        (counted(12, 0, gap=0), "none", True, None, "without the LSTM; 12 incidents"),
        (
            counted(12, 0, spike=6, series=12), "on", False, 0.4,
            "the LSTM forecasts, and has no vote, 12 incidents: `lstm = false` saves 40% CPU",
        ),
    ],
)  # fmt: skip
def test_the_sentence(found: Counted, lstm: Any, votes: bool, saves: float | None, said: str) -> None:
    assert sentence(found, lstm, votes, saves) == said
