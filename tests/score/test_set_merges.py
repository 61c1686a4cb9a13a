"""`set` follows merges: a set in which one template stands for another now is the set that it was."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.detectors.table import UInt64
from logwatch.score.units_sets import SetRarity, bits_of

KNOWN, WINNER, REST = 7, 3, 1
EARLY, LATE = 40, 60
"""Events before and after the merge at 50."""


def of(*templates: int) -> UInt64:
    return np.bitwise_or.reduce(bits_of(np.array(templates)), axis=0, keepdims=True)


def nats(sets: SetRarity, *templates: int, source: int = 0, begun: int = EARLY, at: int = LATE) -> float:
    (found,) = sets.score(np.array([source]), of(*templates), np.array([begun]), np.array([at]))
    return float(found)


def count(sets: SetRarity, *templates: int, source: int = 0, times: int = 1) -> None:
    for _ in range(times):
        sets.count(np.array([source]), of(*templates), 1)


def learned(merges: list[tuple[int, int, int]]) -> SetRarity:
    sets = SetRarity(lambda: merges)
    for source in (0, 1):
        count(sets, KNOWN, REST, source=source, times=100)
        count(sets, WINNER, 2, source=source, times=100)
        count(sets, KNOWN + 256, 9, source=source, times=100)
    sets.learn()
    assert nats(sets, KNOWN, REST) < 2
    assert nats(sets, WINNER, REST) > 5
    return sets


def settle(sets: SetRarity, merges: list[tuple[int, int, int]]) -> SetRarity:
    """The end of the chunk; what comes after it goes on from the cells."""
    sets.seen = LATE
    told = [(loser, winner) for _, loser, winner in merges]
    merges.clear()
    sets.merged(told)
    sets.learn()
    again = SetRarity(lambda: merges)
    again.restore({name: cell for name, cell in sets.changes() if cell is not None})
    return again


def test_a_set_with_the_winner_is_known_from_the_merge_on() -> None:
    merges: list[tuple[int, int, int]] = []
    sets = learned(merges)
    merges.append((50, KNOWN, WINNER))
    assert nats(sets, WINNER, REST, at=EARLY) > 5
    assert nats(sets, WINNER, REST) == pytest.approx(nats(sets, KNOWN, REST), abs=1e-6)
    assert nats(sets, WINNER, KNOWN, REST) < 2  # a visit that began before it
    assert nats(sets, WINNER, 5) > 5
    sets = settle(sets, merges)
    for begun in (EARLY, LATE):
        assert nats(sets, WINNER, REST, begun=begun, at=90) < 2
        assert nats(sets, WINNER, 5, begun=begun, at=90) > 5
    assert nats(sets, WINNER, KNOWN, REST, at=90) < 2
    assert nats(sets, KNOWN, REST, at=90) < 2  # open since before the merge
    assert nats(sets, KNOWN + 256, 9, at=90) < 2  # another template of the same bit
    assert nats(sets, WINNER, 2, at=90) < 2


def test_sets_that_differed_in_merged_templates_only_are_one() -> None:
    merges: list[tuple[int, int, int]] = []
    sets = SetRarity(lambda: merges)
    for name in range(10, 30):  # each visit names two of them
        count(sets, name, 10 + (name + 3) % 20, REST)
    count(sets, 2, times=180)
    sets.learn()
    assert nats(sets, 10, 13, REST) > 4
    merges += [(50, name, 10) for name in range(11, 30)]
    assert nats(sets, 10, REST) == pytest.approx(-np.log(19.5 / 201), abs=0.05)
    sets = settle(sets, merges)
    assert nats(sets, 10, REST, begun=LATE, at=90) == pytest.approx(-np.log(19.5 / 201), abs=0.05)
    assert nats(sets, 10, 15, REST, at=90) < 3


def test_what_closes_in_the_chunk_of_the_merge_is_counted_for_both() -> None:
    merges: list[tuple[int, int, int]] = []
    sets = learned(merges)
    merges.append((50, KNOWN, WINNER))
    before = nats(sets, WINNER, REST)
    count(sets, KNOWN, WINNER, REST, times=50)
    count(sets, WINNER, REST, times=50)
    sets = settle(sets, merges)
    assert nats(sets, WINNER, REST, at=90) < before


def test_templates_that_are_given_up_are_not_one() -> None:
    merges: list[tuple[int, int, int]] = []
    sets = learned(merges)
    merges += [(50, KNOWN, 0), (50, WINNER, 0)]
    assert nats(sets, 0, REST) > 5
    sets = settle(sets, merges)
    assert nats(sets, 0, REST, at=90) > 5
    assert nats(sets, KNOWN, REST, at=90) < 2
