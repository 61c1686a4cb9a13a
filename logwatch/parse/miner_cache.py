"""What the miner remembers of its answers, so that almost no line is compared with patterns; empties without harm."""

from __future__ import annotations

import re
from collections.abc import Container

from logwatch.parse.mask import SCOPE_END, VARIABLE

CACHE_CHARS = 8 << 20
"""Characters of the keys of a cache, about 20 MB with its entries; past it the cache starts anew."""

MISSING = -1

MAX_HOLES = 3
"""Words of a key that no pattern has, up to which the rest of the key is looked up."""

_MASKED = frozenset(
    "true false null nil undefined b byte bytes kb mb gb tb kib mib gib tib ns us ms s sec secs second seconds "
    "min mins minute minutes hour hours hr hrs day days".split()
)
"""Words that the mask may take for a value, or for the unit of one."""

_PLAIN = re.compile(rf"[\w {VARIABLE}.,:;/@#%+*!?-]*")
"""Texts of which the mask reads each word for itself: nothing opens a group, nothing is a pair or an arrow."""


class Cache(dict[str, int]):
    """A dictionary that starts anew when its keys grow past `CACHE_CHARS`."""

    chars = 0

    def put(self, key: str, id: int) -> None:
        """Remember an answer."""
        self.chars += len(key) + 64  # a short key costs its entry
        if self.chars > CACHE_CHARS:
            self.clear()
            self.chars = len(key)
        self[key] = id

    def clear(self) -> None:
        """Forget all."""
        super().clear()
        self.chars = 0


class Holed(Cache):
    """Answers to keys but for those words that no pattern has.

    What matches such a line has a variable at each of these places, so that all lines with the same rest have one
    answer: a stream that brings a fresh word with every line ends here.
    """

    def rest(self, key: str, known: Container[str]) -> str:
        """The key with `VARIABLE` for plain words that are not `known` to any pattern; empty: none, or too many."""
        begin = key.find(SCOPE_END) + 1
        words = key[begin:].split(" ")
        holes = [at for at, word in enumerate(words) if word not in known and word.isalpha()]
        if not 0 < len(holes) <= MAX_HOLES:
            return ""
        fresh = [words[at] for at in holes]
        for at, word in zip(holes, fresh, strict=True):
            if not (word.islower() and word.isascii()) or word in _MASKED:
                return ""
            words[at] = VARIABLE
        rest = " ".join(words)
        if len(set(fresh)) < len(fresh) or any([word in rest for word in fresh]):
            return ""  # what is there twice may be a list
        return key[:begin] + rest

    def put_rest(self, rest: str, id: int) -> None:
        """Remember the answer to a rest, where fresh words change nothing in how it is masked."""
        if rest and "::" not in rest and _PLAIN.fullmatch(rest, rest.find(SCOPE_END) + 1):
            self.put(rest, id)
