"""Other rules on templates than before: what they speak of follows, all else stays as it was learned."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse.mask import distinct
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.template_rules import Rule, Rules
from logwatch.types import Int32

MASK, KEEP = Rule("mask", r"tenant-[a-z]+"), Rule("keep", r"ORA-[0-9]+")
MERGE, SPLIT = Rule("merge", r"^audit: ", "audit: <*>"), Rule("split", r"state=(\w+)")


def mine(miner: TemplateMiner, rules: list[Rule], *lines: str) -> list[int]:
    keys = Rules(rules).keys(list(lines), [""] * len(lines))
    ids: Int32 = miner.mine_keys(*distinct(pl.Series(keys, dtype=pl.String)))
    found: list[int] = miner.find(ids).tolist()
    return found


def saved(miner: TemplateMiner, before: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """All cells, those of `before` included that did not change since."""
    cells: dict[str, bytes | None] = {**(before or {}), **dict(miner.changes())}
    return {name: value for name, value in cells.items() if value is not None}


def again(cells: dict[str, bytes], rules: list[Rule]) -> TemplateMiner:
    miner = TemplateMiner(rules=Rules(rules))
    miner.restore(cells)
    return miner


def after(before: list[Rule], now: list[Rule], *lines: str) -> tuple[list[int], TemplateMiner]:
    """Ids of lines under the rules before, and the miner restored under those that hold now."""
    miner = TemplateMiner(rules=Rules(before))
    ids = mine(miner, before, *lines)
    miner.merges()
    return ids, again(saved(miner), now)


def test_templates_that_a_new_mask_joins_keep_the_oldest_id() -> None:
    lines = "quota of tenant-blue is spent", "quota of tenant-red is spent"
    ids, miner = after([], [MASK], *lines, "started")
    assert miner.merges() == [(ids[1], ids[0])]
    assert miner.text(ids[1]) == "quota of <*> is spent"
    assert miner.count(ids[0]) == 2
    assert mine(miner, [MASK], "quota of tenant-grey is spent", "started") == [ids[0], ids[2]]


def test_templates_that_were_kept_apart_are_joined_when_the_rule_is_gone() -> None:
    ids, miner = after([KEEP], [], "failed: ORA-1 at 7", "failed: ORA-2 at 8")
    assert ids[0] != ids[1]
    assert miner.merges() == [(ids[1], ids[0])]
    assert mine(miner, [], "failed: ORA-3 at 8") == [ids[0]]


def test_what_a_new_rule_parts_begins_anew_and_the_past_stays() -> None:
    ids, miner = after([], [KEEP], "failed: ORA-1 at 7", "failed: ORA-2 at 8")
    assert ids[0] == ids[1]
    one, other = mine(miner, [KEEP], "failed: ORA-1 at 7", "failed: ORA-2 at 8")
    assert len({one, other, ids[0]}) == 3
    assert miner.text(ids[0]) == "failed: <*> at <*>"
    assert miner.count(ids[0]) == 2


def test_a_new_merge_takes_all_templates_that_match() -> None:
    ids, miner = after([], [MERGE], "audit: bob came", "audit: 17 rows went: to eve", "audit: x", "started")
    assert len(miner.merges()) == 2
    assert mine(miner, [MERGE], "audit: y z", "started") == [ids[0], ids[3]]
    assert miner.text(ids[2]) == "audit: <*>"


def test_words_that_were_learned_to_vary_stay_variable() -> None:
    names = [a + b for a in ("bo", "ka", "ti", "zu", "Me") for b in ("ra", "lin", "tom", "nas")]
    ids, miner = after([], [MASK], *[f"opened a session of user {name} for tenant-blue now" for name in names])
    assert len(set(ids[-4:])) == 1
    assert miner.text(ids[-1]) == "opened a session of user <*> for <*> now"
    assert mine(miner, [MASK], "opened a session of user jim for tenant-red now") == [ids[-1]]


def test_tails_stay_tails() -> None:
    lines = [f"could not open the socket of tenant-blue: {tail}" for tail in ("it is gone", "no", "who knows why", "7")]
    ids, miner = after([], [MASK], *lines)
    assert len(set(ids)) == 1
    assert miner.text(ids[0]) == "could not open the socket of <*>: <*>"
    assert mine(miner, [MASK], "could not open the socket of tenant-red: never seen before") == [ids[0]]


def test_the_same_rules_change_nothing() -> None:
    rules = [MASK, KEEP, MERGE, SPLIT]
    lines = "quota of tenant-x is spent", "failed: ORA-1", "audit: a", "job 7 state=open now", "started"
    ids, miner = after(rules, rules, *lines)
    assert miner.merges() == []
    assert mine(miner, rules, *lines) == ids
    cells = saved(TemplateMiner(rules=Rules(rules)))
    assert dict(again(cells, rules).changes()) == {}


words = st.sampled_from(
    ["tenant-a", "tenant-b", "ORA-1", "ORA-2", "audit:", "state=open", "state=no", "7", "open", "x", ":"]
)
lines = st.lists(words, min_size=1, max_size=6).map(" ".join)
rules = st.lists(st.sampled_from([MASK, KEEP, MERGE, SPLIT]), max_size=4, unique=True)


@settings(max_examples=60)
@given(st.lists(lines, min_size=1, max_size=15), rules, rules)
def test_any_change_keeps_every_line_counted_and_every_old_id_alive(
    texts: list[str], before: list[Rule], now: list[Rule]
) -> None:
    ids, miner = after(before, now, *texts)
    roots = set(miner.find(np.array(ids, np.int32)).tolist())
    assert sum(miner.count(root) for root in roots) == len(texts)
    assert all(miner.text(id) for id in roots)
    mine(miner, now, *texts)
    assert sum(miner.count(root) for root in {*roots, *mine(miner, now, *texts)}) == 3 * len(texts)


@settings(max_examples=40)
@given(st.lists(lines, min_size=2, max_size=30), rules, st.data())
def test_with_rules_it_goes_on_bit_equally_from_its_cells(
    texts: list[str], now: list[Rule], data: st.DataObject
) -> None:
    whole = TemplateMiner(rules=Rules(now))
    expected = mine(whole, now, *texts)
    at = data.draw(st.integers(0, len(texts)))
    miner, cells = TemplateMiner(rules=Rules(now)), dict[str, bytes]()
    for begin, end in itertools.pairwise((0, at, len(texts))):
        mine(miner, now, *texts[begin:end])
        cells = saved(miner, cells)
        miner = again(cells, now)
    assert mine(miner, now, *texts) == mine(whole, now, *texts)
    assert [miner.text(id) for id in expected] == [whole.text(id) for id in expected]


def test_a_line_made_of_the_letters_that_stand_for_learned_words_is_no_learned_word() -> None:
    forged = f"audit of {chr(0x20000)} and \ua7ff went well"
    ids, miner = after([], [Rule("keep", "^audit")], forged)
    assert miner.text(ids[0]) == forged
    assert mine(miner, [Rule("keep", "^audit")], forged, "audit of this and that went well") != [ids[0], ids[0]]


def test_a_template_whose_lines_are_masked_otherwise_than_its_text_means_no_other_lines() -> None:
    line = "checkpoint done: wrote 5 buffers (0.1%); 0 WAL file(s) added; write=0.1 s, sync=0.2 s; total=3 s lost"
    ids, miner = after([], [Rule("mask", "lo[a-z]+")], line)
    assert mine(miner, [Rule("mask", "lo[a-z]+")], "checkpoint done: wrote 7 buffers") != ids
    assert "WAL" in miner.text(ids[0])
