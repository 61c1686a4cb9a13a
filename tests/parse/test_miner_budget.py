"""How often the miner learns: at once where a program is new, seldom in a flood, and never so that ids run out."""

from __future__ import annotations

from logwatch.parse.miner_budget import BURST, LINES_PER_TURN, Budget


def test_a_new_program_is_learned_at_once_and_a_flood_at_a_fixed_rate() -> None:
    budget = Budget()
    assert all(budget.take(0, 0.0) for _ in range(BURST))
    assert sum(budget.take(line, 0.0) for line in range(1, 16_001)) == 16_000 // LINES_PER_TURN


def test_a_flood_of_hours_leaves_ids_for_later_years() -> None:
    budget, ids, most = Budget(), 0, 20_000
    for line in range(0, 400 * most, LINES_PER_TURN):  # a lasting flood, each line new
        ids += budget.take(line, ids / most)
    assert ids < 0.9 * most
    assert budget.take(600 * most, ids / most)  # a new statement after it is learned
