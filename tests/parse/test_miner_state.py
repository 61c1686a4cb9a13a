"""The miner's cells: interrupted anywhere and restored, it goes on bit-equally."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import StateCorrupt
from logwatch.parse.mask import ANY
from logwatch.parse.miner import TemplateMiner

WORDS = "red green blue pink grey black white brown amber ochre".split()


def stream(seed: int, lines: int) -> list[str]:
    rng = random.Random(seed)
    word = lambda: rng.choice(WORDS)  # noqa: E731
    forms = [
        lambda: f"paint the door {word()} again {rng.randrange(99)}",
        lambda: f"{word()} and {word()} were mixed by user {word()}",
        lambda: f"wall {rng.randrange(10**6)} is {word()} {word()} {word()}",
        lambda: "".join(rng.choices("abcdef", k=4)),
    ]
    return [rng.choice(forms)() for _ in range(lines)]


def save(miner: TemplateMiner, cells: dict[str, bytes]) -> None:
    for name, value in miner.changes():
        if value is None:
            del cells[name]
        else:
            cells[name] = value


def restored(cells: dict[str, bytes], most: int) -> TemplateMiner:
    miner = TemplateMiner(most)
    miner.restore(cells)
    return miner


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 399), min_size=1, max_size=5), st.sampled_from([12, 40, 20_000]))
def test_restored_from_its_cells_it_goes_on_bit_equally(seed: int, at: list[int], most: int) -> None:
    texts = stream(seed, 400)
    whole = TemplateMiner(most)
    expected = whole.mine(texts).tolist()
    cells: dict[str, bytes] = {}
    miner, got = TemplateMiner(most), []
    places = [0, *sorted(at), 400]
    for begin, end in itertools.pairwise(places):
        got += miner.mine(texts[begin:end]).tolist()
        save(miner, cells)
        miner = restored(cells, most)
    assert got == expected
    assert miner.merges() == whole.merges()  # not taken yet: part of the state
    final = range(max(expected) + 1)
    assert [miner.text(id) for id in final] == [whole.text(id) for id in final]
    assert [miner.count(id) for id in final] == [whole.count(id) for id in final]
    assert (miner.revised, miner.retired, len(miner)) == (whole.revised, whole.retired, len(whole))


def test_cells_of_one_run_and_of_a_resumed_one_are_equal() -> None:
    texts = stream(1, 600)
    whole = TemplateMiner()
    whole.mine(texts)
    expected: dict[str, bytes] = {}
    save(whole, expected)
    cells: dict[str, bytes] = {}
    miner = TemplateMiner()
    for begin in range(0, 600, 200):
        miner.mine(texts[begin : begin + 200])
        save(miner, cells)
        miner = restored(cells, 20_000)
    assert cells == expected


def test_nothing_is_written_where_nothing_changed() -> None:
    miner = TemplateMiner()
    miner.mine(stream(2, 100))
    assert list(miner.changes())
    assert list(miner.changes()) == []


def test_known_lines_dirty_counts_but_no_patterns() -> None:
    miner = TemplateMiner()
    miner.mine(["all is well 1"])
    save(miner, {})
    miner.mine(["all is well 2"])
    assert [name for name, _ in miner.changes()] == ["head", "ids/0"]


def test_a_pattern_widened_over_a_younger_one_empties_the_cache() -> None:
    words = [
        ("m", ANY, "red", "t", "u"),
        *(("m", "x", word, "t", "u") for word in WORDS[1:5]),
        ("m", "q", "z", ANY, "u"),
    ]
    miner, cells = TemplateMiner(), {}
    miner.mine([f"{name} is here" for name in WORDS[:6]])
    save(miner, cells)
    cells["patterns/0"] = json.dumps([[id, "", row, ["", *" " * 4, ""]] for id, row in enumerate(words, 1)]).encode()
    miner = restored(cells, 20_000)
    assert miner.mine(["m q z t u"]).tolist() == [6]
    assert miner.mine(["m x amber t u", "m q z t u"]).tolist() == [1, 1]
    assert miner.text(1) == "m <*> <*> t u"


def test_many_ids_are_restored() -> None:
    rng = random.Random(5)
    texts = ["".join(rng.choices("abcdefghij", k=8)) for _ in range(1_500)]
    miner, cells = TemplateMiner(), {}
    ids = miner.mine(texts)
    save(miner, cells)
    assert restored(cells, 20_000).mine(texts).tolist() == ids.tolist()


def test_cells_of_another_version_are_refused() -> None:
    with pytest.raises(StateCorrupt, match="version 99"):
        TemplateMiner().restore({"head": json.dumps({"v": 99}).encode()})
