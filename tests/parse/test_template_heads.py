"""Heads with tails of any length: a message of another layer, SQL; and topics, behind which statements follow."""

from __future__ import annotations

import random

import pytest

from logwatch.parse.miner import TemplateMiner

REASONS = [
    "no such host",
    "broken pipe",
    "the peer has gone away without a word",
    "timed out",
    "not a valid answer at all",
]
OTHERS = [
    f"{verb} of the {noun} is done" for verb in ("import", "export", "check") for noun in ("table", "index", "view")
]


def groups(lines: list[str]) -> int:
    miner = TemplateMiner()
    miner.mine(OTHERS)
    return len(set(miner.find(miner.mine(lines)).tolist()))


def test_a_sentence_with_other_tails_is_one_template() -> None:
    miner = TemplateMiner()
    miner.mine(OTHERS)
    lines = [f"could not reach the backup server: {reason}" for reason in REASONS]
    ids = miner.mine(lines)
    assert len(set(miner.find(ids).tolist())) == 1
    assert miner.text(int(ids[0])) == "could not reach the backup server: <*>"
    assert miner.parameters(int(ids[0]), lines[2]) == [REASONS[2]]
    assert miner.mine(["could not reach the backup server: something new altogether"]).tolist() == [ids[0]]


def test_sql_behind_one_word_is_one_template() -> None:
    queries = [
        "SELECT name FROM shops",
        "UPDATE shops SET name WHERE open",
        "BEGIN",
        "DELETE FROM carts",
        "COMMIT",
        "SELECT now",
    ]
    assert groups([f"statement: {query}" for query in queries]) == 1


def test_descriptions_behind_a_dash_are_one_template() -> None:
    names = ["Time Service", "Daily Cleanup of Files", "Network", "Login Prompts on All Lines"]
    assert groups([f"Starting unit - {name}" for name in names]) == 1


@pytest.mark.parametrize("topic", ["channel 3", "queue 'a' in vhost 'b'", "mirror", "Feature flags", "app::db::pool"])
def test_statements_behind_a_topic_stay_apart(topic: str) -> None:
    said = [
        "became leader of the group",
        "lost its quorum",
        "elects",
        "was closed by an operator",
        "asks all the others",
    ]
    assert groups([f"{topic}: {what}" for what in said]) == len(said)


def test_tails_do_not_depend_on_batches() -> None:
    rng = random.Random(1)
    lines = [
        f"could not {rng.choice(['open', 'read'])} the {rng.choice('abc')} file: {rng.choice(REASONS)}"
        for _ in range(200)
    ]
    whole, parts = TemplateMiner(), TemplateMiner()
    expected = whole.mine(OTHERS + lines).tolist()
    got = [id for line in OTHERS + lines for id in parts.mine([line]).tolist()]
    assert got == expected
    assert parts.merges() == whole.merges()
