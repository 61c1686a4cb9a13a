"""Patterns of an earlier version of the miner, or under other rules, as they would have been learned now."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from logwatch.parse import template
from logwatch.parse.kept import MASKED, is_merged, realm_of, without_realm
from logwatch.parse.mask import ANY, CLOSING, OPENING, SCOPE_END, TAIL, VARIABLE, masked, targeted
from logwatch.parse.template import Pattern
from logwatch.parse.template_heads import has_tail
from logwatch.parse.template_rules import Rules, filled
from logwatch.parse.template_table import Table

WITHOUT_TAILS = 2
"""The version that masked numbers, paths and short quotes only, and whose patterns had no tails."""

WITHOUT_LEVELS = 3
"""The version whose scopes had no level. Of lists of pairs it kept the first key alone: their lines are new."""

_TEXT = str.maketrans({ANY: VARIABLE, OPENING: "(", CLOSING: ")"})

_LETTERS = range(0x20000, 0x2A6D7)
"""Rare letters; the first that a pattern does not hold stands in it for words that were learned to be variable, which
rules and masks leave alone. There are more than a pattern has characters."""

_BESIDE = re.compile(rf"{ANY} {VARIABLE}|{VARIABLE} {ANY}|{ANY} {ANY}")
"""Words that were learned to be variable, beside what is masked."""

Merged = Callable[[int, int], None]
"""Told loser and winner of each merge, in order."""


def migrate(table: Table, version: int, merged: Merged) -> set[int]:
    """Carry over the patterns of an earlier version; those that are one now keep the oldest id.

    Scopes had no level: a pattern whose words no other one has stands for all scopes now, unless it has no words.

    Returns:
        Ids to which the lines that they stood for may come no more.
    """
    renewed = dict(table.patterns)
    if version == WITHOUT_TAILS:  # what later versions masked would only lose by it
        renewed = {id: _masked_anew(pattern) for id, pattern in renewed.items()}
    times = Counter(pattern.words for pattern in renewed.values())
    for id, pattern in renewed.items():
        told = not {*pattern.words} <= {ANY, TAIL, VARIABLE}
        if told and times[pattern.words] == 1 and not realm_of(pattern.scope):
            renewed[id] = pattern._replace(scope=ANY)
    _renew(table, renewed, merged)
    cut_short = version == WITHOUT_LEVELS
    return {
        id
        for id, pattern in table.patterns.items()
        if not _is_reached(table, id, pattern) or (cut_short and _may_be_list(pattern))
    }


def _is_reached(table: Table, id: int, pattern: Pattern) -> bool:
    """Whether a line of the pattern comes to it, as lines are read now; which level its lines had nobody knows."""
    if is_merged(pattern.scope):
        return True
    return without_realm(pattern.scope) == ANY and (has_tail(pattern) or table.match(_masked_anew(pattern)) == id)


def _may_be_list(pattern: Pattern) -> bool:
    """Whether it ends with one pair alone, which was all that was kept of three or more."""
    words, separators = pattern.words, pattern.separators
    if words[-1:] != (VARIABLE,) or separators[-2] != "=":
        return False
    return not (words[-3:-2] == (VARIABLE,) and separators[-4] == "=" and not separators[-3].strip(" ,;"))


def follow_rules(table: Table, rules: Rules, merged: Merged) -> None:
    """Put patterns under the rules that hold now; only those are touched that these or the rules before speak of.

    What rules join is joined, with all that is known of it. What they part cannot be parted in hindsight: a pattern
    that said nothing of it stays, and lines come to new ones.
    """
    renewed = {id: _ruled(pattern, rules) for id, pattern in table.patterns.items()}
    _renew(table, {id: pattern for id, pattern in renewed.items() if pattern is not None}, merged)


def _renew(table: Table, renewed: dict[int, Pattern], merged: Merged) -> None:
    table.remove(list(renewed))
    for id in sorted(renewed):
        pattern = renewed[id]
        found = table.match(pattern)
        if found < 0:
            table.add(id, pattern)
        elif found < id:
            merged(id, found)
        else:  # a younger one that was not touched
            pattern = table.patterns[found]
            table.remove([found])
            table.add(id, pattern)
            merged(found, id)


def _masked_anew(pattern: Pattern) -> Pattern:
    if has_tail(pattern) or realm_of(pattern.scope):
        return pattern
    text = _joined(pattern)
    if _BESIDE.search(text):  # values beside each other are one to the mask
        return pattern
    scope, text = targeted(pattern.scope + SCOPE_END + text.translate(_TEXT))
    return template.split(ANY if pattern.scope == ANY else scope, masked(text))


def _ruled(pattern: Pattern, rules: Rules) -> Pattern | None:
    """The pattern under these rules; None where they and those before say nothing of it, or where its masked text alone
    does not tell how its lines are masked."""
    tail = has_tail(pattern)
    head = pattern._replace(words=pattern.words[:-1], separators=pattern.separators[:-1]) if tail else pattern
    held = {*_joined(head), *pattern.scope}
    learned = next(letter for letter in map(chr, _LETTERS) if letter not in held)
    text = _joined(head).replace(ANY, learned).translate(_TEXT).replace(VARIABLE, MASKED)
    scope = without_realm(pattern.scope).replace(ANY, learned)
    plain, key = (one.keys([text], [scope])[0].replace(MASKED, VARIABLE) for one in (Rules(), rules))
    own = targeted(plain)[1]
    if not realm_of(pattern.scope) and (key == plain or masked(own) != own):
        return None
    found_scope, text = targeted(key)
    found = filled(template.split(found_scope.replace(learned, ANY), masked(text)))
    words = tuple(word.replace(learned, ANY) for word in found.words)
    if tail and not is_merged(found.scope):
        return Pattern(found.scope, (*words, pattern.words[-1]), (*found.separators, ""))
    return found._replace(words=words)


def _joined(pattern: Pattern) -> str:
    pieces = [pattern.separators[0]]
    for word, separator in zip(pattern.words, pattern.separators[1:], strict=True):
        pieces += word, separator
    return "".join(pieces)
