"""Evidence ages by the lines of its own statement: a week of stream is no coarser than its first hour."""

from __future__ import annotations

import itertools
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse.miner import TemplateMiner
from logwatch.parse.miner_ids import AGELESS, PAGE, ROW, SPAN, Ids

STATES = ("opened", "closed")


def fresh(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefghijklm", k=7))


def link(rng: random.Random) -> str:
    return f"the link to the peer was {rng.choice(STATES)} again"


def spoilt(rng: random.Random) -> str:
    return f"the link to the peer was {fresh(rng)} again"


def stream(every: int, lines: int) -> list[str]:
    """Two statements that differ in a word; one line in so many is spoilt at this place."""
    rng = random.Random(1)
    return [spoilt(rng) if i % every == every - 1 else link(rng) for i in range(lines)]


def test_lines_spoilt_now_and_then_never_make_a_variable() -> None:
    miner = TemplateMiner()
    ids = miner.find(miner.mine(stream(2 * SPAN, 40 * SPAN)))
    assert len(set(ids[np.arange(len(ids)) % (2 * SPAN) != 2 * SPAN - 1].tolist())) == len(STATES)


def test_as_many_values_at_once_make_one() -> None:
    miner, rng = TemplateMiner(), random.Random(1)
    ids = miner.mine(stream(2 * SPAN, 2 * SPAN) + [spoilt(rng) for _ in range(20)])
    assert len(set(miner.find(ids).tolist())) == 1


def test_a_rare_statement_shows_its_variable_over_any_time() -> None:
    miner, rng = TemplateMiner(), random.Random(1)
    ids = miner.mine([spoilt(rng) if i % SPAN == 0 else f"all is well on shard {i}" for i in range(30 * SPAN)])
    assert len(set(miner.find(ids[::SPAN]).tolist())) == 1


def test_tails_seen_now_and_then_do_not_make_one_of_statements() -> None:
    miner, rng = TemplateMiner(), random.Random(1)
    usual = ["could not open the file: no such file"]
    lines = [
        f"could not open the file: {' '.join(fresh(rng) for _ in range(rng.randrange(2, 9)))}"
        if i % (4 * SPAN) == 4 * SPAN - 1
        else rng.choice(usual)
        for i in range(40 * SPAN)
    ]
    assert len(set(miner.find(miner.mine(lines))[-SPAN + 1 : -1].tolist())) == 1
    assert len(miner) > 2


@settings(max_examples=10)
@given(st.lists(st.integers(0, 6 * SPAN), max_size=4), st.booleans())
def test_ageing_does_not_depend_on_batches_nor_on_restarts(at: list[int], restarted: bool) -> None:
    lines = stream(SPAN // 8, 6 * SPAN)
    whole = TemplateMiner()
    expected = whole.mine(lines).tolist()
    miner, cells, got = TemplateMiner(), dict[str, bytes](), list[int]()
    for begin, end in itertools.pairwise([0, *sorted(at), len(lines)]):
        got += miner.mine(lines[begin:end]).tolist()
        cells |= {name: cell for name, cell in miner.changes() if cell is not None}
        if restarted:
            miner = TemplateMiner()
            miner.restore(cells)
    assert got == expected
    assert miner.merges() == whole.merges()


@given(st.lists(st.integers(1, 3), min_size=1, max_size=400), st.integers(1, 50))
def test_the_line_of_a_span_is_exact(seen: list[int], batch: int) -> None:
    rounds = np.array(seen * (SPAN // 40), np.int32)
    ids = Ids()
    for _ in range(4):
        ids.new()
    for begin in range(0, len(rounds), batch * 37):
        ids.seen(rounds[begin : begin + batch * 37], begin)
    for id in (1, 2, 3):
        lines = np.flatnonzero(rounds == id)
        passed = len(lines) // SPAN * SPAN
        assert ids.rows["since"][id] == (lines[passed - 1] if passed else 0)


def test_pages_of_earlier_versions_are_read() -> None:
    old = np.zeros(PAGE, AGELESS)
    old["parent"] = np.arange(PAGE)
    old["parent"][3] = 1
    old["lines"][1], old["last"][1] = 900, 77
    ids = Ids()
    ids.restore(4, {0: old.tobytes()})
    assert ids.root[:4].tolist() == [0, 1, 2, 1]
    assert (ids.rows["lines"][1], ids.rows["last"][1], ids.rows["since"][1]) == (900, 77, 0)
    ids.seen(np.array([1], np.int32), 78)
    assert [len(page) for _, page in ids.changes()] == [PAGE * ROW.itemsize]
    assert ids.recent(np.array([1, 2], np.int32)).all()
