"""The miner on streams: exact in stream order, whatever the batches; a cache that changes nothing; bounds."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse import miner_budget, template_rows
from logwatch.parse.miner import OVERFLOW, TemplateMiner

NAMES = "ann bob cid dan eve fay gus hal ivy jon kim lee".split()
VERBS = "start stop create_user list_user drop_user".split()


def stream(seed: int, lines: int) -> list[str]:
    """Lines of a few statements with numbers, names, lists and paths at their variables."""
    rng = random.Random(seed)
    name, number = lambda: rng.choice(NAMES), lambda: rng.randrange(10 ** rng.randrange(1, 9))
    statements = [
        lambda: f"session opened for user {name()} by (uid={number()})",
        lambda: f"login of {name()} from host {name()}-laptop failed after {number()} tries",
        lambda: f"{rng.choice(VERBS)} took {number()} ms",
        lambda: f"queue {name()} holds {', '.join(str(number()) for _ in range(rng.randrange(1, 5)))} items",
        lambda: f"cannot open /var/{name()}/{number()}.log: {rng.choice(['no such file', 'permission denied'])}",
        lambda: f"peer {rng.choice(['localhost', '10.0.0.7', 'db.example.org'])} is {rng.choice(['up', 'down'])} again",
        lambda: f"{name()} {name()} {name()}",
        lambda: rng.choice(["", "----", "idle", "\x00\x01", "né à Zürich", "a\nb"]),
    ]
    return [rng.choice(statements)() for _ in range(lines)]


def cut(texts: list[str], at: list[int]) -> list[list[str]]:
    places = [0, *sorted(place % (len(texts) + 1) for place in at), len(texts)]
    return [texts[a:b] for a, b in itertools.pairwise(places)]


def test_lines_of_one_statement_share_an_id_and_others_do_not() -> None:
    miner = TemplateMiner()
    ids = miner.mine(["started worker 1", "started worker 22", "stopped worker 1", "started worker 333"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [1, 1, 2, 1]
    assert (miner.text(1), miner.parameters(1, "started worker 22")) == ("started worker <*>", ["22"])
    assert (len(miner), miner.count(1)) == (2, 3)


def test_a_merge_keeps_the_oldest_id_and_tells() -> None:
    miner = TemplateMiner()
    ids = miner.mine([f"session opened for user {name} today" for name in NAMES])
    assert ids.tolist() == [1, 2, 3, *[1] * 9]
    assert miner.merges() == [(2, 1), (3, 1)]
    assert miner.merges() == []
    assert miner.find(ids).tolist() == [1] * 12
    assert miner.text(3) == "session opened for user <*> today"
    assert (miner.revised, miner.count(3), len(miner)) == (2, 12, 1)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 400), max_size=12), st.booleans())
def test_ids_do_not_depend_on_batches(seed: int, at: list[int], scoped: bool) -> None:
    texts = stream(seed, 400)
    scopes = [random.Random(text).choice(["", "app.db", "app.web"]) for text in texts]
    whole, parts = TemplateMiner(), TemplateMiner()
    expected = whole.mine(texts, scopes if scoped else None)
    places = cut(list(range(400)), at)
    got = [parts.mine([texts[i] for i in p], [scopes[i] for i in p] if scoped else None) for p in places]
    assert np.concatenate(got).tolist() == expected.tolist()
    assert parts.merges() == whole.merges()
    assert (parts.revised, len(parts)) == (whole.revised, len(whole))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(8, 40))
def test_the_cache_changes_nothing(seed: int, most: int) -> None:
    texts = stream(seed, 300)
    cached, forgetful = TemplateMiner(most), TemplateMiner(most)
    expected = cached.mine(texts)
    got: list[int] = []
    for text in texts:
        forgetful.forget_cached()
        got += forgetful.mine([text]).tolist()
    assert got == expected.tolist()
    assert forgetful.merges() == cached.merges()


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_merge_is_one_way_and_reaches_every_line(seed: int) -> None:
    miner = TemplateMiner()
    ids = miner.mine(stream(seed, 400))
    final = miner.find(ids)
    assert (final <= ids).all()
    assert (miner.find(final) == final).all()
    assert miner.revised == int((final != ids).sum())
    assert sum(miner.count(id) for id in set(final.tolist())) == 400


def test_first_ids_come_in_order_of_appearance() -> None:
    ids = TemplateMiner().mine(stream(5, 500)).tolist()
    assert sorted(dict.fromkeys(ids)) == list(dict.fromkeys(ids))


def test_the_table_is_bounded_and_the_least_recently_seen_are_retired() -> None:
    miner = TemplateMiner(max_templates=16)
    words = ["".join(pair) for pair in zip("abcdefghijklmnopqrst" * 2, "bcdefghijklmnopqrstu" * 2, strict=True)][:20]
    ids = miner.mine([word for name in words for word in (name, "the busy one")])
    assert len(miner) <= 16
    assert miner.retired > 0
    retired = [loser for loser, winner in miner.merges() if winner == OVERFLOW]
    assert retired[0] == ids[0]
    assert miner.find(ids)[0] == OVERFLOW
    assert set(ids[1::2].tolist()) == {ids[1]}  # seen all the time: never retired


def test_lines_of_one_length_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logwatch.parse.template_table.MAX_ROWS", 20)
    miner = TemplateMiner()
    rng = random.Random(1)
    miner.mine(["".join(rng.choices("abcdefgh", k=9)) for _ in range(200)])
    assert len(miner) <= 20
    assert template_rows.MAX_ROWS > 20


def test_a_stream_of_fresh_words_is_learned_at_a_bounded_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miner_budget, "BURST", 50)
    miner = TemplateMiner()
    rng = random.Random(2)
    junk = [" ".join("".join(rng.choices("abcdefgh", k=9)) for _ in range(5)) for _ in range(1_600)]
    ids = miner.mine(junk)
    assert miner.overflowed == int((ids == OVERFLOW).sum())
    assert len(miner) <= 50 + 1_600 // miner_budget.LINES_PER_TURN
    assert miner.text(OVERFLOW) == "<*>"
    assert miner.mine(["one more of these"] * 20).tolist()[-1] != OVERFLOW  # earned a turn meanwhile


def test_fresh_words_at_one_place_do_not_overflow() -> None:
    miner = TemplateMiner()
    rng = random.Random(3)
    lines = [f"wrong password for {''.join(rng.choices('abcdefgh', k=9))} on the console" for _ in range(20_000)]
    miner.mine(lines)
    assert (len(miner), miner.overflowed) == (1, 0)


@given(st.lists(st.text(max_size=40), max_size=30))
def test_any_text_is_mined(texts: list[str]) -> None:
    miner = TemplateMiner()
    ids = miner.mine(texts)
    assert len(ids) == len(texts)
    for id, text in zip(miner.find(ids).tolist(), texts, strict=True):
        assert len(miner.parameters(id, text)) == miner.text(id).count("<*>")


def test_hostile_lines_are_mined() -> None:
    rng = random.Random(4)
    base64 = "".join(rng.choices("ABCDEFabcdef+/0123456789", k=30_000))
    lines = [" " * 1_000_000, base64, '{"a":' * 5_000, "<*> <num>", "\x1b[31mred\x1b[0m", "-" * 9_000, "= " * 9_000]
    miner = TemplateMiner()
    assert (miner.mine(lines) != OVERFLOW).all()
