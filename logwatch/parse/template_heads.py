"""Heads of patterns: what stands before a colon or a dash, after which anything may follow.

`could not open the socket: <a message of another layer>`, `statement: <SQL>`: the tails have other words each time,
and other numbers of words, so that no slot is found for them. Many tails behind one head tell it; but a head may also
be a topic (`queue <*> in vhost <*>: became leader`), behind which statements of their own follow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from logwatch.parse.mask import ANY, TAIL, VARIABLE
from logwatch.parse.template import Pattern
from logwatch.parse.template_evidence import rest_of
from logwatch.parse.template_words import Words
from logwatch.types import Bool, Int32

MAX_CUTS = 4
"""Places of one pattern at which it may be cut."""

NEEDED, NEEDED_DASH, NEEDED_UPPER = 3, 4, 4
"""Tails behind a head that make them one: after a colon; after a dash; where most begin in capitals, as SQL does."""

OFTEN = 32
"""Tails up to which each new one is looked at; then only where their number doubles."""

WORDS_OF_A_SENTENCE = 3
"""Words of a head that is no topic."""

BITS = 1.0
"""By how much the head must tell more than chance."""

Head = tuple[str, tuple[str, ...]]

Recent = Callable[[Int32], Bool]
"""Which of some ids [n], variants of one statement, still count as evidence."""


def cuts(pattern: Pattern) -> list[int]:
    """Numbers of words after which the pattern may be cut."""
    gaps = pattern.separators
    if ":" not in (joined := "\n".join(gaps)) and " - " not in joined:
        return []
    return [at for at in range(1, len(pattern.words)) if _divides(gaps[at])][:MAX_CUTS]


def _divides(separator: str) -> bool:
    return ":" in separator or " - " in separator


def cut(pattern: Pattern, at: int) -> Pattern:
    """The head of a pattern, with any tail."""
    return Pattern(pattern.scope, (*pattern.words[:at], TAIL), (*pattern.separators[: at + 1], ""))


def has_tail(pattern: Pattern) -> bool:
    """Whether the pattern is a head with any tail."""
    return pattern.words[-1:] == (TAIL,)


class Heads:
    """Patterns alive by their heads."""

    def __init__(self) -> None:
        self._ids: dict[Head, set[int]] = {}

    def add(self, id: int, pattern: Pattern) -> None:
        """A new pattern."""
        for head in _heads(pattern):
            self._ids.setdefault(head, set()).add(id)

    def remove(self, id: int, pattern: Pattern) -> None:
        """One that was added."""
        for head in _heads(pattern):
            ids = self._ids[head]
            ids.discard(id)
            if not ids:
                del self._ids[head]

    def tailed(
        self, pattern: Pattern, patterns: Mapping[int, Pattern], words: Words, recent: Recent
    ) -> tuple[int, list[int]] | None:
        """Where to cut a new pattern, and the ids of all that share its head then; None: nowhere yet.

        Only the tails of `recent` ids are evidence.
        """
        for at, head in zip(cuts(pattern), _heads(pattern), strict=True):
            ids = self._ids.get(head, ())
            if len(ids) < NEEDED or (len(ids) > OFTEN and len(ids) & (len(ids) - 1)):
                continue
            alike = np.array(sorted(ids), np.int32)
            lately: list[int] = alike[recent(alike)].tolist()
            if len(lately) >= NEEDED and _is_tailed(pattern, at, lately, patterns, words):
                return at, alike.tolist()
        return None


def _heads(pattern: Pattern) -> Iterator[Head]:
    plain = tuple(VARIABLE if word == ANY else word for word in pattern.words)
    return ((pattern.scope, plain[:at]) for at in cuts(pattern))


def _is_tailed(pattern: Pattern, at: int, ids: Collection[int], patterns: Mapping[int, Pattern], words: Words) -> bool:
    constants = [word for word in pattern.words[:at] if word not in (ANY, VARIABLE)]
    if not constants:
        return False
    if len(ids) >= NEEDED_UPPER and _share_of_upper(at, ids, patterns) >= 0.8:
        return True
    if " - " in pattern.separators[at] and len(ids) >= NEEDED_DASH:
        return True
    if pattern.words[at - 1] in (ANY, VARIABLE) or _tokens(pattern, at) < WORDS_OF_A_SENTENCE:
        return False
    return rest_of(words, words.known(pattern.words[:at]), len(ids) - 1) >= BITS


def _share_of_upper(at: int, ids: Collection[int], patterns: Mapping[int, Pattern]) -> float:
    first = [patterns[id].words[at] for id in ids]
    return sum(word.isupper() and len(word) > 2 for word in first) / len(first)


def _tokens(pattern: Pattern, at: int) -> int:
    """Constant words of a head that stand apart: `sled::pagecache::iobuf` is one."""
    pairs = zip(pattern.words[:at], pattern.separators[:at], strict=True)
    return sum(word not in (ANY, VARIABLE) and (place == 0 or " " in gap) for place, (word, gap) in enumerate(pairs))
