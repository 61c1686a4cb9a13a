"""The trusted time of each source: which line may move the clock, and where the watermark stands.

A line takes its own time where that is trusted, else its predecessor's. The rule looks at one line at a time, in the
order of the stream, so that results do not depend on batches; columns are a shortcut for the usual case.

- **Live**: a time more than 5 min ahead of the injected clock is untrusted.
- **Finished files** (`finished=True`): a time that lies further ahead of the running maximum than one hour, or than
  four times the longest step that the source ever made (at most four days), is a *jump*. It is untrusted, and so are
  the next ones that jump too, until CONFIRM of them follow the first in a row; then the clock moves, to the second
  largest of these. A line without a jump withdraws it. Lines without a time say nothing.
  A source's very first lines are taken on trust, but the clock stands only after CONFIRM more; one that falls back
  by over an hour begins anew.

Times may go back: such a line keeps its time and moves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.errors import StateCorrupt
from logwatch.parse.civil import SECOND
from logwatch.parse.partial import Partial
from logwatch.types import NO_TIME, Bool, Flag, Int32, Int64, UInt8

AHEAD = 300 * SECOND
JUMP = 3600 * SECOND
STEP_LIMIT = 86_400 * SECOND  # a longer pause must be confirmed each time: four of them bound what is taken unseen
CONFIRM = 3
BLOCK = 256  # sources a cell: 17 kB, written when one of them heard a line

_NO_TIME, _UNTRUSTED = np.uint8(Flag.NO_TIME), np.uint8(Flag.UNTRUSTED_TIME)

_STATE = np.dtype(
    [
        ("high", "<i8"),  # running maximum of trusted times
        ("last", "<i8"),  # time of the latest line
        ("step", "<i8"),  # longest trusted step ahead, ns
        ("jumps", "<i8", (CONFIRM + 1,)),  # the jump that waits to be confirmed, and those that followed it
        ("waiting", "<i4"),  # how many of them
        ("order", "<i4"),  # orders of day, month and year that are still possible; see `dateorder`
    ]
)


@dataclass(slots=True)
class Trusted:
    """What the clock says of n lines."""

    time: Int64  # [n] ns; NO_TIME before any time was seen
    high: Int64  # [n] running maximum of trusted times of the source; NO_TIME before
    flags: UInt8  # [n] Flag.NO_TIME, Flag.UNTRUSTED_TIME


class SourceClocks:
    """One clock for each source number."""

    def __init__(self, finished: bool = False) -> None:
        self.finished = finished
        self.state: NDArray[Any] = _fresh(BLOCK)
        self._dirty: set[int] = set()

    def reserve(self, sources: int) -> None:
        """Make room for source numbers below `sources`."""
        while len(self.state) < sources:
            self.state = np.concatenate([self.state, _fresh(len(self.state))])

    def advance(self, source: Int32, own: Int64, partial: Partial, now: int) -> Trusted:
        """Go through n lines in stream order.

        Args:
            source: number of each line's source.
            own: time that it bears, ns; NO_TIME where it bears none, or one without year or date.
            partial: those.
            now: the injected clock, ns.
        """
        n = len(own)
        if not n:
            return Trusted(own.copy(), own.copy(), np.zeros(0, dtype=np.uint8))
        self.reserve(int(source.max()) + 1)
        order = None if (source[0] == source).all() else np.argsort(source, kind="stable")
        if order is not None:
            source, own, partial = source[order], own[order], partial.take(order)
        starts = np.flatnonzero(np.r_[True, source[1:] != source[:-1]])
        result = self._columns(source, own, partial, now, starts)
        self._dirty.update(np.unique(source[starts] // BLOCK).tolist())
        if order is None:
            return result
        back = np.empty(n, dtype=np.int64)
        back[order] = np.arange(n)
        return Trusted(result.time[back], result.high[back], result.flags[back])

    def _columns(self, source: Int32, own: Int64, partial: Partial, now: int, starts: Int64) -> Trusted:
        """All lines, by columns where that gives what line after line would; sorted by source."""
        n = len(source)
        segment = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, n]))
        numbers = source[starts]
        state = self.state[numbers]
        own, sure = partial.resolve(own, state["high"][segment])
        timed = own != NO_TIME
        ahead = timed & (own > now + AHEAD) if not self.finished else np.zeros(n, dtype=np.bool_)
        trusted = timed & ~ahead
        before = state["high"][segment]
        high = running_max(np.where(trusted, own, NO_TIME), segment, starts, state["high"])
        slow = self._doubtful(own, trusted, high, before, state, segment, starts)
        moved = (partial.kind > 0) & (high - np.where(before == NO_TIME, high, before) >= partial.reach())
        slow |= np.logical_or.reduceat(~sure | moved, starts)
        time = _fill(np.where(trusted, own, NO_TIME), segment, starts, state["last"])
        flags = np.where(timed, np.where(ahead, _UNTRUSTED, np.uint8(0)), _NO_TIME)
        ends = np.r_[starts[1:], n] - 1
        result = Trusted(time, high, flags)
        state["last"], state["high"] = time[ends], high[ends]
        keep = ~slow
        self.state[numbers[keep]] = state[keep]
        for k in np.flatnonzero(slow).tolist():
            self._slowly(int(numbers[k]), slice(int(starts[k]), int(ends[k]) + 1), own, partial, now, result)
        return result

    def _doubtful(
        self, own: Int64, trusted: Bool, high: Int64, before: Int64, state: NDArray[Any], segment: Int64, starts: Int64
    ) -> Bool:
        """Sources [k] that must be gone through line by line; the others' longest steps are kept in `state`."""
        if not self.finished:
            return np.zeros(len(starts), dtype=np.bool_)
        previous = np.r_[np.int64(NO_TIME), high[:-1]]
        previous[starts] = before[starts]
        step = np.where(trusted, own - np.where(previous == NO_TIME, own, previous), 0)
        most = np.maximum.reduceat(step, starts)
        limit = np.maximum(JUMP, 4 * state["step"])
        slow: Bool = (most > limit) | (state["high"] == NO_TIME) | (state["waiting"] > 0)
        state["step"] = np.maximum(state["step"], np.minimum(most, STEP_LIMIT))
        return slow

    def _slowly(self, number: int, rows: slice, own: Int64, partial: Partial, now: int, result: Trusted) -> None:
        """Line by line: the rule itself."""
        one = _One(self.state[number], self.finished, now)
        kinds = partial.kind[rows].tolist()
        for i, (kind, value) in enumerate(zip(kinds, own[rows].tolist(), strict=True), rows.start):
            if kind:
                value = partial.near(i, one.reference(), now)
            result.flags[i] = one.step(value)
            result.time[i], result.high[i] = one.last, one.high
        one.save(self.state[number])

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell for each block of sources that heard a line."""
        for block in sorted(self._dirty):
            rows = self.state[block * BLOCK : (block + 1) * BLOCK]
            yield f"clock/{block:06d}", json.dumps({"v": 1}).encode() + b"\n" + rows.tobytes()
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Rebuild from all cells.

        Raises:
            StateCorrupt: a cell is of another version or size.
        """
        for name in sorted(cells):
            if not name.startswith("clock/"):
                continue
            block = int(name.removeprefix("clock/"))
            header, _, body = cells[name].partition(b"\n")
            if json.loads(header) != {"v": 1} or len(body) != BLOCK * _STATE.itemsize:
                raise StateCorrupt(f"clock cell {name} is of another version", "start with a new state directory")
            self.reserve((block + 1) * BLOCK)
            self.state[block * BLOCK : (block + 1) * BLOCK] = np.frombuffer(body, dtype=_STATE)


