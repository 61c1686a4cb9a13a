"""Which events feedback is for: by the text of their template, then by what narrows its scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from logwatch.decide.feedback_scope import Scope, fits, is_said
from logwatch.types import Bool, EventBatch, Int64

NEVER = int(np.iinfo(np.int64).max)

TEXTS = 65_536
"""Templates of which it is remembered what may be for them."""

UNIT_DETECTORS = ("course", "set", "rate", "silence")
"""They judge units, not events."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One word of feedback."""

    id: str
    verdict: Literal["normal", "real"]
    scope: Scope
    until: int = NEVER  # event time, ns
    judged: int = 0  # the first step of metrics that it is for

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "scope": self.scope.dump()}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Feedback:
        """The inverse of `dump`."""
        return cls(**{**saved, "scope": Scope.load(saved["scope"])})


class Names(NamedTuple):
    """What feedback asks of the stages."""

    source: Callable[[int], str]
    entity: Callable[[int], str | None]  # of a slot of the key table
    template: Callable[[int], str]  # text
    matches: Callable[[Sequence[str], str], Bool]  # texts [n], a regular expression → [n]


class Matcher:
    """Finds the events that feedback is for."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._all: tuple[Feedback, ...] = ()
        self._by_text: dict[str, tuple[Feedback, ...]] = {}  # of those with templates

    def renew(self, all_: Sequence[Feedback]) -> None:
        """Other feedback is in force."""
        self._all = tuple(all_)
        self._by_text.clear()

    def of(self, events: EventBatch) -> Iterator[tuple[Feedback, Int64]]:
        """Feedback on events, with the rows of those that it fits; real and normal in the order in which they came."""
        unique, inverse = np.unique(events.template, return_inverse=True)
        texts = [self._names.template(number) for number in unique.tolist()]
        named: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            for feedback in self._of(text):
                named.setdefault(feedback.id, []).append(place)
        for feedback in self._all:
            if feedback.scope.templates and feedback.id not in named:
                continue
            if feedback.scope.kind or feedback.scope.detector in UNIT_DETECTORS:
                continue
            rows = np.flatnonzero(events.watermark < feedback.until)
            if feedback.scope.templates:
                rows = rows[np.isin(inverse[rows], named[feedback.id])]
            rows = self._narrowed(feedback.scope, events, rows, texts, inverse)
            if len(rows):
                yield feedback, rows

    def _of(self, text: str) -> tuple[Feedback, ...]:
        """Feedback that may fit a template, by its text."""
        found = self._by_text.get(text)
        if found is None:
            if len(self._by_text) >= TEXTS:
                self._by_text.clear()
            found = tuple(
                one for one in self._all if any(fits(own, text) or fits(text, own) for own in one.scope.templates)
            )
            self._by_text[text] = found
        return found

    def _narrowed(
        self, scope: Scope, events: EventBatch, rows: Int64, texts: Sequence[str], inverse: Int64
    ) -> Int64:  # fmt: skip
        """Those of the rows that the whole scope fits."""
        if scope.source:
            numbers = np.unique(events.source[rows])
            mine = [number for number in numbers.tolist() if self._names.source(number) == scope.source]
            rows = rows[np.isin(events.source[rows], mine)]
        if scope.templates:
            whole = np.array([scope.names(text) for text in texts], np.bool_)
            loose = [row for row in rows[~whole[inverse[rows]]].tolist() if _says(scope, events.text[row])]
            rows = np.union1d(rows[whole[inverse[rows]]], np.array(loose, np.int64)).astype(np.int64)
        if scope.value:
            rows = np.array([row for row in rows.tolist() if _has(events, row, scope.value)], np.int64)
        return self._of_entities(scope, events, rows)

    def _of_entities(self, scope: Scope, events: EventBatch, rows: Int64) -> Int64:
        if not scope.entity or not len(rows):
            return rows
        slots, inverse = np.unique(events.slot[rows], return_inverse=True)
        entities = [self._names.entity(slot) or "" for slot in slots.tolist()]
        return rows[self._names.matches(entities, scope.entity)[inverse]]


def _says(scope: Scope, line: str) -> bool:
    return any(is_said(own, line) for own in scope.templates)


def _has(events: EventBatch, row: int, value: str) -> bool:
    """Whether a line has a value: in a field, or as a word of its text."""
    fields = events.values.row(row) if events.values is not None else {}
    if any(value in (said, f"{name}={said}") for name, said in fields.items()):
        return True
    text = events.text[row]
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
        if not (_in_word(before) or _in_word(after)):
            return True
        at = text.find(value, at + 1)
    return False


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
