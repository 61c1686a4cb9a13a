"""Labelled cases (entities, or lines): the most that each voice said of each, and which crossed when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Float32, Int64

UNSEEN = np.iinfo(np.int64).max


class Cases:
    """Cases [n], in the order of their labels.

    Args:
        labels: which [n] are anomalous.
        voices: columns of what is said.
    """

    def __init__(self, labels: Sequence[bool], voices: int) -> None:
        n = len(labels)
        self.labels: Bool = np.array(labels, np.bool_)
        self.source: Int64 = np.full(n, -1, np.int64)
        self.first: Int64 = np.full(n, UNSEEN, np.int64)
        """[n] time of the first that was seen of it, ns; `UNSEEN`: nothing was."""
        self.said: Float32 = np.full((n, voices), np.nan, np.float32)
        self.crossed: Int64 = np.full((n, voices), UNSEEN, np.int64)
        """[n, voices] when each first crossed in it, ns."""

    @property
    def seen(self) -> Bool:
        """[n] which there was something of."""
        seen: Bool = self.first != UNSEEN
        return seen

    def see(self, case: Int64, source: Int64, time: Int64) -> None:
        """Something of cases [k], each named any number of times, happened at `time` [k]."""
        np.minimum.at(self.first, case, time)
        self.source[case] = source

    def say(self, case: Int64, values: Float32) -> None:
        """Voices said `values` [k, voices] of cases [k]."""
        np.fmax.at(self.said, case, values)

    def cross(self, case: Int64, time: Int64, masks: NDArray[np.uint64]) -> None:
        """Voices whose bits are set in `masks` [k] crossed in cases [k] at `time` [k]."""
        for voice in range(self.said.shape[1]):
            heard = (masks >> np.uint64(voice)) & np.uint64(1) == 1
            if heard.any():
                np.minimum.at(self.crossed[:, voice], case[heard], time[heard])


class EntityCases:
    """Finds the cases of keys.

    Args:
        entities: (source, entity) → anomalous.
        voices: columns of what is said.
    """

    def __init__(self, entities: Mapping[tuple[str, str], bool], voices: int) -> None:
        self.cases = Cases(list(entities.values()), voices)
        self._number = {key: number for number, key in enumerate(entities)}

    def of(self, keys: Sequence[tuple[str, str | None]]) -> Int64:
        """Numbers [k] of the cases of (source, entity) [k]; −1 where there is none."""
        found = [self._number.get((source, entity), -1) if entity is not None else -1 for source, entity in keys]
        return np.array(found, np.int64)


class LineCases:
    """Finds the cases of lines: a record of many lines is anomalous where one of them is.

    Args:
        lines: (source, physical line) → anomalous.
        starts: position [lines] of each physical line of a source's one file.
        voices: columns of what is said.
    """

    def __init__(self, lines: Mapping[tuple[str, int], bool], starts: Mapping[str, Int64], voices: int) -> None:
        self.cases = Cases(list(lines.values()), voices)
        self._starts = starts
        self._of: dict[str, tuple[Int64, Int64]] = {}
        for source, start in starts.items():
            mine = [(line, number) for number, (name, line) in enumerate(lines) if name == source and line > 0]
            mine = [(line, number) for line, number in mine if line <= len(start)]
            ordered = np.array(sorted(mine), np.int64).reshape(-1, 2)
            self._of[source] = start[ordered[:, 0] - 1], ordered[:, 1]

    def of(self, source: str, start: Int64, end: Int64) -> tuple[Int64, Int64]:
        """Rows and cases [k] of the labelled lines in records [n] of a source that lie from `start` to `end`."""
        if source not in self._of:
            none = np.zeros(0, np.int64)
            return none, none
        place, number = self._of[source]
        low, high = np.searchsorted(place, start), np.searchsorted(place, end)
        count = np.maximum(high - low, 0)
        rows = np.repeat(np.arange(len(start)), count)
        offset = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        return rows, number[low[rows] + offset]
