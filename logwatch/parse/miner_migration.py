"""Patterns of an earlier version of the miner, as this version would have learned them."""

from __future__ import annotations

from collections.abc import Callable

from logwatch.parse import template
from logwatch.parse.mask import ANY, CLOSING, OPENING, SCOPE_END, VARIABLE, masked, targeted
from logwatch.parse.template import Pattern
from logwatch.parse.template_table import Table

WITHOUT_TAILS = 2
"""The version that masked numbers, paths and short quotes only, and whose patterns had no tails."""

_TEXT = str.maketrans({ANY: VARIABLE, OPENING: "(", CLOSING: ")"})


def migrate(table: Table, merged: Callable[[int, int], None]) -> None:
    """Mask the patterns anew; those that are one then keep the oldest id.

    Args:
        table: as it was saved.
        merged: told loser and winner of each merge, in order.
    """
    old = dict(table.patterns)
    table.remove(list(old))
    for id in sorted(old):
        pattern = _renewed(old[id])
        winner = table.match(pattern)
        if winner < 0:
            table.add(id, pattern)
        else:
            merged(id, winner)


def _renewed(pattern: Pattern) -> Pattern:
    pieces = [pattern.separators[0]]
    for word, separator in zip(pattern.words, pattern.separators[1:], strict=True):
        pieces += word, separator
    scope, text = targeted(pattern.scope + SCOPE_END + "".join(pieces).translate(_TEXT))
    return template.split(ANY if pattern.scope == ANY else scope, masked(text))
