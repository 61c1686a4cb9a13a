"""Weights follow their templates: through merges and evictions, and to other machines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from logwatch.score.lstm_model import Parameters, Shape, embedding
from logwatch.score.model_weights import Here, Weights, arranged, for_elsewhere, from_elsewhere, kept, misfit
from logwatch.score.vocabulary import Vocabulary

SHAPE = Shape(capacity=12, hidden=16, width=16)
TEXTS = {i: f"job {'abcdefghijklmnop'[i]} began" for i in range(16)}


def here(*ids: int, texts: dict[int, str] = TEXTS) -> Here:
    vocabulary = Vocabulary(texts.__getitem__, SHAPE.capacity, SHAPE.width)
    for chunk, id in enumerate(ids, 1):
        vocabulary.learn(np.array([id]), chunk)
    return Here(SHAPE, vocabulary, texts.__getitem__)


def random(seed: int = 0) -> torch.Tensor:
    p = Parameters(SHAPE)
    p.flat.copy_(torch.randn(p.flat.shape, generator=torch.Generator().manual_seed(seed)))
    return p.flat


def vectors(flat: torch.Tensor, at: Here) -> dict[int, tuple[float, ...]]:
    """Of each template the vector that the network sees, and its bias."""
    p, base = Parameters(SHAPE, flat), torch.from_numpy(at.vocabulary.base)
    rows = torch.cat([embedding(p, base), p.bias[:, None]], dim=1)
    return {int(id): tuple(rows[slot].tolist()) for slot, id in enumerate(at.vocabulary.ids) if id >= 0}


def test_nothing_changed_is_nothing_moved() -> None:
    at, flat = here(3, 1, 2), random()
    again = arranged(kept(flat, at.vocabulary, SHAPE), at.vocabulary, SHAPE)
    used = Parameters(SHAPE).used(at.vocabulary.size)
    assert torch.equal(again[:used], flat[:used])


def test_weights_follow_templates_whose_slots_changed_hands() -> None:
    at, flat = here(*range(1, 12)), random()
    before, old = vectors(flat, at), kept(flat, at.vocabulary, SHAPE)
    at.vocabulary.learn(np.array([13, 14, 5]), 50)  # two are squeezed out
    at.vocabulary.merged([(7, 8)])
    now = vectors(arranged(old, at.vocabulary, SHAPE), at)
    gone = set(before) - set(now)
    assert len(gone) == 3
    assert 7 in gone
    assert all(now[id] == before[id] for id in now if id < 13)
    floor = min(one[-1] for id, one in now.items() if id < 13)
    assert {now[13][-1], now[14][-1]} == {np.float32(floor)}


@given(st.permutations(range(1, 10)), st.integers(0, 9))
def test_on_another_machine_each_template_has_the_vector_that_it_had(order: list[int], left_out: int) -> None:
    one, flat = here(1, 2, 3, 4, 5), random()
    named, ids = for_elsewhere(flat, one)
    names = {100 + id: TEXTS[id] for id in range(16)}
    there = here(*(100 + id for id in order if id != left_out), texts=names)
    weights = from_elsewhere(named, [TEXTS[id] if id > 0 else "" for id in ids], there)
    moved, was = vectors(arranged(weights, there.vocabulary, SHAPE), there), vectors(flat, one)
    for id in set(was) - {left_out}:
        np.testing.assert_allclose(moved[100 + id], was[id], atol=1e-5)


def test_templates_that_come_later_are_known_by_their_words() -> None:
    one, flat = here(1, 2, 3), random()
    named, ids = for_elsewhere(flat, one)
    there = here(1)
    weights = Weights.read(from_elsewhere(named, [TEXTS[id] if id > 0 else "" for id in ids], there).cell())
    there.vocabulary.learn(np.array([3, 9]), 7)
    moved, was = vectors(arranged(weights, there.vocabulary, SHAPE), there), vectors(flat, one)
    np.testing.assert_allclose(moved[3], was[3], atol=1e-5)
    assert moved[9][-1] == min(moved[1][-1], moved[3][-1])


def test_weights_of_another_network_are_refused() -> None:
    named, ids = for_elsewhere(random(), here(1, 2))
    assert misfit(named, len(ids), SHAPE) == ""
    assert "slots" in misfit(named, 13, SHAPE)
    assert "'w_rec'" in misfit({**named, "w_rec": named["w_rec"][:-1]}, len(ids), SHAPE)
    assert "'w_in'" in misfit({**named, "w_in": named["w_in"].astype(np.float64)}, len(ids), SHAPE)
    del named["b_in"]
    with pytest.raises(ValueError, match="b_in"):
        from_elsewhere(named, ["", "a", "b"], here(1))
