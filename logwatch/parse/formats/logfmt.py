"""logfmt and other `key=value` lines."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from logwatch.parse.formats.gather import Group, groups_of, picked
from logwatch.parse.formats.skeleton import LONGEST, Form, bare, by_skeleton, emptied, matched, simply, unquoted
from logwatch.parse.formats.valued import TEXT

PAIRS = 64
"""Fields of a line at most; a line of more is no logfmt."""

# Blanks by name, not as a class: the engine is twice as fast.
_VALUE = r'"(?:[^"\\]|\\.)*"|[^ \t"][^ \t]*|'
_TAKEN = rf"=(?:{_VALUE})"
_NAME = r'[^ \t="]+'
_SKELETON = re.compile(rf"(?:{_NAME}= ?)++")
_GROUP = r'("[^"\\]*+(?:\\.[^"\\]*+)*+"|[^ \t"][^ \t]*+|)'
# Possessive: linear in the length of the line, whatever is in it.
_PAIR = re.compile(rf"({_NAME}+)(?:={_GROUP}(?=[ \t]|$))?+(?:[ \t]++|$)|([^ \t]++[ \t]*+)")


def read(texts: list[str]) -> tuple[list[Group], list[int]]:
    """Fields of texts [n], values as text: groups (their rows are indices), and the texts half of which is no pair.
    Of several lines in one text the first is read."""
    texts = [text if "\n" not in text else text[: text.index("\n")] for text in texts]
    groups: list[Group] = []

    def told(skeleton: str, rows: list[int]) -> list[int]:
        form = _compiled(skeleton) if len(skeleton) <= LONGEST else None
        if form is None:
            return rows
        own = picked(texts, rows)
        found = simply(form, rows, own)
        if found is None:
            found = matched(form.pattern.fullmatch, rows, own)
            found = found._replace(columns=list(map(unquoted, found.columns)))
        if found.rows:
            groups.append(Group(found.rows, form.names, found.columns, [TEXT] * len(form.names)))
        return found.missed

    odd = by_skeleton(texts, lambda some: emptied(some, _TAKEN), told)
    records = [_one(texts[i]) for i in odd]
    groups += groups_of(odd, records)
    return groups, [i for i, record in zip(odd, records, strict=True) if record is None]


@lru_cache(maxsize=4096)
def _compiled(skeleton: str) -> Form | None:
    """For lines whose pairs are parted by single blanks, and have different names."""
    if len(skeleton) > 4096 or _SKELETON.fullmatch(skeleton) is None:
        return None
    names = tuple(skeleton.rstrip(" ").removesuffix("=").split("= "))
    if len(set(names)) < len(names) or len(names) > PAIRS or "" in names or skeleton.count("=") != len(names):
        return None
    around = (*(f"{' ' if i else ''}{re.escape(name)}=" for i, name in enumerate(names)), " ?")
    return Form(names, around, re.compile(_GROUP.join(around)))


def _one(text: str) -> dict[str, Any] | None:
    """Any line: pairs, words alone, and what is neither."""
    record: dict[str, Any] = {}
    odd = 0
    for name, value, rest in _PAIR.findall(text):
        if rest:
            odd += 1
        elif value or name not in record:
            record[name] = bare(value)
            odd += not value
    return record if record and 2 * odd <= len(record) and len(record) <= PAIRS else None
