"""Lines that mean harm, or that no cache knows: mined in bounded tables, and never another answer."""

from __future__ import annotations

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from logwatch.parse.mask import VARIABLE, collapse, masked
from logwatch.parse.miner import OVERFLOW, TemplateMiner
from logwatch.parse.miner_cache import MAX_HOLES, Holed
from tests.benchmarks.hostile import bad_lines

TOKENS = st.sampled_from(
    "peer 10.0.0.7 for port 22 at (idle) user= x=1 -> : :: [ ] Mon May 5 ms null /var/log a.b.c: INFO - 'q' <*> <num> "
    "0xdeadbeef {} \x1b[31m node-1 ok, was:up java.net.Client: host:80 + a/b/c _ %".split()
)
WORDS = st.text("abcdefgmst", min_size=1, max_size=9)


def rest(text: str) -> str:
    """The text with its plain words as holes, where `Holed` would remember its answer."""
    found = Holed()
    form = found.rest(text, ())
    found.put_rest(form, 1)
    return form if found else ""


@settings(max_examples=400)
@given(st.lists(TOKENS | WORDS, max_size=12), st.lists(WORDS, min_size=MAX_HOLES, max_size=MAX_HOLES))
@example(["0", "ms", "ab"], ["ms", "sec", "day"])
def test_fresh_words_change_nothing_in_how_a_remembered_rest_is_masked(tokens: list[str], words: list[str]) -> None:
    (key,) = collapse([" ".join(tokens)])
    form = rest(key)
    parts = form.split(VARIABLE)
    other = "".join(part + word for part, word in zip(parts, [*words[: len(parts) - 1], ""], strict=True))
    if not form or rest(other) != form:
        return
    mine = [masked(text) for text in (key, other)]
    fresh = [[w for w in text.split(" ") if w not in form.split(" ")] for text in (key, other)]
    marked = [_without(text, found) for text, found in zip(mine, fresh, strict=True)]
    assert marked[0] == marked[1]


def _without(text: str, words: list[str]) -> list[str]:
    return ["HOLE" if word in words else word for word in text.split(" ")]


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.lists(st.lists(TOKENS, min_size=2, max_size=6), min_size=2, max_size=5))
def test_what_is_remembered_changes_no_answer(seed: int, forms: list[list[str]]) -> None:
    rng = random.Random(seed)

    def line() -> str:
        tokens = list(rng.choice(forms))
        for _ in range(rng.randrange(3)):
            tokens.insert(rng.randrange(len(tokens) + 1), "".join(rng.choices("abcdefgmst", k=rng.randrange(1, 7))))
        return " ".join(tokens)

    lines = [line() for _ in range(200)]
    whole, forgetful = TemplateMiner(), TemplateMiner()
    expected = whole.mine(lines).tolist()
    got: list[int] = []
    for text in lines:
        forgetful.forget_cached()
        got += forgetful.mine([text]).tolist()
    assert got == expected
    assert forgetful.merges() == whole.merges()


def test_a_stream_of_fresh_words_is_answered_from_what_is_remembered() -> None:
    rng, miner = random.Random(1), TemplateMiner()
    words = ["".join(rng.choices("abcdefghijkl", k=9)) for _ in range(2_000)]
    ids = miner.mine([f"failed password for invalid user {word} from 10.0.0.7 port 22 ssh2" for word in words])
    assert len(set(miner.find(ids).tolist())) == 1
    assert len(miner._by_rest) == 1
    assert len(miner._by_masked) < 20  # those before the variable was known


@settings(max_examples=60)
@given(st.lists(st.lists(TOKENS | WORDS | st.text(max_size=30), max_size=60).map(" ".join), max_size=40))
def test_any_line_is_mined_as_it_is_alone(lines: list[str]) -> None:
    together, single = TemplateMiner(64), TemplateMiner(64)
    ids = together.mine(lines).tolist()
    assert [single.mine([line]).tolist()[0] for line in lines] == ids
    assert len(together) <= 64
    for id, line in zip(together.find(together.mine(lines)).tolist(), lines, strict=True):
        assert len(together.parameters(id, line)) == together.text(id).count("<*>")


def test_lines_that_mean_harm_do_not_fill_the_tables() -> None:
    miner = TemplateMiner(512)
    lines = bad_lines(random.Random(0))
    good = [f"checked the {thing} of shard {n}" for n in range(3) for thing in ("state", "order")]
    before = miner.mine(good).tolist()
    ids = miner.mine(lines)
    assert len(ids) == len(lines)
    assert len(miner) <= 512
    assert miner.mine(good).tolist() == before
    assert before[0] != before[1] != OVERFLOW


def test_lines_made_to_merge_two_statements_need_many_values_at_once() -> None:
    miner, rng = TemplateMiner(), random.Random(0)
    statements = ["the lease of the node was renewed now", "the lease of the node was revoked now"]
    ids = miner.mine(statements * 600)
    forged = [f"the lease of the node was {''.join(rng.choices('abcdefgh', k=6))} now" for _ in range(2)]
    miner.mine(forged)
    assert len(set(miner.find(ids).tolist())) == 2
