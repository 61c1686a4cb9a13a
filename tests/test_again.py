"""Tries that are put off: ever longer waits, and few words."""

from __future__ import annotations

from logwatch.again import Again


def test_waits_grow_to_half_a_minute() -> None:
    again, now, waits = Again(), 100.0, []
    for _ in range(7):
        again.failed("broken", now)
        assert not again.begins(now + again.wait - 0.01)
        now += again.wait
        assert again.waiting
        assert again.begins(now)
        assert not again.waiting
        assert not again.begins(now + 1000)
        waits.append(again.wait)
    assert waits == [1, 2, 5, 10, 30, 30, 30]


def test_it_is_said_at_each_longer_wait_and_where_the_reason_changes() -> None:
    again = Again()
    reasons = ["read 5 of 9"] * 5 + ["read 7 of 9", "read 8 of 9", "no right", "no right", "read 8 of 9"]
    told = [again.failed(reason, 0.0) for reason in reasons]
    assert told == [True] * 5 + [False, False, True, False, True]


def test_what_never_failed_is_not_due() -> None:
    again = Again()
    assert (again.begins(1e9), again.waiting, again.failures) == (False, False, 0)