def _fresh(sources: int) -> NDArray[Any]:
    state = np.zeros(sources, dtype=_STATE)
    state["high"] = state["last"] = NO_TIME
    state["order"] = -1
    return state


class _One:
    """One source's clock, as plain numbers."""

    __slots__ = ("finished", "high", "jumps", "last", "longest", "now")

    def __init__(self, state: Any, finished: bool, now: int) -> None:
        self.finished, self.now = finished, now
        self.high, self.last, self.longest = int(state["high"]), int(state["last"]), int(state["step"])
        self.jumps: list[int] = state["jumps"][: int(state["waiting"])].tolist()

    def save(self, state: Any) -> None:
        state["high"], state["last"], state["step"] = self.high, self.last, self.longest
        state["waiting"] = len(self.jumps)
        state["jumps"] = 0
        state["jumps"][: len(self.jumps)] = self.jumps

    def reference(self) -> int:
        """What a time without year or date is near to; NO_TIME where nothing is known yet."""
        return self.high if self.high != NO_TIME else self.last

    def step(self, own: int) -> int:
        """Take one line's time; its flags."""
        if own == NO_TIME:
            return int(Flag.NO_TIME)
        if not self.finished:
            if own > self.now + AHEAD:
                return int(Flag.UNTRUSTED_TIME)
            self.last, self.high = own, max(self.high, own)
        elif self.high == NO_TIME:
            self._begin(own)
        elif own - self.high > max(JUMP, 4 * self.longest):
            return self._jump(own)
        else:
            self.jumps.clear()
            self.longest = max(self.longest, min(own - self.high, STEP_LIMIT))
            self.last, self.high = own, max(self.high, own)
        return 0

    def _begin(self, own: int) -> None:
        """The first lines: no clock until some agree."""
        if self.jumps and own < self.jumps[0] - JUMP:
            self.jumps.clear()
        self.last = own
        self._confirm(own)

    def _jump(self, own: int) -> int:
        if self.jumps and own < self.jumps[0] - JUMP:
            self.jumps.clear()
        if not self._confirm(own):
            return int(Flag.UNTRUSTED_TIME)
        self.last = own
        return 0

    def _confirm(self, own: int) -> bool:
        """One more that agrees; True where that was the last one needed, and the clock has moved."""
        self.jumps.append(own)
        if len(self.jumps) <= CONFIRM:
            return False
        ordered = sorted(self.jumps)  # not to the largest: one absurd line among them must not win
        steps = [ordered[0] - self.high if self.high != NO_TIME else 0, *np.diff(ordered[:-1]).tolist()]
        self.longest = max(self.longest, min(max(steps), STEP_LIMIT))
        self.high = max(self.high, ordered[-2])
        self.jumps.clear()
        return True


def running_max(values: Int64, segment: Int64, starts: Int64, before: Int64) -> Int64:
    """Running maximum [n] within each segment, going on from `before` [k]."""
    out = values.copy()
    out[starts] = np.maximum(out[starts], before)
    if len(starts) == 1:
        result: Int64 = np.maximum.accumulate(out)
        return result
    if (values[1:] >= values[:-1])[segment[1:] == segment[:-1]].all():  # the usual case: times ascend
        return np.maximum(out, before[segment])
    longest = int(np.diff(np.r_[starts, len(values)]).max())
    shift = 1
    while shift < longest:  # Hillis and Steele's parallel scan
        same = segment[shift:] == segment[:-shift]
        out[shift:] = np.where(same, np.maximum(out[shift:], out[:-shift]), out[shift:])
        shift *= 2
    return out


def _fill(values: Int64, segment: Int64, starts: Int64, before: Int64) -> Int64:
    """Each value, or the one before it in its segment where it is NO_TIME."""
    there = np.where(values != NO_TIME, np.arange(len(values)), -1)
    at = np.maximum.accumulate(there)
    return np.where(at >= starts[segment], values[at], before[segment])
