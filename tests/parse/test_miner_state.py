"""The miner's cells: interrupted anywhere and restored, it goes on bit-equally."""

from __future__ import annotations

import itertools
import json
import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from logwatch.errors import StateCorrupt
from logwatch.parse.mask import ANY
from logwatch.parse.miner import TemplateMiner

WORDS = "red green blue pink grey black white brown amber ochre".split()


def stream(seed: int, lines: int) -> list[str]:
    rng = random.Random(seed)
    word = partial(rng.choice, WORDS)
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


@settings(max_examples=15)
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
    rest = ("will", "be", "painted", "by", "us")
    words = [
        ("door", ANY, "red", *rest),
        *(("door", "x", f"{word}_{word}", *rest) for word in WORDS[1:5]),
        ("door", "q", "z", ANY, *rest[1:]),
    ]
    miner, cells = TemplateMiner(), {}
    miner.mine([f"{name} is here" for name in WORDS[:6]])
    save(miner, cells)
    cells["patterns/0"] = json.dumps([[id, "", row, ["", *" " * 7, ""]] for id, row in enumerate(words, 1)]).encode()
    miner = restored(cells, 20_000)
    assert miner.mine(["door q z will be painted by us"]).tolist() == [6]
    lines = ["door x an_amber will be painted by us", "door q z will be painted by us"]
    assert miner.mine(lines).tolist() == [1, 1]
    assert miner.text(1) == "door <*> <*> will be painted by us"


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


def test_cells_of_the_version_before_are_carried_over() -> None:
    words = [
        (["user", "\x00", "said", "yes", "to", "\x00"], ["", "=", " ", " ", " ", " ", ""]),
        (["user", "ann", "said", "yes", "to", "\x01"], ["", "=", " ", " ", " ", " ", ""]),
        (["user", "bob", "said", "yes", "to", "\x00"], ["", "=", " ", " ", " ", " ", ""]),
        (["door\x00", "is", "open"], ["", " ", " ", ""]),
    ]
    miner, cells = TemplateMiner(), {}
    miner.mine([f"{name} was here first of all" for name in WORDS[: len(words)]])
    save(miner, cells)
    head = json.loads(cells["head"]) | {"v": 2}
    cells["head"] = json.dumps(head).encode()
    cells["patterns/0"] = json.dumps([[id, "", *row] for id, row in enumerate(words, 1)]).encode()
    miner = restored(cells, 20_000)
    assert miner.merges() == [(2, 1), (3, 1)]
    assert (len(miner), miner.count(1)) == (2, 3)
    assert miner.mine(["user=eve said yes to /b/7", "door9 is open"]).tolist() == [1, 4]
    save(miner, cells)
    assert json.loads(cells["head"])["v"] == 4
    assert restored(cells, 20_000).mine(["user=joe said yes to 8"]).tolist() == [1]


def test_cells_without_levels_are_carried_over() -> None:
    rows = [
        ("a.Door", ["door", "\x00"], ["", " ", ""]),
        ("a.Door", ["opened"], ["", ""]),
        ("b.Door", ["opened"], ["", ""]),
        ("a.Door", ["\x00"], ["", ""]),
        ("a.Door", ["failed", "\x04"], ["", ": ", ""]),
        ("a.Door", ["bolt", "state", "\x00"], ["", " ", "=", ""]),  # perhaps `state=1 by=ann at=7`
        ("a.Door", ["bolt", "state", "\x00", "by", "\x00"], ["", " ", "=", " ", "=", ""]),
    ]
    miner, cells = TemplateMiner(), {}
    miner.mine([f"{name} was here first of all" for name in WORDS[: len(rows)]])
    save(miner, cells)
    cells["head"] = json.dumps(json.loads(cells["head"]) | {"v": 3}).encode()
    cells["patterns/0"] = json.dumps([[id, *row] for id, row in enumerate(rows, 1)]).encode()
    miner = restored(cells, 20_000)
    assert miner.merges() == []
    assert miner.lost.tolist() == [2, 3, 4, 6]
    today = {"head": json.dumps(json.loads(cells["head"]) | {"v": 4}).encode()}
    assert restored(cells | today, 20_000).lost.tolist() == []
    told = ["door 7", "opened", "7", "failed: nobody is there"]
    assert miner.mine(told, ["info a.Door"] * 4).tolist() == [1, 8, 9, 5]  # which logger's or level's is not known
    assert miner.mine(told, ["a.Door"] * 4).tolist() == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("line", "words", "separators"),
    [
        ("left user ann 10.0.0.7 port 22", ["left", "user", "\x01", "\x00", "port", "\x00"], ["", *" " * 5, ""]),
        (
            'refused, request: "GET /a/b HTTP/1.1", host: "shop"',
            ["refused", "request", "GET", "\x00", "host", "\x00"],
            ["", ", ", ': "', " ", '", ', ": ", ""],
        ),
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_what_is_masked_is_not_masked_twice_and_follows_lines_that_have_a_level_now(
    line: str, words: list[str], separators: list[str], version: int
) -> None:
    miner, cells = TemplateMiner(), {}
    miner.mine(["the first line of all"])
    save(miner, cells)
    cells["head"] = json.dumps(json.loads(cells["head"]) | {"v": version}).encode()
    cells["patterns/0"] = json.dumps([[1, "", words, separators]]).encode()
    with capture_logs() as said:
        miner = restored(cells, 20_000)
    assert miner.mine([line], ["warning "]).tolist() == [1]
    assert [(one["templates"], one["merged"], one["lost"]) for one in said] == [(1, 0, 0)]
