"""A frozen miner learns nothing: what no template covers is known by the hash of its masked form, whoever sees it."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse import miner_unseen
from logwatch.parse.miner import OVERFLOW, TemplateMiner
from logwatch.parse.miner_unseen import HASHED
from logwatch.parse.template_rules import Rule, Rules

NAMES = "ann bob cid dan eve fay gus hal ivy jon kim lee".split()
KNOWN = [f"session opened for user {name} today" for name in NAMES] + [f"door {n} is open" for n in range(4)]
FRESH = [
    "no space left on device 7",
    "no space left on device 8",
    "the lamp burns",
    "the lamp of bob burns",
    *(f"word {name}{name}" for name in NAMES),
]

Cells = dict[str, bytes]


def save(miner: TemplateMiner, cells: Cells) -> Cells:
    for name, value in miner.changes():
        if value is None:
            del cells[name]
        else:
            cells[name] = value
    return cells


def learned() -> Cells:
    miner = TemplateMiner()
    miner.mine(KNOWN)
    miner.merges()
    return save(miner, {})


def frozen(cells: Cells, rules: Rules | None = None) -> TemplateMiner:
    miner = TemplateMiner(rules=rules, frozen=True)
    miner.restore(cells)
    return miner


def test_what_is_known_keeps_its_id_and_nothing_is_learned() -> None:
    online = TemplateMiner()
    online.restore(learned())
    miner, known = frozen(learned()), ["session opened for user zoe today", "door 99 is open"]
    before = len(miner)
    assert miner.mine([*known, *FRESH] * 3).tolist()[:2] == online.mine(known).tolist()
    assert (len(miner), miner.merges(), miner.retired, miner.revised) == (before, [], 0, online.revised)
    assert {name.split("/")[0] for name, _ in miner.changes()} == {"head", "unseen"}


def test_an_unseen_line_has_the_hash_of_its_masked_form_and_shows_it() -> None:
    miner = frozen(learned())
    ids = miner.mine(["no space left on device 7", "no space left on device 8", "the lamp burns"]).tolist()
    assert ids[0] == ids[1] != ids[2]
    assert all(HASHED <= id < HASHED * 2 - 8 for id in ids)
    assert [miner.text(id) for id in ids[1:]] == ["no space left on device <*>", "the lamp burns"]
    assert miner.parameters(ids[0], "no space left on device 7") == ["7"]
    assert miner.find(miner.mine(["the lamp burns"])).tolist() == ids[2:]
    assert miner.count(ids[0]) == 0
    assert miner.mine(["the lamp burns"], ["error app.Lamp"]).tolist() != ids[2:]  # another logger's


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 119), max_size=4))
def test_ids_depend_neither_on_order_nor_on_batches_nor_on_who_sees_which_lines(seed: int, cuts: list[int]) -> None:
    rng, cells = random.Random(seed), learned()
    texts = [rng.choice([*FRESH, *KNOWN]) for _ in range(120)]
    expected = dict(zip(texts, frozen(cells).mine(texts).tolist(), strict=True))
    shuffled = rng.sample(texts, len(texts))
    two, cells = [frozen(cells), frozen(cells)], dict(cells)
    for begin, end in itertools.pairwise([0, *sorted(cuts), 120]):
        part, miner = shuffled[begin:end], two[rng.randrange(2)]
        assert miner.mine(part).tolist() == [expected[text] for text in part]
        two = [frozen(save(miner, dict(cells))) if rng.random() < 0.3 else miner for miner in two]


def test_texts_survive_a_restart_and_stay_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miner_unseen, "MOST", 3)
    cells = learned()
    miner = frozen(cells)
    ids = miner.mine(FRESH).tolist()
    again = frozen(save(miner, cells))
    assert again.mine(FRESH).tolist() == ids  # past the bound as well
    assert [again.text(id) for id in ids[:5]] == [miner.text(id) for id in ids[:5]]
    assert [again.text(id) for id in ids[4:]] == ["<*>"] * (len(ids) - 4)
    assert sum(name.startswith("unseen/") for name in cells) == 3
    assert miner.overflowed == len(ids) - 4


def test_two_forms_of_one_hash_show_the_first_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miner_unseen, "SPREAD", 1)
    miner = frozen(learned())
    ids = miner.mine(["the lamp burns", "the lamp is lit", "the lamp burns"]).tolist()
    assert ids == [HASHED] * 3
    assert (miner.text(HASHED), miner.overflowed) == ("the lamp burns", 1)


def test_back_online_they_are_learned_and_what_was_known_of_them_follows() -> None:
    cells = learned()
    miner = frozen(cells)
    lamp, *words = miner.mine(["the lamp burns", *(f"the word of {name} was kept so far" for name in NAMES)]).tolist()
    online = TemplateMiner()
    online.restore(save(miner, cells))
    merges = dict(online.merges())
    ids = online.mine(["the lamp burns", *(f"the word of {name} was kept so far" for name in NAMES)]).tolist()
    for old, new in zip((lamp, *words), ids, strict=True):
        while old in merges:
            old = merges[old]
        assert old == new
    assert len(set(ids)) == 2
    assert OVERFLOW not in ids
    assert not [name for name in save(online, cells) if name.startswith("unseen/")]
    again = TemplateMiner()
    again.restore(cells)
    assert again.mine(["the lamp burns"]).tolist() == ids[:1]
    assert again.text(ids[0]) == "the lamp burns"


def test_under_other_rules_they_are_given_up() -> None:
    cells, rules = learned(), Rules([Rule("mask", "lamp")])
    miner = frozen(cells)
    (old,) = miner.mine(["the lamp burns"]).tolist()
    miner = frozen(save(miner, cells), rules)
    assert (old, OVERFLOW) in miner.merges()
    assert miner.text(old) == "<*>"
    assert miner.mine_keys(*_keyed(rules, "the lamp burns")).tolist() != [old]
    assert not [name for name in save(miner, dict(cells)) if name == f"unseen/{old}"]


def _keyed(rules: Rules, text: str) -> tuple[list[str], np.ndarray[Any, Any]]:
    return rules.keys([text], [""]), np.zeros(1, np.int32)


def test_odd_lines_have_ids_too() -> None:
    miner = frozen({})
    ids = miner.mine(["", " ", "\x00\x01", "<*>", "a\nb", "x" * 30_000, "7", "\ud800"]).tolist()
    assert all(id >= HASHED for id in ids)
