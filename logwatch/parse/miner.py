"""The online template miner: which statement of a program printed a line, learned from the lines alone.

    level 1   key of a line (numbers collapsed)    -> id    a dictionary; almost every line ends here
    level 2   key without words that no pattern has -> id   a dictionary; what brings fresh words again and again
              masked text of a key                 -> id    a dictionary; most of the others
    level 3   words of a masked text against all patterns of that length, and of its heads; what matches none is learned

A line belongs to the *oldest* pattern that it matches, before that to one with an open tail, so an answer holds until
a pattern is widened over its neighbours or retired: the dictionaries are pure caches, the patterns are the whole state.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import polars as pl

from logwatch import telemetry
from logwatch.errors import StateCorrupt
from logwatch.parse import template
from logwatch.parse.mask import SCOPE_END, collapse, distinct, masked, targeted
from logwatch.parse.miner_budget import Budget
from logwatch.parse.miner_cache import MISSING, Cache, Holed
from logwatch.parse.miner_ids import Ids
from logwatch.parse.miner_migration import WITHOUT_LEVELS, WITHOUT_TAILS, follow_rules, migrate
from logwatch.parse.miner_past import Past
from logwatch.parse.miner_unseen import HASHED, Unseen, hashed
from logwatch.parse.template import Pattern
from logwatch.parse.template_heads import has_tail
from logwatch.parse.template_rows import Joined
from logwatch.parse.template_rules import Rules, filled
from logwatch.parse.template_table import Table
from logwatch.types import Float64, Int32, Int64

log = telemetry.Logger(__name__)

OVERFLOW = 0
"""Id of lines that could not be given a template of their own, and of retired templates."""

MAX_IDS_PER_TEMPLATE = 50
"""Ids ever given out, over `max_templates`: bounds the table of merged ids over years (24 MB)."""

RETIRED = 8
"""One in so many patterns of a crowded length is retired at once: seldom, since it empties the caches."""

_NOTHING = np.zeros(0, np.int64)
_NO_IDS: Int32 = np.zeros(0, np.int32)
VERSION = 4


class TemplateMiner:
    """Online, bounded, exact in stream order: the id of a line depends on the lines up to it, never on batches.

    Ids count from 1 in order of appearance. When templates turn out to be one, the oldest id stays, and `merges`
    tells. When the table is full, the least recently seen templates are retired, which `merges` shows as merges with
    `OVERFLOW`; lines that may not be learned (see `miner_budget`) get `OVERFLOW` too.

    Args:
        max_templates: patterns alive at once, at least 1.
        rules: that the keys of lines obey.
        frozen: nothing is learned nor counted; see `miner_unseen` for lines that no pattern covers. Once it learns
            again it begins with what they were, and `merges` tells what they are now.
    """

    def __init__(self, max_templates: int = 20_000, rules: Rules | None = None, frozen: bool = False) -> None:
        self._frozen = frozen
        self._rules = Rules() if rules is None else rules
        self.lines = 0
        """Lines mined."""
        self.revised = 0
        """Lines whose template changed after their arrival because templates were merged."""
        self.overflowed = 0
        """Lines that matched nothing and were not learned; frozen: whose masked form was not kept."""
        self.retired = 0
        """Templates retired."""
        self.lost: Int32 = _NO_IDS
        """Templates of a restored state whose lines come to others now, since that was an earlier version's."""
        self._table = Table(max_templates)
        self._ids = Ids()
        self._ids.new()  # OVERFLOW
        self._most_ids = min(MAX_IDS_PER_TEMPLATE * max_templates, HASHED)
        self._budget = Budget()
        self._past = Past()
        self._unseen = Unseen()
        self._by_key = Cache()
        self._by_rest = Holed()
        self._by_masked = Cache()
        self._stale = False
        self._head = b""  # as last given out by `changes`

    def __len__(self) -> int:
        """Templates alive."""
        return len(self._table)

    def mine(self, texts: list[str], scopes: list[str] | None = None) -> Int32:
        """Ids of lines [n] at their arrival; `scopes` [n]: logger, class or component of each, may be empty."""
        return self.mine_keys(*distinct(pl.Series(collapse(texts, scopes), dtype=pl.String)))

    def mine_keys(self, keys: list[str], key: Int32) -> Int32:
        """Ids of lines [n] at their arrival, each given by its key's index; `keys` [k] of `collapse`, all different."""
        batch = _Batch(self._ids, len(key), self.lines, not self._frozen)
        begin = 0
        while begin < len(key):
            found = np.fromiter(map(self._by_key.get, keys, repeat(MISSING)), np.int32, len(keys))
            batch.nodes[begin:] = found[key[begin:]]
            missing = np.flatnonzero(batch.nodes[begin:] < 0) + begin if (found < 0).any() else _NOTHING
            begin = self._answer_all(batch, keys, key, missing.tolist())
        batch.settle(len(key))
        self.lines += len(key)
        return batch.ids

    def begin_with(self, patterns: Sequence[Pattern], rules: str) -> None:
        """Before the first line, templates that were learned elsewhere under `rules` get the ids 1, 2, …"""
        for pattern in patterns:
            self._table.add(self._ids.new(), pattern)
        self._ids.mark()
        if rules != self._rules.signature:
            follow_rules(self._table, self._rules, self._merged_anew)

    @property
    def signature(self) -> str:
        """Of the rules; equal for equal rules."""
        return self._rules.signature

    @property
    def patterns(self) -> Mapping[int, Pattern]:
        """Those alive, by id."""
        return self._table.patterns

    def find(self, ids: Int32) -> Int32:
        """Ids [n] that stand for these now, after all merges."""
        return self._ids.find(ids)

    def text(self, id: int) -> str:
        """The pattern, `<*>` for each variable: `Receiving block <*> src: <*>`."""
        past = self._past.text(id)
        return self._text_now(id) if past is None else past

    def _text_now(self, id: int) -> str:
        if id >= HASHED:
            return self._unseen.text(id)
        pattern = self._table.patterns.get(int(self._ids.root[id]))
        return template.SHOWN if pattern is None else pattern.text()

    def stand(self, line: int) -> None:
        """From now on `text` and `merges` answer as after the lines before number `line`, however many more are mined:
        what learns at a chunk's end may not depend on how far the batch reached beyond it. Never falls."""
        self._past.stand(line)

    def parameters(self, id: int, text: str) -> list[str]:
        """The raw values of a line at each `<*>` of its template; for people, not for the hot path."""
        return template.parameters(self.text(id), text)

    def count(self, id: int) -> int:
        """Lines of a template so far, with those of the templates merged into it; frozen, none are counted."""
        return 0 if id >= HASHED else int(self._ids.rows["lines"][self._ids.root[id]])

    def counts(self) -> tuple[Int64, Int64, Float64]:
        """Zeros [n], all ids ever given out [n], and their lines [n]: those of merged ones are their winners'."""
        ids = np.arange(self._ids.count)
        return np.zeros_like(ids), ids, self._ids.rows["lines"][: self._ids.count].astype(np.float64)

    def merges(self) -> list[tuple[int, int]]:
        """(loser, winner) since the last call, in order."""
        return self._past.take_merges()

    def untold(self) -> Sequence[tuple[int, int, int]]:
        """(line, loser, winner) of merges that `merges` has not told yet, in order: from that line on the winner
        stands for both. Some may lie beyond the line of `stand`."""
        return self._past.untold()

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """See `Cells.changes`: `head`, pages of ids, pages of patterns, forms of lines that were not learned."""
        head = {
            "v": VERSION,
            **{name: getattr(self, name) for name in _COUNTERS},
            "ids": self._ids.count,
            "budget": [self._budget.credit, self._budget.line],
            "past": self._past.saved(),
            **({"rules": self._rules.signature} if self._rules else {}),
        }
        data = json.dumps(head).encode()
        if data != self._head:
            self._head = data
            yield "head", data
        for page, ids in self._ids.changes():
            yield f"ids/{page}", ids
        for page, rows in self._table.changes():
            yield f"patterns/{page}", rows
        yield from self._unseen.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt for cells of another version."""
        if "head" not in cells:
            return
        self._head = cells["head"]
        head: dict[str, Any] = json.loads(self._head)
        if head["v"] not in (VERSION, WITHOUT_LEVELS, WITHOUT_TAILS):
            raise StateCorrupt(f"templates were saved as version {head['v']}, this program reads {VERSION}")
        for name in _COUNTERS:
            setattr(self, name, head[name])
        self._budget.credit, self._budget.line = head["budget"]
        self._past.restore(head["past"])
        self._ids.restore(head["ids"], _pages(cells, "ids/"))
        self._table.restore(_pages(cells, "patterns/"))
        self._unseen.restore(_pages(cells, "unseen/"))
        ruled = head.get("rules", "") == self._rules.signature
        if len(self._unseen) and not (self._frozen and ruled):
            self._adopt()
        if head["v"] != VERSION:
            before = len(self)
            self.lost = np.array(sorted(migrate(self._table, head["v"], self._merged_anew)), np.int32)
            log.warning(
                "templates of an earlier version are carried over",
                templates=before, merged=before - len(self), lost=len(self.lost),
            )  # fmt: skip
        if not ruled:
            follow_rules(self._table, self._rules, self._merged_anew)

    def _merged_anew(self, loser: int, winner: int) -> None:
        self.revised += self._ids.merge(loser, winner)
        self._past.merged(self.lines, loser, winner)

    def _adopt(self) -> None:
        """Learn the forms of lines that came while nothing was learned; frozen under other rules, they are given up."""
        none = _Batch(self._ids, 0, self.lines)
        for id, form in self._unseen.take():
            self._past.changed(self.lines, [id], form.text())
            found = OVERFLOW if self._frozen else self._table.match(form)
            if found < 0 and (found := self._learn(form, 0, none)) != OVERFLOW:
                self._ids.seen(np.array([found], np.int32), self.lines)
            self._past.merged(self.lines, id, found)
        self._stale = False  # there are no answers yet

    def forget_cached(self) -> None:
        """Empty the caches; changes nothing but time."""
        self._by_key.clear()
        self._by_rest.clear()
        self._by_masked.clear()

    def _answer_all(self, batch: _Batch, keys: list[str], key: Int32, missing: list[int]) -> int:
        """Answer lines that are not in the cache; returns where to look up again: where answers became stale."""
        for place in missing:
            text = keys[key[place]]
            id = self._by_key.get(text, MISSING)
            batch.nodes[place] = self._answer(text, place, batch) if id < 0 else id
            if self._stale:
                self._stale = False
                self.forget_cached()
                return place + 1
        return len(key)

    def _answer(self, key: str, place: int, batch: _Batch) -> int:
        rest = self._by_rest.rest(key, self._table.known)
        if (id := self._by_rest.get(rest, MISSING)) >= 0:
            return id
        scope, text = targeted(key)
        text = masked(text)
        scoped = scope + SCOPE_END + text
        id = self._by_masked.get(scoped, MISSING)
        if id < 0:
            pattern = filled(template.split(scope, text))
            id = self._table.match(pattern)
            known = id >= 0
            if known:
                self._by_rest.put_rest(rest, id)
            elif self._frozen:
                id = hashed(pattern)
                known = self._unseen.keep(id, pattern)
            else:
                id = self._learn(pattern, place, batch)
                known = id != OVERFLOW
            if not known:
                self.overflowed += 1
                return id
            self._by_masked.put(scoped, id)
        self._by_key.put(key, id)
        return id

    def _learn(self, pattern: Pattern, place: int, batch: _Batch) -> int:
        if not self._budget.take(batch.first + place, self._ids.count / self._most_ids):
            return OVERFLOW
        batch.settle(place)  # evidence ages by what was seen up to here
        joined = self._table.join(pattern, self._ids.recent)
        id = self._add(pattern, place, batch) if joined is None else self._join(joined, place, batch)
        if id != OVERFLOW and (joined := self._table.tailed(pattern, self._ids.recent)) is not None:
            return self._join(joined, place, batch)
        return id

    def _add(self, pattern: Pattern, place: int, batch: _Batch) -> int:
        if self._ids.count >= self._most_ids:
            return OVERFLOW
        crowd = self._table.crowded(pattern)
        if crowd:
            self._retire(self._ids.oldest(crowd, max(1, len(crowd) // RETIRED)), batch.first + place)
        id = self._ids.new(batch.first + place)
        self._table.add(id, pattern)
        return id

    def _join(self, joined: Joined, place: int, batch: _Batch) -> int:
        winner, *losers = joined.ids
        separators = joined.pattern.separators if has_tail(joined.pattern) else self._table.patterns[winner].separators
        self._remember(joined.ids, batch.first + place)
        self._table.remove(joined.ids)
        self._table.add(winner, joined.pattern._replace(separators=separators))
        for loser in losers:
            self.revised += self._ids.merge(loser, winner)
            self._past.merged(batch.first + place, loser, winner)
        self._stale |= self._table.crossed(winner)
        return winner

    def _remember(self, roots: Sequence[int], line: int) -> None:
        """Keep what these patterns, and all that was merged into them, read like before `line`."""
        for root in roots:
            self._past.changed(line, self._ids.members(root), self._text_now(root))

    def _retire(self, ids: list[int], line: int) -> None:
        self._remember(ids, line)
        self._table.remove(ids)
        for id in ids:
            self._ids.merge(id, OVERFLOW)
            self._past.merged(line, id, OVERFLOW)
        self.retired += len(ids)
        self._stale = True


_COUNTERS = ("lines", "revised", "overflowed", "retired")


def _pages(cells: Mapping[str, bytes], prefix: str) -> dict[int, bytes]:
    return {int(name.removeprefix(prefix)): data for name, data in cells.items() if name.startswith(prefix)}


class _Batch:
    """Answers of one call. Lines before a merge keep the ids of their arrival: they are settled before it."""

    def __init__(self, ids: Ids, size: int, first: int, counted: bool = True) -> None:
        self.nodes: Int32 = np.empty(size, np.int32)  # as answered, perhaps merged since
        self.ids: Int32 = np.empty(size, np.int32)
        self.first = first  # number of the first line in the whole stream
        self._all = ids
        self._settled = 0
        self._counted = counted

    def settle(self, end: int) -> None:
        """Give lines before `end` the ids that stand now, and count them."""
        rows = slice(self._settled, end)
        self.ids[rows] = self._all.find(self.nodes[rows])
        if self._counted:
            self._all.seen(self.ids[rows], self.first + self._settled)
        self._settled = end
