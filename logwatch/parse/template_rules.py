"""Rules of the configuration on templates: what is a variable, what is none, which lines are one template.

They stand before all learning, between a line's message and its key. In this order, each kind in the order of the file:

    merge   lines that match are one template, whatever else they say
    keep    what matches is never a variable
    split   lines that match differ from those that do not, and in what the group captures
    mask    what matches is a variable

Of an expression with a group, its group is meant. A line is changed by its own text alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from logwatch.parse.entity import check_regex
from logwatch.parse.kept import KEPT, MARKS, MASKED, MERGED, PART_END, REALM_END, TAGS, parts_of
from logwatch.parse.literals import containing
from logwatch.parse.mask import SCOPE_END, VARIABLE, collapse
from logwatch.parse.redact import literal
from logwatch.parse.template import SHOWN, Pattern
from logwatch.types import Int64

KINDS = ("merge", "keep", "split", "mask")

MAX_PART = 128
"""Characters of a part that is kept: it becomes part of a template."""

_HOLE = "\0"  # never in a text: decoding replaces it
_BEFORE = 80
_ENDS = str.maketrans({**dict.fromkeys(("\n", TAGS, PART_END, REALM_END, SCOPE_END), " "), **dict.fromkeys(MARKS, "")})


class Rule(NamedTuple):
    """One rule. `name`: of what is masked, `tenant`; or the text of what is merged, `audit: <*>`."""

    kind: str  # of KINDS
    pattern: str
    name: str = ""


@dataclass(slots=True)
class _Marked:
    """Messages [n] on their way through the rules."""

    texts: pl.Series
    parts: dict[int, list[str]] = field(default_factory=dict)  # kept, by row
    tags: dict[int, list[str]] = field(default_factory=dict)
    whole: dict[int, str] = field(default_factory=dict)  # keys of what is merged, by row

    def keep(self, row: int, part: str) -> str:
        """The mark for a part; one too many stays as it is."""
        parts = self.parts.setdefault(row, [])
        if not part or len(parts) == len(MARKS):
            return part
        parts.append(part[:MAX_PART].translate(_ENDS))
        return MARKS[len(parts) - 1]

    def realm(self, row: int) -> str:
        """Ends with `REALM_END`; empty where nothing is told apart."""
        parts, tags = self.parts.get(row, ()), self.tags.get(row, ())
        return PART_END.join(parts) + "".join([TAGS + tag for tag in tags]) + REALM_END if parts or tags else ""


class Rules:
    """Rules, ready to use.

    Raises:
        ConfigError: a pattern is none of the linear-time engine.
    """

    def __init__(self, rules: Iterable[Sequence[str]] = ()) -> None:
        self.rules = sorted((Rule(*rule) for rule in rules), key=lambda rule: KINDS.index(rule.kind))
        self._grouped = [check_regex(rule.pattern, rule.kind) > 0 for rule in self.rules]
        self._literals = tuple(sorted({literal(rule.pattern.removeprefix("^")) for rule in self.rules}))

    def __bool__(self) -> bool:
        return bool(self.rules)

    @property
    def signature(self) -> str:
        """Equal for equal rules; empty without any."""
        return json.dumps(self.rules) if self.rules else ""

    def near(self, joined: str, lines: int) -> Int64:
        """Lines [m] that some rule may match, of as many joined by line ends."""
        if min(map(len, self._literals)) < 2:
            return np.arange(lines)
        return containing(joined.lower(), lines, self._literals)

    def keys(self, messages: list[str], scopes: list[str]) -> list[str]:
        """As `collapse`, after the rules."""
        if not self.rules or not messages:
            return collapse(messages, scopes)
        marked = _Marked(pl.Series(messages, dtype=pl.String))
        for rule, grouped in zip(self.rules, self._grouped, strict=True):
            rows = marked.texts.str.contains(rule.pattern).arg_true()
            if len(rows):
                _apply(rule, grouped, marked, rows)
        keys = [key.replace(MASKED, VARIABLE) for key in collapse(marked.texts.to_list(), scopes)]
        for row in sorted({*marked.parts, *marked.tags}):
            keys[row] = marked.realm(row) + keys[row]
        for row, key in marked.whole.items():
            keys[row] = key
        return keys

    def named(self, before: str, values: Sequence[str]) -> list[str]:
        """Names [n] that rules give to values of a variable, empty where none does; `before`: the text before it."""
        names = [""] * len(values)
        naming = [rule for rule in self.rules if rule.kind == "mask" and rule.name]
        if naming:
            texts = pl.Series([before[-_BEFORE:] + value for value in values], dtype=pl.String)
            for rule in reversed(naming):
                for row in texts.str.contains(f"(?:{rule.pattern})$").arg_true().to_list():
                    names[row] = rule.name
        return names


def _apply(rule: Rule, grouped: bool, marked: _Marked, rows: pl.Series) -> None:
    texts = marked.texts.gather(rows)
    numbers: list[int] = rows.to_list()
    if rule.kind == "merge":
        marked.whole |= dict.fromkeys(numbers, _merged(rule))
        changed = pl.Series([""] * len(numbers), dtype=pl.String)
    elif rule.kind == "mask" and not grouped:
        changed = texts.str.replace_all(rule.pattern, MASKED)
    elif rule.kind == "split" and not grouped:
        for row in numbers:
            marked.tags.setdefault(row, []).append(f"split {rule.pattern}".translate(_ENDS))
        return
    else:
        changed = _replaced(rule, grouped, marked, numbers, texts)
    marked.texts = marked.texts.scatter(rows, changed)


def _merged(rule: Rule) -> str:
    """The key of all lines of a rule: its name, kept."""
    marked = _Marked(pl.Series([], dtype=pl.String))
    pieces = (rule.name or rule.pattern).split(SHOWN, len(MARKS) - 1)
    text = VARIABLE.join([marked.keep(0, piece) for piece in pieces])
    marked.tags[0] = [MERGED]
    return marked.realm(0) + SCOPE_END + text


def _replaced(rule: Rule, grouped: bool, marked: _Marked, rows: list[int], texts: pl.Series) -> pl.Series:
    """Texts with a mark for each match, or its group; of a `split` for the first only."""
    found = texts.str.extract_all(rule.pattern).to_list()
    around = texts.str.replace_all(rule.pattern, _HOLE).to_list()
    inner = _groups(rule.pattern, found) if grouped else {}
    out = []
    for row, matches, text in zip(rows, found, around, strict=True):
        pieces = text.split(_HOLE)
        for place, match in enumerate(matches):
            if rule.kind == "split" and place:
                pieces[place] += match
                continue
            begin, value, end = inner.get(match, ("", match, "")) if grouped else ("", match, "")
            mark = marked.keep(row, value) if rule.kind != "mask" else MASKED if value else ""
            pieces[place] += begin + mark + end
        out.append("".join(pieces))
    return pl.Series(out, dtype=pl.String)


def _groups(pattern: str, found: list[list[str]]) -> dict[str, tuple[str, str, str]]:
    """What stands before, in and after the first group of each match.

    The engine does not tell where: behind what the expression begins with, where that is plain, else where it is last.
    """
    plain = re.match(r"[\w=:,@ /-]*(?=\()", pattern)
    matches = list(dict.fromkeys(match for matches in found for match in matches))
    groups = pl.Series(matches, dtype=pl.String).str.extract(pattern, 1).to_list()
    out = {}
    for match, group in zip(matches, groups, strict=True):
        begin, _, end = match.rpartition(group) if group else (match, "", "")  # a group that took no part means nothing
        if group and plain is not None and match.startswith(plain[0] + group):
            begin, end = plain[0], match[len(plain[0] + group) :]
        out[match] = (begin, group or "", end)
    return out


def filled(pattern: Pattern) -> Pattern:
    """The pattern with what was kept in the place of its marks."""
    if REALM_END not in pattern.scope:
        return pattern
    parts = parts_of(pattern.scope)

    def fill(text: str) -> str:
        return KEPT.sub(lambda mark: parts[MARKS.index(mark[0])], text)

    return pattern._replace(words=tuple(map(fill, pattern.words)), separators=tuple(map(fill, pattern.separators)))
