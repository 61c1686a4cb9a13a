"""Rules on templates: what they mask, keep, merge and split, for any lines and in any batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import ConfigError
from logwatch.parse.mask import collapse
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.process import Worker
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaper
from logwatch.parse.template_rules import Rule, Rules
from logwatch.parse.variable_types import typed_in
from logwatch.parse.worker import Request

MASK, KEEP = Rule("mask", r"tenant-[a-z]+", "tenant"), Rule("keep", r"ORA-[0-9]+")
MERGE, SPLIT = Rule("merge", r"^audit: ", "audit: <*>"), Rule("split", r"state=(\w+)")
ALL = [MASK, KEEP, MERGE, SPLIT]


def templates(rules: list[Rule], *lines: str) -> list[str]:
    """The template of each line, after all of them."""
    miner = TemplateMiner(rules=Rules(rules))
    keys, key = _keys(rules, list(lines))
    ids = miner.mine_keys(keys, key)
    return [miner.text(id) for id in miner.find(ids).tolist()]


def _keys(rules: list[Rule], lines: list[str]) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    shaped = Shaper((), rules).shape([line.encode() for line in lines], [(ParseSettings(), slice(None))])
    return shaped.keys, shaped.key


def test_what_a_mask_matches_is_a_variable() -> None:
    blue, red = templates([MASK], "quota of tenant-blue is spent", "quota of tenant-red is spent")
    assert blue == red == "quota of <*> is spent"
    assert templates([], "quota of tenant-blue is spent") == ["quota of tenant-blue is spent"]


def test_what_is_masked_is_called_by_its_name() -> None:
    rules = Rules([MASK, Rule("mask", r"order=(\w+)", "order")])
    assert typed_in("quota of <*> is <*>", ["quota of tenant-blue is 7"], rules.named) == "quota of <tenant> is <num>"
    assert typed_in("got order=<*> now", ["got order=abc now"], rules.named) == "got order=<order> now"


def test_of_an_expression_with_a_group_its_group_is_meant() -> None:
    assert templates([Rule("mask", r"by (\w+)$")], "shut down by bob") == ["shut down by <*>"]
    assert templates([Rule("keep", r"code (\d+)")], "code 17 of 18") == ["code 17 of <*>"]
    assert templates([Rule("mask", r"a(b)?c")], "ac and abc") == ["ac and <*>"]
    assert templates([Rule("mask", r"of (\w+) and \w+")], "friend of bob and bob") == ["friend of <*> and bob"]


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("failed: ORA-00600 at 7", "failed: ORA-00600 at <*>"),
        ('failed: "ORA-00600" at 7', 'failed: "ORA-00600" at <*>'),
        ("failed, code=ORA-00600, at=7", "failed, code=ORA-00600, at=<*>"),
        ("now [ORA-00600] failed", "now [ORA-00600] failed"),
        ("ORA-00600", "ORA-00600"),
        ("xORA-00600x ORA-1ORA-2", "xORA-00600x ORA-1ORA-2"),
        ("ORA-1, ORA-1, ORA-1 of 7", "ORA-1, ORA-1, ORA-1 of <*>"),
        ("日本 ORA-7 größe 3", "日本 ORA-7 größe <*>"),
    ],
)
def test_what_is_kept_is_never_a_variable(line: str, template: str) -> None:
    assert templates([KEEP], line) == [template]
    many = [line.replace("ORA-", f"ORA-{i}") for i in range(200)]
    assert len(set(templates([KEEP], *many))) == 200


def test_kept_parts_tell_lines_apart_whatever_their_logger_is() -> None:
    lines = [
        f"2026-03-01T12:00:00 INFO {logger}: it failed with ORA-{i} today" for i in (1, 2) for logger in "abcdefgh"
    ]
    assert len(set(templates([KEEP], *lines))) == 2 * len(set(templates([KEEP], *lines[:8])))


def test_lines_that_are_merged_are_one_template_whatever_they_say() -> None:
    lines = ["audit: bob came", "audit: 17 rows {are} gone, by=eve", "audit: ORA-7", "audit: " + "x " * 3000]
    assert set(templates(ALL, *lines)) == {"audit: <*>"}
    assert templates([Rule("merge", "GET /(health|ready)")], "GET /ready 200") == ["GET /(health|ready)"]


def test_lines_are_split_by_what_the_group_captures_or_by_whether_it_matches() -> None:
    lines = "job 7 state=open now", "job 8 state=closed now", "job 9 idles now"
    assert templates([SPLIT], *lines) == ["job <*> state=open now", "job <*> state=closed now", "job <*> idles now"]
    late, other, again = (
        templates([Rule("split", "late")], "job 'late' done", "job 'early' done", "job 'too late' done")
    )  # fmt: skip
    assert late == other == again == "job <*> done"
    keys, key = _keys([Rule("split", "late")], ["job 'late' done", "job 'early' done", "job 'too late' done"])
    ids = TemplateMiner().mine_keys(keys, key).tolist()
    assert ids[0] == ids[2] != ids[1]


def test_no_rule_changes_no_key() -> None:
    assert Rules().keys(["took 17 ms"], ["app"]) == collapse(["took 17 ms"], ["app"])
    assert Rules(ALL).keys(["took 17 ms"], ["app"]) == collapse(["took 17 ms"], ["app"])
    assert not Rules()
    assert Rules().signature == ""


def test_rules_run_on_the_linear_time_engine_only() -> None:
    with pytest.raises(ConfigError, match="look-ahead"):
        Rules([Rule("mask", "a(?=b)")])


text = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["tenant-x", "ORA-17", "audit: ", "state=open", "7", "\x0e", "\x05", "\x1e", "\0", " ", "=", '"', "["]
    ),
    max_size=8,
).map("".join)


@settings(max_examples=60)
@given(st.lists(text, min_size=1, max_size=8))
def test_what_rules_make_of_a_line_depends_on_it_alone(texts: list[str]) -> None:
    lines = [line.encode("utf-8", "replace") for line in texts]
    shaper, groups = Shaper((), ALL), [(ParseSettings(), slice(None))]
    together = shaper.shape(lines, groups)
    alone = [Shaper((), ALL).shape([line], groups).keys[0] for line in lines]
    assert [together.keys[k] for k in together.key.tolist()] == alone


@settings(max_examples=60)
@given(st.lists(text, min_size=1, max_size=8))
def test_looking_for_literals_first_changes_nothing(texts: list[str]) -> None:
    lines = [f"2026-03-01T12:00:00 INFO app: {line}".encode("utf-8", "replace") for line in texts]
    hidden = [rule._replace(pattern=f"(?:){rule.pattern}") for rule in (MASK, KEEP, MERGE)]
    groups = [(ParseSettings(), slice(None))]
    one, other = Shaper((), [MASK, KEEP, MERGE]).shape(lines, groups), Shaper((), hidden).shape(lines, groups)
    assert [one.keys[k] for k in one.key.tolist()] == [other.keys[k] for k in other.key.tolist()]


@settings(max_examples=60)
@given(st.lists(text, min_size=1, max_size=12))
def test_hostile_lines_are_mined_and_parameters_found(texts: list[str]) -> None:
    for template, line in zip(templates(ALL, *texts), texts, strict=True):
        assert not set(template) & set("\0\x01\x02\x03\x04\x05\x0e\x0f\x1c\x1d\x1e")
        typed_in(template, [line], Rules(ALL).named)


def test_a_flood_of_kept_values_fills_no_table() -> None:
    rules = [Rule("keep", r"id \w+")]
    lines = [f"id {i:x} of request {i} is done" for i in range(2_000)]
    miner = TemplateMiner(200, rules=Rules(rules))
    keys, key = _keys(rules, lines)
    ids = miner.mine_keys(keys, key)
    assert len(miner) <= 200
    assert len(ids) == 2_000


def test_lines_of_json_obey_too() -> None:
    line = '{"time": "2026-03-01T12:00:00Z", "level": "info", "msg": "quota of tenant-blue is spent"}'
    assert templates([MASK], line) == ["quota of <*> is spent"]


def test_the_process_beside_makes_the_same_keys() -> None:
    worker = Worker((), ALL)
    try:
        lines = [f"failed: ORA-{i} of tenant-x".encode() for i in range(50)]
        while not worker.ready():
            assert worker.answered(30.0)
        there = worker.result(worker.submit(Request.of(lines, [ParseSettings()], np.zeros(0, np.int32))))
        assert there is not None
        assert there.keys == _keys(ALL, [line.decode() for line in lines])[0]
    finally:
        worker.close()
