"""The templates that the log LSTM knows: a bounded set of slots, each with a vector made from the template's words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.score.detectors.merges import RETIRED
from logwatch.types import Float32, Int32, Int64

CAPACITY = 1024
"""Slots: bounds the softmax (2 µs an event when full) and the model's rows."""

NEW_PER_CHUNK = 64
"""Templates admitted at one chunk's end: a flood of one-off lines must not cost a hash of every text."""

TRIAL = 5
"""Chunks, the first 1,024 events, after which a template of a model from elsewhere that never came loses its slot: what
other programs say takes no share of what this one may say next."""

ALIASES = 4096
"""Merged template ids still understood in old segments and rings; older ones become unknown."""

DENSE = 1 << 18
"""Ids below it are looked up in a table of 1 MB at most; larger ones (hashes) by bisection."""

UNKNOWN = 0
"""Slot of every template that has no slot of its own."""

_WORD = re.compile(r"[^\W\d_]+|\d+")


def text_vector(text: str, width: int) -> Float32:
    """A fixed random projection [width] of the bag of words of a template; similar texts are near each other."""
    total = np.zeros(width)
    words = _WORD.findall(text.lower())
    for word in words:
        digest = hashlib.blake2b(word.encode(), digest_size=width, person=b"logwatch").digest()
        total += np.frombuffer(digest, dtype=np.uint8).astype(np.float64) - 127.5
    # 73.9 is the deviation of a uniform byte: entries get unit variance whatever the number of words.
    vector: Float32 = (total / (73.9 * max(1.0, float(len(words))) ** 0.5)).astype(np.float32)
    return vector


