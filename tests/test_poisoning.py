"""An attack that is repeated in 1 % of the requests alerts at first sight, and is never learned; a habit is."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.poisoning import ATTACKS, SAME, run, stream

LINES = 40_000


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_what_is_repeated_in_1_percent_of_the_requests_alerts_at_first_sight_and_is_not_learned(attack: str) -> None:
    lines, attacks = stream(LINES, attack, 0.01, seed=0)
    heard = run(lines, 0)
    assert attacks[0] in heard.alerted
    nats = [heard.nats[name] for name in attacks if name in heard.nats]
    assert np.median(nats[-10:]) > 0.8 * np.median(nats[:10])
    assert np.median(nats[-10:]) > 5 * np.median([*heard.nats.values()])


def test_what_has_become_a_habit_is_learned() -> None:
    lines, attacks = stream(LINES, "statement", 0.15, seed=0)
    heard = run(lines, 0)
    nats = [heard.nats[name] for name in attacks if name in heard.nats]
    assert np.median(nats[-SAME:]) < 0.5 * np.median(nats[:SAME])
