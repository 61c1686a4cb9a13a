"""The judge: what crosses, and what only holds an incident open."""

from __future__ import annotations

import numpy as np

from logwatch.types import Kind


def taught(made):
    """A judge with a past of one event each ten seconds, and the number of its next event."""
    judge = made.judge()
    nats = np.random.default_rng(0).exponential(1.0, 4096)
    for begin in range(0, 4096, 512):
        time = made.t0 + np.arange(begin, begin + 512) * 10 * made.second
        judge.learn(made.units(nats[begin : begin + 512], time, begin), np.zeros(512, dtype=bool))
    return judge, 4096


def test_a_unit_a_quarter_of_a_nat_below_the_threshold_holds_and_does_not_cross(made):
    judge, first = taught(made)
    z = judge.status()[0]["threshold"]
    asked = np.array([z - 0.3, z - 0.2, z + 0.01])
    judged = judge.judge(made.units(asked, made.t0 + np.full(3, 50_000 * made.second), first))
    assert judged.crossing.tolist() == [False, False, True]
    assert judged.holding.tolist() == [False, True, True]


def test_nothing_holds_where_nothing_is_known(made):
    judge, first = taught(made)
    judged = judge.judge(made.units([99.0], [made.t0], first, source=5))
    assert not judged.crossing.any()
    assert not judged.holding.any()
    judged = judge.judge(made.units([99.0], [made.t0], first, kind=Kind.WINDOW))
    assert not judged.holding.any()
