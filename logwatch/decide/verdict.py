"""Which voices would have opened which of a source's incidents, over its recent past.

An episode is what any voice would have alerted, grouped like incidents: voices that cross within the quiet time of
each other speak of the same. It is kept as one time and one bit a voice, so that every question about who found what
has an exact answer. What goes on for longer than `LONGEST` counts anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.types import Bool, Int64, Kind, UnitBatch

Masks = NDArray[np.uint64]
"""Bits of voices."""

QUIET_NS = 120 * 10**9  # that of incidents
LONGEST = 3600 * 10**9  # of event time
PAST = 30 * 86_400 * 10**9  # of a source's time that a verdict is about
EPISODES = 128  # of a source, the newest
VISITS = 128  # remembered by source: one whose maximum has crossed does not cross at each new line


class Voices(Protocol):
    """See `logwatch.score.voices.Voices`."""

    @property
    def names(self) -> tuple[str, ...]: ...
    def learn(self, units: UnitBatch, crossed: Bool) -> Any: ...
    def learn_anew(self, sources: Int64) -> None: ...
    def now(self, source: int) -> int: ...
    def changes(self) -> Iterable[tuple[str, bytes | None]]: ...
    def restore(self, cells: Mapping[str, bytes]) -> None: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """Incidents of one source in its recent past."""

    whole: int  # that were alerted
    missed_without: int  # of those, not found without the LSTM
    without: int  # that the vote without the LSTM would have alerted
    alone: Mapping[str, tuple[int, int]]  # by detector: of the whole's found, and alerted in all


@dataclass(slots=True)
class _Source:
    time: list[int] = field(default_factory=list)  # begin of each episode, ns; the last one may go on
    mask: list[int] = field(default_factory=list)
    last: int = 0  # ns, of the latest crossing
    visits: dict[str, int] = field(default_factory=dict)  # visit → voices that have crossed

    def hear(self, begin: int, end: int, mask: int) -> None:
        """Voices crossed from `begin` to `end`."""
        if self.time and begin - self.last <= QUIET_NS and begin - self.time[-1] <= LONGEST:
            self.mask[-1] |= mask
        else:
            self.time, self.mask = [*self.time, begin][-EPISODES:], [*self.mask, mask][-EPISODES:]
        self.last = max(self.last, end)

    def news(self, visit: str, mask: int) -> int:
        """Voices that cross in this visit for the first time."""
        known = self.visits.pop(visit, 0)
        self.visits[visit] = known | mask
        if len(self.visits) > VISITS:
            del self.visits[next(iter(self.visits))]
        return mask & ~known


class Verdict:
    """Episodes of all sources."""

    def __init__(self, voices: Voices) -> None:
        self._voices = voices
        self._of: dict[int, _Source] = {}
        self._dirty: set[int] = set()
        self.on_crossed: Callable[[UnitBatch, Int64, Masks, Masks], None] | None = None
        """Sees units, rows [k] in which any voice crosses, their bits [k], and of those to whom it is news [k]."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the voices, by their bits."""
        return self._voices.names

    def learn(self, units: UnitBatch, crossed: Bool, *, silent: bool = False) -> None:
        """One chunk's units, at its end.

        Args:
            crossed: [m] what was alerted.
            silent: the chunk was there before the first start: it teaches, and counts nowhere.
        """
        masks = self._voices.learn(units, crossed)
        rows = np.flatnonzero(masks)
        if silent or not len(rows):
            return
        rows = rows[np.argsort(units.last[rows], kind="stable")]
        told, heard = masks[rows], masks[rows]
        for at in np.flatnonzero(units.kind[rows] == Kind.VISIT).tolist():
            row = rows[at]
            source = self._of.setdefault(int(units.source[row]), _Source())
            told[at] = source.news(f"{units.stream[row]}:{units.start[row]}", int(told[at]))
        if self.on_crossed is not None:
            self.on_crossed(units, rows, heard, told)
        self._hear(units, rows[told != 0], told[told != 0])
        self._dirty.update(np.unique(units.source[rows]).tolist())

    def _hear(self, units: UnitBatch, rows: Int64, masks: Any) -> None:
        """Crossings in the order of their times."""
        for source in np.unique(units.source[rows]).tolist():
            mine = units.source[rows] == source
            time, mask = units.last[rows[mine]], masks[mine]
            blocks = (time - time[0]) // QUIET_NS  # what is said within one is one
            begin = np.flatnonzero(np.append(True, blocks[1:] != blocks[:-1]))
            joined = np.bitwise_or.reduceat(mask, begin)
            ends = time[np.append(begin[1:], len(time)) - 1]
            one = self._of.setdefault(source, _Source())
            for first, last, said in zip(time[begin].tolist(), ends.tolist(), joined.tolist(), strict=True):
                one.hear(first, last, said)

    def counted(self, source: int) -> Counted:
        """What was found by whom in the last 30 days of a source's time."""
        one, names = self._of.get(source, _Source()), self._voices.names
        since = max(self._voices.now(source), one.last) - PAST
        masks = [mask for time, mask in zip(one.time, one.mask, strict=True) if time >= since]
        whole = [mask for mask in masks if mask & 1]
        return Counted(
            len(whole),
            sum(not mask & 2 for mask in whole),
            sum(mask >> 1 & 1 for mask in masks),
            {
                name: (sum(mask >> bit & 1 for mask in whole), sum(mask >> bit & 1 for mask in masks))
                for bit, name in enumerate(names)
                if bit > 1
            },
        )

    def learn_anew(self, sources: Int64) -> None:
        """Forget these sources [s]."""
        self._voices.learn_anew(sources)
        for source in sources.tolist():
            if source in self._of:
                self._of[source] = _Source()
                self._dirty.add(source)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells of the voices, and one a source that has had an episode."""
        yield from self._voices.changes()
        for source in sorted(self._dirty):
            one = self._of[source]
            arrays = {"time": np.array(one.time, np.int64), "mask": np.array(one.mask, np.uint64)}
            yield f"of/{source:x}", pack(arrays, last=one.last, visits=one.visits, names=self._voices.names)
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`; what detectors that are gone have found is forgotten."""
        self._voices.restore(cells)
        for name, cell in cells.items():
            if name.startswith("of/"):
                arrays, facts = unpack(cell)
                place = {bit: self._place(known) for bit, known in enumerate(facts["names"])}
                masks = [_moved(mask, place) for mask in arrays["mask"].tolist()]
                visits = {visit: _moved(mask, place) for visit, mask in facts["visits"].items()}
                self._of[int(name.removeprefix("of/"), 16)] = _Source(
                    arrays["time"].tolist(), masks, facts["last"], visits
                )

    def _place(self, name: str) -> int:
        names = self._voices.names
        return names.index(name) if name in names else -1


def _moved(mask: int, place: Mapping[int, int]) -> int:
    """Bits by other names than before."""
    return sum(1 << to for bit, to in place.items() if to >= 0 and mask >> bit & 1)
