"""What feedback speaks of: templates by their text, and what narrows them: a value, a source, entities, a detector.

Templates are matched by text, never by their numbers: feedback outlives restarts, other models and other workers. A
miner learns: where it has found further variables since, the line itself must still say what the feedback names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from logwatch.errors import UsageError

VARIABLE = "<*>"
"""A variable in the text of a template."""

MOST_TEMPLATES = 5
"""Templates of one scope: as many lines as an alert shows."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that is named must fit; what is empty fits everything."""

    templates: tuple[str, ...] = ()  # texts, `<*>` for each variable; any of them
    value: str = ""  # of one of the line's variables or fields
    source: str = ""
    entity: str = ""  # a regular expression of linear time
    detector: str = ""
    kind: str = ""  # of unit: "window", "silence", "metric"; for alerts that have no template

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Scope:
        """The inverse of `dump`."""
        return cls(**{**saved, "templates": tuple(saved.get("templates", ()))})

    def dump(self) -> dict[str, Any]:
        """What is named, for JSON."""
        named = {name: value for name, value in asdict(self).items() if value}
        return named | ({"templates": list(self.templates)} if self.templates else {})

    def covers(self, other: Scope) -> bool:
        """Whether it fits wherever the other one does."""
        if self.templates and not (other.templates and all(map(self.names, other.templates))):
            return False
        names = ("value", "source", "entity", "detector", "kind")
        return all(getattr(self, name) in ("", getattr(other, name)) for name in names)

    def meets(self, other: Scope) -> bool:
        """Whether both may fit in one place."""
        if self.templates and other.templates and not any(map(self.names, other.templates)):
            return False
        names = ("value", "source", "detector", "kind")  # whether two expressions have a word in common nobody knows
        pairs = ((getattr(self, name), getattr(other, name)) for name in names)
        return all(not a or not b or a == b for a, b in pairs)

    def names(self, text: str) -> bool:
        """Whether a template, by its text, is one of those named."""
        return any(fits(own, text) for own in self.templates)

    def said(self) -> str:
        """For people: `template "disk <*> failed" of source web`."""
        parts = [" or ".join(f'"{text}"' for text in self.templates)]
        parts[0] = parts[0] and f"template {parts[0]}"
        parts += [f"{self.kind}s"] if self.kind and not self.templates else []
        parts += [f'with the value "{self.value}"'] if self.value else []
        parts += [f"of source {self.source}"] if self.source else []
        parts += [f"of entities like {self.entity}"] if self.entity else []
        parts += [f"by the detector {self.detector}"] if self.detector else []
        return " ".join(filter(None, parts)) or "everything"


def check(scope: Scope) -> None:
    """Raises UsageError where a scope says nothing, or more than can be meant."""
    if not (scope.templates or scope.source or scope.entity):
        raise UsageError("this would fit every alert", "name a template, a source or an entity pattern")
    if len(scope.templates) > MOST_TEMPLATES:
        raise UsageError(f"a scope names at most {MOST_TEMPLATES} templates")
    for text in scope.templates:
        if not any(map(str.isalnum, text.replace(VARIABLE, ""))):
            raise UsageError(
                f'the template "{text}" has no word of its own: it would fit nearly every line',
                "give the scope by --any-template with --entity, --detector or the source",
            )
    if scope.value and not scope.templates:
        raise UsageError("a value is a value of a template", "leave --any-template out")


@lru_cache(maxsize=65_536)
def fits(pattern: str, text: str) -> bool:
    """Whether every line of a template, by its text, is one of `pattern`: word by word, `<*>` is any word."""
    own, other = pattern.split(), text.split()
    return len(own) == len(other) and all(a == b or _globs(a, b) for a, b in zip(own, other, strict=True))


def _globs(pattern: str, word: str) -> bool:
    """Linear: the constants between variables from left to right, the last one at the end."""
    first, *rest = pattern.split(VARIABLE)
    if not rest:
        return pattern == word
    if not word.startswith(first):
        return False
    at, end = len(first), len(word) - len(rest[-1])
    for constant in rest[:-1]:
        found = word.find(constant, at)
        if found < 0:
            return False
        at = found + len(constant)
    return at <= end and word.endswith(rest[-1])


def is_said(pattern: str, line: str) -> bool:
    """Whether a line says what a template's text does: its constants, in their order; linear."""
    at = 0
    for constant in filter(None, map(str.strip, pattern.split(VARIABLE))):
        found = line.find(constant, at)
        if found < 0:
            return False
        at = found + len(constant)
    return True


def untyped(template: str, types: Iterable[str]) -> str:
    """A template as an alert shows it, with `<*>` for its variables again.

    Args:
        types: that a variable may have: `<num>` is one, `\\<num>` is a word of the lines.
    """
    known = "|".join(map(re.escape, types))
    return re.sub(rf"(\\)?<(?:{known})>", lambda found: found[0][1:] if found[1] else VARIABLE, template)
