"""Rarities beside the network: in a visit they say in part what it says already."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.calibration_votes import BESIDE, VOTES, Votes
from logwatch.types import Kind

NAMES = ("lstm", "new", "rare", "values", "set")


def combined(kind: Kind, lstm: float, votes: Votes | None = None) -> float:
    nats = np.array([[lstm, 1.0, 4.0, 3.0, 2.0]], np.float32)
    return float((votes or Votes(NAMES)).combine(nats, np.array([kind], np.uint8))[0])


def test_in_a_visit_rarities_have_half_their_weight_beside_the_network() -> None:
    assert combined(Kind.VISIT, 5.0) == pytest.approx(5 + BESIDE * 4 + 3)


def test_where_the_network_says_nothing_they_have_all_of_it() -> None:
    assert combined(Kind.VISIT, np.nan) == pytest.approx(4 + 3)
    without = Votes(NAMES, tuple(group for group in VOTES if group != ("lstm",)), frozenset({"lstm"}))
    assert combined(Kind.VISIT, 5.0, without) == pytest.approx(4 + 3)


def test_single_events_are_bounded_instead() -> None:
    assert combined(Kind.EVENT, 5.0) == pytest.approx(min(5, 4) + 4 + 3)
