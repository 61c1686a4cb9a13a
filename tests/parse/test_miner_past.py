"""Answers of the miner as of an earlier line: what learns at a chunk's end must not see what was mined beyond it."""

from __future__ import annotations

from logwatch.parse.miner import OVERFLOW, TemplateMiner

NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kurt", "liam"]
LINES = [f"the {name} session opens on the front door" for name in NAMES]


def _at(line: int, batch: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Texts and merges as of `line`, where lines were mined in batches of `batch`."""
    miner = TemplateMiner()
    miner.stand(0)
    mined = 0
    while mined < max(line, 1):
        ids = miner.mine(LINES[mined : mined + batch])
        mined += len(ids)
    miner.stand(line)
    return [miner.text(id) for id in range(1, 4)], miner.merges()


def test_texts_and_merges_do_not_depend_on_how_far_mining_is_ahead() -> None:
    changes = set()
    for line in range(3, len(LINES) + 1):
        texts, merges = _at(line, 1)
        assert _at(line, len(LINES)) == (texts, merges)
        changes.add((*texts, *merges))
    assert len(changes) > 1  # the lines did merge on the way


def test_merges_beyond_the_line_are_told_when_it_is_reached() -> None:
    miner = TemplateMiner()
    miner.stand(1)
    miner.mine(LINES)
    assert miner.merges() == []
    miner.stand(len(LINES))
    merges = miner.merges()
    assert merges
    assert miner.merges() == []


def test_a_restart_keeps_what_is_not_to_be_known_yet() -> None:
    miner = TemplateMiner()
    miner.stand(1)
    miner.mine(LINES)
    again = TemplateMiner()
    again.restore({name: cell for name, cell in miner.changes() if cell is not None})
    for line in (1, 3, len(LINES)):
        miner.stand(line)
        again.stand(line)
        assert [again.text(id) for id in range(4)] == [miner.text(id) for id in range(4)]
        assert again.merges() == miner.merges()


def test_a_retired_template_is_readable_until_its_line_is_passed() -> None:
    miner = TemplateMiner(max_templates=8)
    miner.stand(0)
    words = ["red", "blue", "green", "stone", "river", "cloud", "fire", "snow", "wind", "leaf", "moss", "sand", "rock"]
    lines = [" ".join(words[:k]) for k in range(1, len(words) + 1)]
    miner.mine(lines)
    before = miner.text(1)
    miner.stand(len(lines))
    retired = [loser for loser, winner in miner.merges() if winner == OVERFLOW]
    assert before == "red"
    if 1 in retired:
        assert miner.text(1) != before
