"""What the rules of the configuration keep of a line: beside its text, so that no mask and no evidence can touch it.

A mark stands in the text where it was; the parts themselves stand before the scope of the key, as the line's realm.
Lines of different realms are never one template.
"""

from __future__ import annotations

import re

MASKED = "\x05"
"""Stands in a message for what a rule masks; `\\0` in its key."""

MARKS = tuple(map(chr, range(0x0E, 0x16)))
"""Stand in a text for the first, second, … part that was kept. No text of a line holds such a character."""

KEPT = re.compile(f"([{MARKS[0]}-{MARKS[-1]}])")

TAGS, PART_END, REALM_END = "\x1c", "\x1d", "\x1e"
"""A realm is its parts, each but the last with an end; then what tells apart without being in the text."""


def realm_of(scope: str) -> str:
    """The realm of a scope, with its end; empty where it has none."""
    return scope[: scope.find(REALM_END) + 1]


def without_realm(scope: str) -> str:
    """The scope as the line's header named it."""
    return scope[scope.find(REALM_END) + 1 :]


def parts_of(scope: str) -> list[str]:
    """The parts that the marks stand for."""
    return realm_of(scope)[:-1].partition(TAGS)[0].split(PART_END)


MERGED = "merge"
"""The tag of lines that a rule makes one template, whatever else they say."""


def is_merged(scope: str) -> bool:
    """Whether a rule said all there is to say of these lines."""
    return realm_of(scope).endswith(f"{TAGS}{MERGED}{REALM_END}")
