"""Agreement of groups, and what went wrong where they do not agree."""

from __future__ import annotations

import pytest

from logwatch.parse.agreement import agreement, confusions


def test_only_exact_groups_count() -> None:
    found = agreement([1, 1, 2, 2, 3], ["a", "a", "b", "b", "b"])
    assert found.accuracy == pytest.approx(2 / 5)
    assert found.f1 == pytest.approx(2 / 5)  # one of three found, of two true


def test_nothing_agrees_with_nothing() -> None:
    assert agreement([], []) == (0.0, 0.0)


def test_confusions_gather_what_is_linked_and_leave_out_what_is_right() -> None:
    split, merged = confusions([1, 2, 2, 3, 3, 4], ["a", "a", "a", "b", "c", "d"])
    assert (split.lines, split.statements, split.templates) == (3, 1, 2)
    assert [(part.statement, part.template, part.lines, part.first) for part in split.parts] == [
        ("a", 2, 2, 1),
        ("a", 1, 1, 0),
    ]
    assert (merged.lines, merged.statements, merged.templates) == (2, 2, 1)


def test_a_chain_of_splits_and_merges_is_one_confusion() -> None:
    (chain,) = confusions([1, 1, 2, 2, 3], ["a", "b", "b", "c", "c"])
    assert (chain.lines, chain.statements, chain.templates) == (5, 3, 3)
