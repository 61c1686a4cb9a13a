"""A recorded program that runs on for ever: its lines again and again, with new values where values had been new.

Truth tells which lines come from one statement. Lines of a statement that differ in words only, and have the same
punctuation and numbers between these, are laid over each other: a place with several words there is a variable. How
often a line has a word that never was is what Good and Turing estimate from the recording: the share of its lines,
and at each place the share of its words, that were there once. A new word is letters at random, in the case and length
of a recorded one. So on and on there comes as much that is new as at the recording's end, at every variable that has
shown itself, and the statements are those of the recording. Numbers are made one before the miner sees them.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

from logwatch.parse.mask import SCOPE_END
from tests.benchmarks.templates_data import Recorded

_WORD = re.compile("([A-Za-z]+)")
OPEN = 3
"""Different words at a place that make it a variable: two may be two ways of saying it."""


@dataclass
class Place:
    """A variable: where it stands among the pieces of a line, and its recorded words."""

    piece: int
    words: list[str]  # [n] one of each line
    new: float  # probability of a word that never was


@dataclass
class Form:
    """Lines of one statement that differ in words only."""

    places: list[Place]
    new: float  # probability of a line that never was

    def line(self, pieces: list[str], rng: random.Random) -> str:
        """A line that never was, probably: one that was, with other words at its variables."""
        made = list(pieces)
        for place in self.places:
            word = rng.choice(place.words)
            made[place.piece] = fresh(word, rng) if rng.random() < place.new else word
        return "".join(made)


def fresh(word: str, rng: random.Random) -> str:
    """Letters at random, in the case of `word`."""
    return "".join(rng.choice(ascii_uppercase if letter.isupper() else ascii_lowercase) for letter in word)


def _once(items: Sequence[str]) -> float:
    """Share of the items that are there once: of what comes next, so much is new (Good 1953)."""
    return sum(count == 1 for count in Counter(items).values()) / (len(items) + 1)


def _form(lines: list[list[str]]) -> Form | None:
    """The form of lines, each in pieces; None: nothing varies in it."""
    columns = [(piece, [line[piece] for line in lines]) for piece in range(1, len(lines[0]), 2)]
    places = [Place(piece, words, _once(words)) for piece, words in columns if len(set(words)) >= OPEN]
    new = _once(["".join(line) for line in lines])
    return Form(places, new) if new and any(place.new for place in places) else None


class Replay:
    """The program's lines without end.

    Args:
        program: as it was recorded.
        seed: of all that is random.
    """

    def __init__(self, program: Recorded, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._keys = program.keys
        self._scopes = [key[: key.find(SCOPE_END) + 1] for key in program.keys]
        self._pieces = [_WORD.split(key[key.find(SCOPE_END) + 1 :]) for key in program.keys]
        alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, (statement, pieces) in enumerate(zip(program.truth, self._pieces, strict=True)):
            if statement:
                alike[(statement, *pieces[::2])].append(row)
        self._forms: list[Form | None] = [None] * len(program.keys)
        for rows in alike.values():
            form = _form([self._pieces[row] for row in rows])
            for row in rows:
                self._forms[row] = form
        self._words = [word for pieces in self._pieces for word in pieces[1::2]]
        self.new = sum(form.new for form in self._forms if form) / len(self._forms)
        """Share of the lines that never were."""

    def round(self) -> Iterator[str]:
        """As many keys as were recorded, in the recorded order."""
        rng = self._rng
        for row, (key, form) in enumerate(zip(self._keys, self._forms, strict=True)):
            if form is None or rng.random() >= form.new:
                yield key
            else:
                yield self._scopes[row] + form.line(self._pieces[row], rng)

    def spoil(self, key: str) -> str:
        """A line gone wrong: with a word that never was, or one of another line, or cut short."""
        rng, begin = self._rng, key.find(SCOPE_END) + 1
        pieces = _WORD.split(key[begin:])
        if len(pieces) < 3:
            return key
        at, kind = rng.randrange(1, len(pieces), 2), rng.randrange(3)
        if kind == 2:
            del pieces[at + 1 :]
        else:
            pieces[at] = fresh(pieces[at], rng) if kind else rng.choice(self._words)
        return key[:begin] + "".join(pieces)
