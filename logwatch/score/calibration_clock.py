"""The event time that a source's openings stand for: aged by blocks of event time that held something."""

from __future__ import annotations

import numpy as np

from logwatch.score import tail
from logwatch.score.tail_openings import BLOCK_NS
from logwatch.score.tail_rows import Rows
from logwatch.types import Bool, Float32, Float64, Int64

MEMORY_BLOCKS = 10_080.0  # two weeks of blocks of 2 min: a budget of a few a week can still be counted
BLOCK_S = BLOCK_NS / 1e9
STEP_MOST = 720  # blocks: a jump in time (another file, a daemon that was off) counts as a day at most

CLOCK = np.dtype(
    [
        ("block", "<i8"),  # the newest block; -1 before the first
        ("blocks", "<i8"),  # blocks that held something
        ("base", "<f8"),
        ("aged", "<f8"),  # seconds, each with the weight of its block
        ("total", "<f8"),  # seconds over the source's life
        ("lines", "<i8"),  # of visits
        ("silence", "<f8"),  # nats at which a silence crosses; inf before calibration
        ("provisional", "<i8"),
    ]
)


class Clock:
    """One row for each source."""

    def __init__(self) -> None:
        self.rows = Rows(CLOCK, 1, {"block": -1, "silence": np.inf})

    def _find(self, source: Int64) -> Int64:
        return self.rows.need(source, np.zeros(len(source), dtype=np.int64))

    def advance(self, source: Int64, block: Int64) -> None:
        """Count the blocks [k] of one chunk that are new to their sources; in any order, repeats allowed."""
        if not len(source):
            return
        row = self._find(source)
        newer = block > self.rows.data["block"][row]
        if not newer.any():
            return
        keys = np.unique((source[newer] << 28) | block[newer])
        source, block = keys >> 28, keys & ((1 << 28) - 1)
        row, data = self._find(source), self.rows.data
        first = np.concatenate([[True], row[1:] != row[:-1]])
        before = np.where(first, data["block"][row], np.roll(block, 1))
        # Block 0 is "no time yet": what comes after it is the first block.
        step = np.where(before <= 0, 1, np.minimum(block - before, STEP_MOST))
        begin = np.flatnonzero(first)
        touched = row[begin]
        seconds = np.add.reduceat(step, begin) * BLOCK_S
        data["blocks"][touched] += np.diff(np.append(begin, len(row)))
        data["block"][touched] = np.maximum.reduceat(block, begin)
        data["total"][touched] += seconds
        data["aged"][touched] += seconds * self._weight(touched)
        self.rows.mark(touched)

    def _weight(self, row: Int64) -> Float64:
        weight: Float64 = np.exp(self._log_weight(row))
        return weight

    def _log_weight(self, row: Int64) -> Float64:
        data = self.rows.data
        weight: Float64 = tail.log_weight(data["blocks"][row].astype(np.float64), MEMORY_BLOCKS) - data["base"][row]
        return weight

    def weight(self, source: Int64) -> Float32:
        """Weight [n] of an opening now."""
        return self._weight(self._find(source)).astype(np.float32)

    def speak(self, source: Int64, times: Int64) -> None:
        """Sources [n], each once, have said so many lines more in visits."""
        row = self._find(source)
        self.rows.data["lines"][row] += times
        self.rows.mark(row)

    def lines(self, source: Int64) -> Int64:
        """Lines [n] of visits so far."""
        row = self._find(source)
        count: Int64 = self.rows.data["lines"][row]
        return count

    def rescale(self, source: Int64) -> Int64:
        """Scale back the sources [n] whose weight has grown too large; returns them."""
        row = self._find(source)
        heavy = row[self._log_weight(row) > tail.RESCALE]
        if len(heavy):
            self.rows.data["aged"][heavy] *= np.exp(-tail.RESCALE)
            self.rows.data["base"][heavy] += tail.RESCALE
            self.rows.mark(heavy)
        return self.rows.source[heavy]

    def seconds(self, source: Int64) -> tuple[Float64, Float64]:
        """Event time [n]: aged, in seconds of today's weight, and over the source's life; at least one block."""
        row = self._find(source)
        aged = self.rows.data["aged"][row] / self._weight(row)
        return np.maximum(aged, BLOCK_S), np.maximum(self.rows.data["total"][row], BLOCK_S)

    def is_timeless(self, source: Int64) -> Bool:
        """Which sources [n] have shown no time yet."""
        timeless: Bool = self.rows.data["block"][self._find(source)] <= 0
        return timeless

    def silence(self, source: Int64) -> tuple[Float64, Bool]:
        """Nats [n] at which a silence crosses, inf where unknown, and whether that is provisional."""
        row = self.rows.find(source, np.zeros(len(source), dtype=np.int64))
        data = self.rows.data[row]  # of another source where there is none
        return np.where(row >= 0, data["silence"], np.inf), data["provisional"] != 0

    def set_silence(self, source: Int64, nats: Float64, provisional: Bool) -> None:
        """Store what `silence` returns until the next fit."""
        row = self._find(source)
        self.rows.data["silence"][row] = nats
        self.rows.data["provisional"][row] = provisional
        self.rows.mark(row)
