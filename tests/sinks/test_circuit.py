"""The circuit: soon, then less often, then one alert at a time; and what the other side asks for is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.delivery.circuit import JITTER, OPEN_S, OPENS_AFTER, RETRY_AFTER_MOST_S, WAITS_S, Circuit


def test_waits_grow_to_a_bound_and_begin_anew_after_a_success() -> None:
    circuit, waits = Circuit(lambda: 0.5), []
    for _ in range(12):
        circuit.failed(100.0)
        waits.append(circuit.left(100.0))
    assert waits[: len(WAITS_S) + len(OPEN_S)] == [*WAITS_S, *OPEN_S]
    assert set(waits[len(WAITS_S) + len(OPEN_S) :]) == {OPEN_S[-1]}
    circuit.succeeded()
    assert circuit.left(100.0) == 0
    circuit.failed(100.0)
    assert circuit.left(100.0) == WAITS_S[0]


def test_it_opens_after_five_failures_and_then_lets_one_alert_through_as_a_probe() -> None:
    circuit = Circuit(lambda: 0.5)
    for _ in range(OPENS_AFTER - 1):
        circuit.failed(0.0)
    assert (circuit.state(0.0), circuit.most(50)) == ("closed", 50)
    circuit.failed(0.0)
    assert circuit.state(0.0) == "open"
    assert circuit.state(OPEN_S[0]) == "half-open"
    assert circuit.most(50) == 1
    circuit.failed(OPEN_S[0])
    assert circuit.state(OPEN_S[0]) == "open"
    circuit.succeeded()
    assert (circuit.state(OPEN_S[0]), circuit.most(50)) == ("closed", 50)


@given(jitter=st.floats(0, 1, exclude_max=True), failures=st.integers(1, 20))
def test_a_wait_is_longer_or_shorter_by_a_quarter_at_most(jitter: float, failures: int) -> None:
    circuit = Circuit(lambda: jitter)
    for _ in range(failures):
        circuit.failed(0.0)
    usual = [*WAITS_S, *OPEN_S][min(failures, len(WAITS_S) + len(OPEN_S)) - 1]
    assert usual * (1 - JITTER) <= circuit.left(0.0) <= usual * (1 + JITTER)


def test_two_daemons_do_not_come_back_at_the_same_moment() -> None:
    circuits = [Circuit() for _ in range(20)]
    for circuit in circuits:
        circuit.failed(0.0)
    assert len({circuit.left(0.0) for circuit in circuits}) > 10


@pytest.mark.parametrize(("asked", "kept"), [(0.0, WAITS_S[0]), (120.0, 120.0), (1e9, RETRY_AFTER_MOST_S)])
def test_what_the_other_side_asks_for_is_kept_within_reason(asked: float, kept: float) -> None:
    circuit = Circuit(lambda: 0.5)
    circuit.failed(0.0, asked)
    assert circuit.left(0.0) == kept
