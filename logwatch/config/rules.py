"""Rules on templates: `[[template]]`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import SchemaValidator, ValidationError, core_schema

from logwatch.config.values import Pattern

Kind = Literal["mask", "keep", "merge", "split"]
KINDS: tuple[Kind, ...] = ("mask", "keep", "merge", "split")


def _check_matches_something(pattern: str) -> str:
    try:
        SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$")).validate_python("")
    except ValidationError:
        return pattern
    raise ValueError(f"matches nothing, which is everywhere: {pattern}")


Matching = Annotated[Pattern, AfterValidator(_check_matches_something)]


def _check_two(lines: tuple[str, ...]) -> tuple[str, ...]:
    if len(lines) < 2:
        raise ValueError("needs two lines or more, to compare")
    return lines


Lines = Annotated[tuple[str, ...], AfterValidator(_check_two)]


class TemplateRule(BaseModel):
    """One `[[template]]`: exactly one of mask, keep, merge and split; the lines are tried by `check-config`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mask: Matching | None = None  # is a variable
    keep: Matching | None = None  # is never a variable
    merge: Matching | None = None  # lines that match are one template
    split: Matching | None = None  # lines differ in whether they match, and in what the group captures
    name: str | None = None  # of what is masked, or the text of what is merged
    same: Lines | None = None  # must be one template
    different: Lines | None = None  # must be as many templates

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            said = f"has both {given[0]} and {given[1]}" if given else "has none"
            raise ValueError(f"a rule has exactly one of {', '.join(KINDS)}; this one {said}")
        if self.name is not None:
            self._check_name(self.name)
        return self

    def _check_name(self, name: str) -> None:
        if self.kind == "mask" and not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
            raise ValueError(f'name = "{name}": a variable is called by letters, as in tenant or order-id')
        if self.kind == "merge" and not (name.isprintable() and name.strip() and len(name) <= 200):
            raise ValueError("name: the text of a template is one line of 1 to 200 characters")
        if self.kind in ("keep", "split"):
            raise ValueError(f"name: what is {'kept' if self.kind == 'keep' else 'split'} is called what it is")

    @property
    def kind(self) -> Kind:
        """Which of the four it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def pattern(self) -> str:
        """Its regular expression."""
        found: str = getattr(self, self.kind)
        return found
