"""All patterns alive, by id, by length and by head, and their cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from logwatch.parse.kept import realm_of
from logwatch.parse.template import Pattern
from logwatch.parse.template_heads import Heads, Recent, cut, cuts, has_tail
from logwatch.parse.template_rows import MAX_ROWS, Joined, Rows
from logwatch.parse.template_words import Words

PAGE = 64
"""Patterns of one cell: about 16 kB, and only cells with new or widened patterns are written."""

MAX_WORDS_KNOWN = 200_000
"""Words known before those that stand in no pattern any more are dropped."""


Place = tuple[str, int]
"""Realm and number of words; of patterns that end with a tail its negative."""


class Table:
    """Patterns alive. Ids are given by the caller; an id never comes back."""

    def __init__(self, max_templates: int) -> None:
        self.max_templates = max_templates
        self.patterns: dict[int, Pattern] = {}
        self._rows: dict[Place, Rows] = {}
        self._words = Words()
        self._heads = Heads()
        self._dirty: set[int] = set()
        self._saved: set[int] = set()  # pages that stand in a cell
        self._max_words = MAX_WORDS_KNOWN

    def __len__(self) -> int:
        return len(self.patterns)

    @property
    def known(self) -> Mapping[str, int]:
        """All words of patterns alive, and some of patterns that are gone."""
        return self._words.number

    def match(self, pattern: Pattern) -> int:
        """Id of the pattern that this line matches, -1 for none: the oldest, but first of all one with a tail."""
        realm = realm_of(pattern.scope)
        for at in cuts(pattern):
            rows = self._rows.get((realm, -at - 1))
            if rows is not None and (id := rows.match(cut(pattern, at))) >= 0:
                return id
        rows = self._rows.get((realm, len(pattern.words)))
        return -1 if rows is None else rows.match(pattern)

    def join(self, pattern: Pattern, recent: Recent) -> Joined | None:
        """The patterns that turn out to be one template, now that this line has come; see `Rows.join`."""
        if len(self._words.word) > self._max_words:
            self._drop_dead_words()
        rows = self._rows.get((realm_of(pattern.scope), len(pattern.words)))
        return None if rows is None or not rows.count else rows.join(pattern, recent)

    def tailed(self, pattern: Pattern, recent: Recent) -> Joined | None:
        """The patterns that turn out to differ in their tails only, now that this one, of a line, has been added."""
        found = self._heads.tailed(pattern, self.patterns, self._words, recent)
        if found is None:
            return None
        at, ids = found
        return Joined(cut(self.patterns[ids[0]], at), ids)

    def crowded(self, pattern: Pattern) -> list[int]:
        """Ids among which some must be retired before this pattern can be added; empty where there is room."""
        rows = self._rows.get(_place(pattern))
        if rows is not None and rows.count >= MAX_ROWS:
            return rows.alive()
        if len(self.patterns) < self.max_templates:
            return []
        crowds: dict[int, list[Rows]] = {}  # of all realms: one at a time would empty the caches with every line
        for (_, length), rows in self._rows.items():
            crowds.setdefault(length, []).append(rows)
        crowd = max(crowds.items(), key=lambda item: (sum(rows.count for rows in item[1]), item[0]))[1]
        return [id for rows in crowd for id in rows.alive()]

    def add(self, id: int, pattern: Pattern) -> None:
        """A new pattern, or a new form of one that was removed."""
        place = _place(pattern)
        if place not in self._rows:
            self._rows[place] = Rows(len(pattern.words), self._words)
        self._rows[place].add(id, pattern)
        if not has_tail(pattern):
            self._heads.add(id, pattern)
        self.patterns[id] = pattern
        self._dirty.add(id // PAGE)

    def remove(self, ids: list[int]) -> None:
        """Patterns that were merged or retired."""
        places: dict[Place, list[int]] = {}
        for id in ids:
            pattern = self.patterns.pop(id)
            if not has_tail(pattern):
                self._heads.remove(id, pattern)
            places.setdefault(_place(pattern), []).append(id)
            self._dirty.add(id // PAGE)
        for place, members in places.items():
            self._rows[place].remove(members)
            if place[0] and not self._rows[place].count:
                del self._rows[place]  # realms come and go with what lines say

    def crossed(self, id: int) -> bool:
        """Whether lines of younger patterns may match this one too."""
        pattern = self.patterns[id]
        return has_tail(pattern) or self._rows[_place(pattern)].crossed(pattern, id)

    def changes(self) -> Iterator[tuple[int, bytes | None]]:
        """Changed pages, by number; None where a page is empty now."""
        for page in sorted(self._dirty):
            ids = range(page * PAGE, (page + 1) * PAGE)
            rows = [(id, *self.patterns[id]) for id in ids if id in self.patterns]
            if rows:
                self._saved.add(page)
                yield page, json.dumps(rows, ensure_ascii=False).encode()
            elif page in self._saved:
                self._saved.discard(page)
                yield page, None
        self._dirty.clear()

    def restore(self, pages: Mapping[int, bytes]) -> None:
        """Rebuild from all pages."""
        self._saved = set(pages)
        rows = sorted((row for page in pages.values() for row in json.loads(page)), key=lambda row: int(row[0]))
        for id, scope, words, separators in rows:
            self.add(id, Pattern(scope, tuple(words), tuple(separators)))
        self._dirty.clear()

    def _drop_dead_words(self) -> None:
        patterns, self.patterns = self.patterns, {}
        dirty = set(self._dirty)
        self._words, self._rows, self._heads = Words(), {}, Heads()
        for id in sorted(patterns):
            self.add(id, patterns[id])
        self._dirty = dirty
        # Long patterns with few words in common may need more than the bound: look again at twice as many.
        self._max_words = max(MAX_WORDS_KNOWN, 2 * len(self._words.word))


def _place(pattern: Pattern) -> Place:
    return realm_of(pattern.scope), -len(pattern.words) if has_tail(pattern) else len(pattern.words)
