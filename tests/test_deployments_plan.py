"""What the recorder of deployments plans, and when it says that one has failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.data.deployments.load import LEAST, WINDOW, Judge, Traffic
from tests.data.deployments.plan import BENIGN, FAULTS, TOGETHER, kinds, plan

BLOCK = len(FAULTS) + len(BENIGN)


@given(st.integers(0, 9), st.integers(0, 20))
def test_a_block_has_each_fault_once(seed: int, block: int) -> None:
    assert sorted(kinds(seed, block)) == sorted([*FAULTS, *BENIGN])


@given(st.integers(0, 9), st.integers(0, 500), st.integers(0, 2))
def test_a_plan_follows_from_its_numbers_alone(seed: int, number: int, attempt: int) -> None:
    made = plan(seed, number, attempt)
    assert made == plan(seed, number, attempt)
    assert made["planned"] == kinds(seed, number // BLOCK)[number % BLOCK]
    assert 120 <= made["seconds"] <= 180


@given(st.integers(0, 9), st.integers(0, 200))
def test_a_round_shares_a_fold(seed: int, group: int) -> None:
    folds = {plan(seed, TOGETHER * group + place)["fold"] for place in range(TOGETHER)}
    assert len(folds) == 1


def test_a_fault_and_its_benign_twin_are_the_same_code() -> None:
    plans = [plan(1, number) for number in range(4 * BLOCK)]
    traits = {made["planned"]: {trait[0] for trait in made["shop"]["traits"]} for made in plans if not made["extra"]}
    assert traits["memory_leak"] == traits["memory_plateau"] == {"KeptSessions"}
    assert traits["disk_fill"] == traits["log_rotation"] == {"TalkativeLog"}


def judged(answers: list[tuple[float, bool]]) -> float | None:
    judge = Judge()
    for at, ok in answers:
        judge.note(at, ok)
    return judge.failed_at


def test_more_than_five_percent_wrong_is_a_failure() -> None:
    assert judged([(i / 10, i >= LEAST) for i in range(50)]) == (LEAST - 1) / 10
    assert judged([(i / 100, i % 21 != 20) for i in range(1000)]) is None


def test_a_few_wrong_answers_in_a_quiet_moment_are_no_failure() -> None:
    assert judged([(float(i), i >= LEAST - 1) for i in range(9)]) is None


def test_wrong_answers_far_apart_are_no_failure() -> None:
    assert judged([(i * WINDOW, False) for i in range(100)]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_the_first_failure_stays(steps: list[tuple[float, bool]]) -> None:
    judge, now, first = Judge(), 0.0, None
    for step, ok in steps:
        judge.note(now := now + step, ok)
        first = first if first is not None else judge.failed_at
        assert judge.failed_at == first
    judge.died(now + 1)
    assert judge.failed_at == (first if first is not None else now + 1)


def test_a_burst_rises_and_falls() -> None:
    traffic = Traffic(mean=10.0, swing=0.0, period=60.0, bursts=((20.0, 30.0, 2.0),))
    assert [traffic.rate(at) for at in (10.0, 20.0, 22.5, 35.0, 60.0)] == [10.0, 10.0, 15.0, 20.0, 10.0]
