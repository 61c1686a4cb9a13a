"""The vocabulary: bounded, deterministic, follows merges, comes back from its cells."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logwatch.score.vocabulary import TRIAL, UNKNOWN, Vocabulary, text_vector


def vocabulary(capacity: int = 8) -> Vocabulary:
    return Vocabulary(lambda i: f"text {i}", capacity, 16)


def slots(v: Vocabulary, *ids: int) -> list[int]:
    found: list[int] = v.slots(np.array(ids)).tolist()
    return found


def test_similar_texts_have_similar_vectors() -> None:
    one, like, other = (text_vector(t, 32) for t in ("disk <*> is full", "disk <*> is almost full", "user logged in"))
    assert one @ like > 0.7 * np.linalg.norm(one) * np.linalg.norm(like)
    assert abs(one @ other) < 0.6 * np.linalg.norm(one) * np.linalg.norm(other)
    assert not text_vector("<*>", 32).any()


def test_templates_are_admitted_by_frequency_then_by_appearance() -> None:
    v = vocabulary()
    fresh = v.learn(np.array([30, 10, 20, 10, 20, 20]), 1)
    assert slots(v, 20, 10, 30) == [1, 2, 3]
    assert fresh.tolist() == [1, 2, 3]
    assert slots(v, 99, -1, 10**12) == [UNKNOWN] * 3


def test_the_least_recently_used_gives_way() -> None:
    v = vocabulary(capacity=4)
    v.learn(np.array([1, 2, 3]), 1)
    v.learn(np.array([1, 3]), 2)
    assert v.learn(np.array([3, 7]), 3).tolist() == slots(v, 7)
    assert slots(v, 2) == [UNKNOWN]
    assert UNKNOWN not in slots(v, 1, 3, 7)


def test_a_chunk_with_more_templates_than_slots_leaves_the_rest_unknown() -> None:
    v = vocabulary(capacity=4)
    v.learn(np.array([5, 6, 7, 8, 9]), 1)
    assert sorted(slots(v, 5, 6, 7, 8, 9)) == [0, 0, 1, 2, 3]


def test_a_merge_renames_or_joins() -> None:
    v = vocabulary()
    v.learn(np.array([1, 2, 3]), 1)
    one, two, three = slots(v, 1, 2, 3)
    v.merged([(1, 50)])
    assert slots(v, 1, 50) == [one, one]
    v.merged([(2, 3)])
    assert slots(v, 2, 3) == [three, three]
    assert v.ids[two] == -1
    v.merged([(3, 50)])
    assert slots(v, 1, 2, 3, 50) == [one] * 4
    assert v.learn(np.array([60]), 2)[0] in (two, three)


def test_the_slot_of_a_retired_template_is_free() -> None:
    v = vocabulary()
    v.learn(np.array([1, 2]), 1)
    one, two = slots(v, 1, 2)
    v.merged([(1, 7), (1, 0), (7, 0)])
    assert slots(v, 0, 1, 7, 2) == [UNKNOWN, UNKNOWN, UNKNOWN, two]
    assert v.active().tolist() == [False, False, True]
    assert v.learn(np.array([0]), 2).tolist() == [one]
    assert v.base[one].tolist() == text_vector("text 0", 16).tolist()
    v.merged([(2, 0)])  # where lines without a template have a slot too, it is no other one's
    assert slots(v, 0, 2) == [one, UNKNOWN]


def test_ids_beyond_the_table_are_found() -> None:
    v = vocabulary()
    v.learn(np.array([3, 2**31 - 5]), 1)
    assert slots(v, 2**31 - 5, 3, 2**31 - 6, -7) == [2, 1, 0, 0]


@given(st.lists(st.tuples(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(0, 30)), max_size=12))
def test_it_goes_on_from_its_cells(chunks: list[tuple[list[int], int]]) -> None:
    one, other = vocabulary(), vocabulary()
    cells: dict[str, bytes] = {}
    for number, (ids, winner) in enumerate(chunks):
        for v in (one, other):
            v.merged([(ids[0], winner)] if ids[0] != winner else [])
            v.learn(np.array(ids), number)
        cells |= {name: cell for name, cell in other.changes() if cell is not None}
        other = vocabulary()
        other.restore(cells)
        assert (one.slots(np.arange(31)) == other.slots(np.arange(31))).all()
        assert (one.base[: one.size] == other.base[: other.size]).all()
    held = one.ids[one.ids >= 0]
    assert len(set(held.tolist())) == len(held)


def test_templates_from_elsewhere_have_slots_at_once_and_lose_them_where_they_never_come() -> None:
    v = vocabulary()
    v.begin_with([31, 32, 33])
    assert slots(v, 31, 32, 33) == [1, 2, 3]
    assert v.active().tolist() == [False, True, True, True]
    for chunk in range(1, TRIAL):
        assert v.learn(np.array([32, 40]), chunk).tolist() == ([4] if chunk == 1 else [])
    assert v.learn(np.array([32, 33]), TRIAL).tolist() == [1, 3]  # 33 comes just now: it begins anew, in a free slot
    assert slots(v, 31, 32, 33, 40) == [UNKNOWN, 2, 1, 4]
    assert v.learn(np.array([31]), TRIAL + 1).tolist() == slots(v, 31)


def test_what_was_learned_here_is_not_on_trial() -> None:
    v = vocabulary()
    for chunk in range(1, 2 * TRIAL):
        v.learn(np.array([7 if chunk == 1 else 8]), chunk)
    assert slots(v, 7, 8) == [1, 2]
