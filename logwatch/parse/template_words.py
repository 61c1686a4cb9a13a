"""Numbers of words, so that patterns compare as integers; what each looks like, and how many patterns have it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.mask import ANY, VARIABLE
from logwatch.types import Int32

OPEN = 0
"""Number of the word that matches every word."""
MASKED = 1
"""Number of a word that is nothing but a masked value."""

UNKNOWN = -1

LOG_STEPS = 16
"""Logarithms are added up as integers: sums do not depend on the order of what is added."""

_CAMEL = re.compile("[a-z][A-Z]")


class Looks(IntEnum):
    """What a word looks like."""

    LOWER = 0
    CAPITAL = 1  # Name
    UPPER = 2  # STATE
    CAMEL = 3
    NAME = 4  # holds something that is no letter
    VALUE = 5  # holds a masked part


def looks(word: str) -> Looks:
    """What a word looks like."""
    if VARIABLE in word or word == ANY:
        return Looks.VALUE
    if not word.isalpha():
        return Looks.NAME
    if word.isupper() and len(word) > 1:
        return Looks.UPPER
    if _CAMEL.search(word):
        return Looks.CAMEL
    return Looks.CAPITAL if word[0].isupper() else Looks.LOWER


class Words:
    """Words of all patterns; rebuilt from the patterns when most words are dead."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}
        self.word: list[str] = []
        self.looks: NDArray[np.int8] = np.zeros(64, np.int8)
        self.patterns: Int32 = np.zeros(64, np.int32)
        """Patterns alive that have the word."""
        self.alive = 0
        """Patterns alive."""
        self.intern((ANY, VARIABLE))

    def known(self, words: Sequence[str]) -> list[int]:
        """Numbers of words, `UNKNOWN` for new ones."""
        number = self.number
        return [number.get(word, UNKNOWN) for word in words]

    def intern(self, words: Sequence[str]) -> list[int]:
        """Numbers of words, new ones for new words."""
        for word in words:
            if word not in self.number:
                self._add(word)
        return self.known(words)

    def count(self, words: Sequence[int], change: int) -> None:
        """One pattern more or less (`change` 1 or -1) has these words."""
        self.patterns[list(set(words))] += change
        self.alive += change

    def rarity(self, word: int, apart: int) -> float:
        """How much it says that a pattern has this word, bits: log2 of one in how many have it, but for `apart`."""
        return math.log2((self.alive + 1) / max(1, int(self.patterns[word]) - apart))

    def spread(self, words: Int32) -> float:
        """Mean of log2 of the patterns that have each of these words [n], bits, each at most 4."""
        steps = np.log2(np.maximum(self.patterns[words], 1)) * LOG_STEPS
        return int(np.minimum(steps, 4 * LOG_STEPS).astype(np.int64).sum()) / LOG_STEPS / len(words)

    def _add(self, word: str) -> None:
        number = len(self.word)
        if number == len(self.looks):
            self.looks = np.concatenate([self.looks, np.zeros_like(self.looks)])
            self.patterns = np.concatenate([self.patterns, np.zeros_like(self.patterns)])
        self.number[word] = number
        self.word.append(word)
        self.looks[number] = looks(word)
