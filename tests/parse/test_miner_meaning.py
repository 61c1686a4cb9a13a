"""An id never comes to mean something else: the template that stands for a line in the end still covers the line."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse import template
from logwatch.parse.mask import ANY, TAIL, collapse, masked, targeted
from logwatch.parse.miner import OVERFLOW, TemplateMiner
from logwatch.parse.template import Pattern

VERBS, NAMES = ["could not open", "checked", "lost the lease of"], "ann bob carla dave eve frank grace heidi".split()
TAILS = ["no such file", "broken pipe", "the peer went away", "SELECT <*> FROM t", "timed out after 3 s", "-"]


def covers(found: Pattern, line: Pattern) -> bool:
    """Whether all words of a line are those of a template, or stand where it has a variable."""
    if found.scope not in (ANY, line.scope):
        return False
    words = found.words[:-1] if found.words[-1:] == (TAIL,) else found.words
    fits = len(words) == len(line.words) if words is found.words else len(words) <= len(line.words)
    return fits and all(word in (mine, ANY) for word, mine in zip(words, line.words, strict=False))


def line(rng: random.Random) -> str:
    verb, name, tail = rng.choice(VERBS), rng.choice(NAMES), rng.choice(TAILS)
    forms = (
        f"{verb} {name}: {tail}", f"{verb} {name}", f"user {name} {verb} {rng.choice(NAMES)} - {tail}",
        f"{name} was here {rng.randrange(99)}", " ".join(rng.choices(NAMES, k=rng.randrange(1, 4))),
    )  # fmt: skip
    return rng.choice(forms)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([8, 64, 20_000]), st.booleans())
def test_the_template_of_each_line_covers_it_for_good(seed: int, most: int, restart: bool) -> None:
    rng, miner = random.Random(seed), TemplateMiner(most)
    texts, scopes = [line(rng) for _ in range(400)], [rng.choice(("info a", "error a", "")) for _ in range(400)]
    ids = miner.mine(texts[:200], scopes[:200]).tolist()
    if restart:
        cells = {name: cell for name, cell in miner.changes() if cell is not None}
        miner = TemplateMiner(most)
        miner.restore(cells)
    ids += miner.mine(texts[200:], scopes[200:]).tolist()
    for id, key in zip(ids, collapse(texts, scopes), strict=True):
        root = int(miner._ids.root[id])
        if root != OVERFLOW:
            scope, text = targeted(key)
            assert covers(miner._table.patterns[root], template.split(scope, masked(text)))
