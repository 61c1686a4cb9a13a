"""A template: constant words and variables between separators, as a pattern that lines are compared with."""

from __future__ import annotations

import re
from typing import NamedTuple

from logwatch.parse.kept import MARKS
from logwatch.parse.mask import ANY, CLOSING, OPENING, TAIL, VARIABLE

MAX_WORDS = 40
"""Words of a line that are looked at; slots of a pattern fit the bits of one int64."""

MAX_PERIOD = 3
"""Words of one element of a list."""

SHOWN = "<*>"
"""A variable, as people see it."""

_SEPARATOR = re.compile(rf"""([\s=:,;()\[\]{{}}"'|<>{"".join(MARKS)}]+)""")  # what rules keep is no word
_WORD = re.compile(rf"[\w{VARIABLE}]")  # not punctuation alone
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))
_PEOPLE = str.maketrans({VARIABLE: SHOWN, ANY: SHOWN, TAIL: SHOWN, OPENING: "(", CLOSING: ")"})


class Pattern(NamedTuple):
    """Words, `VARIABLE` where a value stands, and the separators before, between and after them."""

    scope: str
    words: tuple[str, ...]  # [w]
    separators: tuple[str, ...]  # [w + 1]

    def text(self) -> str:
        """The pattern as people see it, with `<*>` for each variable."""
        parts = [self.separators[0]]
        for word, separator in zip(self.words, self.separators[1:], strict=True):
            parts += word, separator
        return "".join(parts).translate(_PEOPLE).strip()


def split(scope: str, masked: str) -> Pattern:
    """A masked text as a pattern: its first `MAX_WORDS` words; punctuation that stands alone is a separator."""
    pieces = _SEPARATOR.split(masked)
    words, gaps = pieces[::2], pieces[1::2]
    if len(words) <= MAX_WORDS and all([word.isalnum() or word == VARIABLE for word in words]):
        separators = ["", *gaps, ""]
        repeats = words.count(VARIABLE) > 1
    else:
        words, separators, repeats = _without_punctuation(pieces)
    if repeats:
        _drop_repeats(words, separators)
    return Pattern(scope, tuple(words), tuple(separators))


def _without_punctuation(pieces: list[str]) -> tuple[list[str], list[str], bool]:
    """Words and separators of a text that was split at these, and whether a value is there twice."""
    words: list[str] = []
    valued: list[str] = []
    separators = [""]
    for place, piece in enumerate(pieces):
        if place % 2 or not (piece.isalnum() or _WORD.search(piece)):
            separators[-1] += piece
            continue
        if len(words) == MAX_WORDS:
            break
        if VARIABLE in piece:
            valued.append(piece)
            if not any(map(str.isalnum, piece)):
                piece = VARIABLE
        words.append(piece)
        separators.append("")
    return words, separators, len(set(valued)) < len(valued)


def _drop_repeats(words: list[str], separators: list[str]) -> None:
    """One element of a list stands for all: `node-<*> ok node-<*> ok` is `node-<*> ok`."""
    for period in range(1, MAX_PERIOD + 1):
        place = len(words) - 2 * period
        while place >= 0:
            element, after = words[place : place + period], words[place + period : place + 2 * period]
            if element == after and any(VARIABLE in word for word in element) and _listed(separators[place + period]):
                del words[place + period : place + 2 * period]
                del separators[place + period : place + 2 * period]
                place = min(place, len(words) - 2 * period)
            else:
                place -= 1


def _listed(separator: str) -> bool:
    """Whether two elements of a list may stand on either side: not `a (b`, `a=b`, `(a) [b`."""
    opened = any(begin in separator and end not in separator for begin, end in _BRACKETS)
    return not opened and not any(c in separator for c in "=\"'")


def parameters(pattern: str, text: str) -> list[str]:
    """Raw values of `text` at each `<*>` of a pattern, found left to right between its constants; linear time.

    Where the text does not follow the pattern (it was cut, or another member of a merged template), constants that are
    not found are passed over, and a value that cannot be told from its neighbour is empty.
    """
    constants = [part.strip() for part in pattern.split(SHOWN)]
    values: list[str] = []
    at = _after(text, constants[0], 0)
    for constant in constants[1:-1]:
        found = text.find(constant, at) if constant else -1
        if constant and found < 0:
            values.append("")
            continue
        end = found if constant else _word_end(text, at)
        values.append(text[at:end].strip())
        at = end + len(constant)
    if len(constants) > 1:
        last = constants[-1]
        end = text.rfind(last, at) if last else len(text)
        values.append(text[at : end if end >= 0 else len(text)].strip())
    return values


def _after(text: str, constant: str, at: int) -> int:
    found = text.find(constant, at)
    return at if found < 0 else found + len(constant)


def _word_end(text: str, at: int) -> int:
    begin = at + len(text[at:]) - len(text[at:].lstrip())
    match = _SEPARATOR.search(text, begin)
    return match.start() if match else len(text)