class Vocabulary:
    """Maps template ids to slots 1 … capacity-1; the least recently used give way. Changes at chunk ends only.

    Args:
        text_of: the text of a template by its id.
        capacity: slots, the one of the unknown included; at most 65,536.
        width: length of a slot's vector, at most 64.
    """

    def __init__(self, text_of: Callable[[int], str], capacity: int = CAPACITY, width: int = 32) -> None:
        self.capacity = capacity
        self.size = 1  # slots ever used: tables need only that many rows
        self.base: Float32 = np.zeros((capacity, width), dtype=np.float32)
        self.ids: Int64 = np.full(capacity, -1, dtype=np.int64)
        self.used: Int64 = np.zeros(capacity, dtype=np.int64)  # chunk that last held the template
        self._text_of = text_of
        self._aliases: dict[int, int] = {}  # merged id -> slot, oldest first
        self._map: tuple[Int64, Int32] = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32))
        self._dense: Int32 | None = np.zeros(1, dtype=np.int32)
        self._dirty = self._use_dirty = False

    def slots(self, ids: NDArray[np.integer]) -> Int32:
        """Slots of template ids, of the same shape; `UNKNOWN` where an id has none."""
        if self._dense is not None:
            found: Int32 = self._dense.take(ids + 1, mode="clip")  # both ends are unknown
            return found
        keys, slots = self._map
        at = np.minimum(np.searchsorted(keys, ids), len(keys) - 1)
        return np.where(keys[at] == ids, slots[at], np.int32(UNKNOWN))

    def active(self) -> NDArray[np.bool_]:
        """[size] slots that hold a template."""
        return self.ids[: self.size] >= 0

    def begin_with(self, templates: Sequence[int]) -> None:
        """Before anything is learned: these templates have the slots 1, 2, …"""
        for slot, template in enumerate(templates[: self.capacity - 1], 1):
            self._take(slot, template, 0)
        self._use_dirty = True
        self._index()

    def learn(self, templates: NDArray[np.integer], chunk: int) -> Int64:
        """Admit the unknown templates of chunk number `chunk`, most frequent first, then in order of appearance.

        Returns:
            The slots that got another template, or lost theirs.
        """
        unused = self._untried() if chunk == TRIAL else np.zeros(0, np.int64)
        return np.union1d(self._admit(templates, chunk), unused)

    def _untried(self) -> Int64:
        unused: Int64 = np.flatnonzero((self.ids >= 0) & (self.used == 0))
        if len(unused):
            self.ids[unused] = -1
            self._aliases = {alias: to for alias, to in self._aliases.items() if to not in unused}
            self._dirty = True
            self._index()
        return unused

    def _admit(self, templates: NDArray[np.integer], chunk: int) -> Int64:
        found = self.slots(templates)
        self.used[found[found != UNKNOWN]] = chunk
        self._use_dirty = True
        unknown = templates[found == UNKNOWN]
        if not len(unknown):
            return np.zeros(0, dtype=np.int64)
        ids, firsts, counts = np.unique(unknown, return_index=True, return_counts=True)
        wanted = ids[np.lexsort((firsts, -counts))][:NEW_PER_CHUNK].tolist()
        room = self._room(len(wanted), chunk)
        for template, slot in zip(wanted, room, strict=False):
            self._take(slot, template, chunk)
        self._index()
        return np.array(room, dtype=np.int64)

    def _room(self, wanted: int, chunk: int) -> list[int]:
        free = np.flatnonzero(self.ids[1 : self.size] < 0)[:wanted] + 1
        fresh = np.arange(self.size, min(self.capacity, self.size + wanted - len(free)))
        room: list[int] = [*free.tolist(), *fresh.tolist()]
        missing = wanted - len(room)
        if missing > 0:
            stale = np.flatnonzero((self.ids >= 0) & (self.used < chunk))
            oldest = stale[np.lexsort((self.ids[stale], self.used[stale]))][:missing]
            room += oldest.tolist()
        return room

    def _take(self, slot: int, template: int, chunk: int) -> None:
        self._aliases = {alias: to for alias, to in self._aliases.items() if to != slot and alias != template}
        self.ids[slot] = template
        self.base[slot] = text_vector(self._text_of(template), self.base.shape[1])
        self.used[slot] = chunk
        self.size = max(self.size, slot + 1)
        self._dirty = True

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Follow the miner's merges (loser, winner): the winner takes over where it had no slot of its own."""
        for loser, winner in pairs:
            slots = self.slots(np.array([loser, winner]))
            lost, won = int(slots[0]), int(slots[1])
            if lost == UNKNOWN or lost == won:
                continue
            if winner == RETIRED:
                self._free(loser, lost)
            elif won == UNKNOWN and self.ids[lost] == loser:
                self.ids[lost] = winner
                self._alias(loser, lost)
            elif won == UNKNOWN:
                self._alias(winner, lost)
            else:
                if self.ids[lost] == loser:
                    self.ids[lost] = -1
                    self._aliases |= {alias: won for alias, to in self._aliases.items() if to == lost}
                self._alias(loser, won)
            self._dirty = True
            self._index()
        while len(self._aliases) > ALIASES:
            del self._aliases[next(iter(self._aliases))]
        self._index()

    def _free(self, template: int, slot: int) -> None:
        """The template is given up: whoever shares its slot is not what stands for it now."""
        self._aliases.pop(template, None)
        if self.ids[slot] == template:
            self.ids[slot] = -1
            self._aliases = {alias: to for alias, to in self._aliases.items() if to != slot}

    def _alias(self, template: int, slot: int) -> None:
        self._aliases.pop(template, None)
        self._aliases[template] = slot

    def _index(self) -> None:
        held = np.flatnonzero(self.ids >= 0)
        keys = np.concatenate([self.ids[held], np.fromiter(self._aliases.keys(), np.int64, len(self._aliases))])
        slots = np.concatenate([held, np.fromiter(self._aliases.values(), np.int64, len(self._aliases))])
        order = np.argsort(keys, kind="stable")
        self._map = (keys[order], slots[order].astype(np.int32))
        self._dense = None
        if not len(keys) or (keys.min() >= 0 and keys.max() < DENSE):
            self._dense = np.zeros(int(keys.max(initial=-1)) + 3, dtype=np.int32)
            self._dense[keys + 1] = slots

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Two cells: the slots, which change rarely, and when each was last used."""
        n = self.size
        if self._dirty:
            aliases = np.array(list(self._aliases.items()), dtype=np.int64).reshape(-1, 2)
            yield "slots", pack({"ids": self.ids[:n], "base": self.base[:n], "aliases": aliases})
        if self._use_dirty:
            yield "used", pack({"used": self.used[:n]})
        self._dirty = self._use_dirty = False

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        if "used" in cells:
            used = unpack(cells["used"])[0]["used"]
            self.used[: len(used)] = used
        if "slots" in cells:
            arrays, _ = unpack(cells["slots"])
            n = self.size = len(arrays["ids"])
            self.ids[:n], self.base[:n] = arrays["ids"], arrays["base"]
            self._aliases = dict(map(tuple, arrays["aliases"].tolist()))
            self._index()
