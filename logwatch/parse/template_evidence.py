"""Whether a word of a statement is a variable, from all that was seen at its place.

A logistic regression on what tells values from a statement's own words in any program: how many different words there
were, what they look like, what stands before and after, how much the rest says of the statement. Its weights are
fitted to recordings whose true statements are known (`tests.benchmarks.templates`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from logwatch.parse.template import Pattern
from logwatch.parse.template_words import MASKED, Looks, Words
from logwatch.types import Int32

BEFORE_NAMES = frozenset("as at by for from host in into of on to user via with".split())
"""After these words stands what is spoken of, seldom what is said of it."""

SURE = math.log(3)
"""Log-odds (3 to 1) from which a place is a variable: a statement split is mended by later lines, a merge never is."""

FEW, MANY = -8.0, 20.0
"""Bounds of the bits by which the rest of a pattern tells more than chance."""


def rest_of(words: Words, joined: Sequence[int], apart: int) -> float:
    """Bits by which the constant words of `joined` tell the statement, over what one pattern in all of them needs.

    Args:
        words: numbers and counts.
        joined: numbers of the words [w] as they would be; those that are open or masked tell nothing.
        apart: patterns that are judged, beside one: their words are not counted against them.
    """
    told = math.fsum(words.rarity(word, apart) for word in dict.fromkeys(joined) if word > MASKED)
    return told - math.log2(words.alive + 1)


def odds(pattern: Pattern, words: Words, joined: Sequence[int], place: int, values: Int32) -> float:
    """Log-odds that the word at `place` is a variable.

    Args:
        pattern: for its separators and words beside the place.
        words: numbers and counts.
        joined: numbers of the words [w] of the template as it would be.
        place: index of the word, from 0.
        values: numbers [n] of the different words seen there, at least two.
    """
    n, last = len(values), len(joined) - 1
    told = rest_of(words, joined, n - 1)
    look: list[float] = (np.bincount(words.looks[values], minlength=len(Looks)) / n).tolist()
    few = math.log2(n)
    lower = look[Looks.LOWER]
    named = place > 0 and pattern.words[place - 1].lower() in BEFORE_NAMES and joined[place - 1] > MASKED
    before = pattern.separators[place].strip()[-1:]
    after = pattern.separators[place + 1].strip()[:1]
    constants = sum(word > MASKED for word in joined)
    plain = values[words.looks[values] != Looks.VALUE]
    log_odds: float = (
        -1.49
        + 0.86 * few
        + 0.17 * few * lower
        - 1.07 * (place == 0)
        + 0.86 * (place == last)
        + 0.03 * min(MANY, max(FEW, told))
        - 0.26 * max(0.0, -told)
        + 0.23 * min(6, constants)
        + 1.35 * (look[Looks.VALUE] > 0)
        - 1.72 * lower
        - 1.06 * look[Looks.CAPITAL]
        + 0.40 * look[Looks.UPPER]
        + 0.44 * look[Looks.NAME]
        + 1.36 * (before == ":")
        + 0.49 * (before in (",", ";"))
        + 0.78 * (after == ":")
        + 0.86 * (after == "=")
        + (0.09 + 0.94 * lower) * named
        - 1.16 * (place > 0 and joined[place - 1] <= MASKED)
        - 0.32 * (place < last and joined[place + 1] <= MASKED)
        + 0.11 * (words.spread(plain) if len(plain) else 0.0)
    )
    return log_odds
