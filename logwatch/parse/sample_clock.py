"""The trusted time of samples, by the same rule as that of lines: see `logwatch.parse.clock`.

What one record says of one time is one line to the clock, however many series it tells of: one absurd scrape of a
thousand samples must not confirm itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from logwatch.parse.clock import SourceClocks
from logwatch.parse.partial import Partial
from logwatch.samples import Samples
from logwatch.telemetry import MARKED_SAMPLES
from logwatch.types import NO_TIME, Flag, Int32, Int64

LATEST = 2**62
"""Times beyond it (2116), and those before 1970, are none."""


class SampleClock:
    """Judges times of samples; keeps each source's clock.

    Args:
        finished: the files do not grow: a jump must be confirmed; else a time may be 5 min ahead of now.
    """

    def __init__(self, finished: bool) -> None:
        self._clocks = SourceClocks(finished)

    def trusted(self, samples: Samples, source: Int32, now: int) -> tuple[Samples, Int64]:
        """Samples with trusted times, and the largest one of the source up to each sample [k], ns.

        A sample without a trusted time takes the one before it of its source; NO_TIME before any.

        Args:
            source: [rows] number of each record's source.
            now: the injected clock, ns.
        """
        n = len(samples)
        own = np.where((samples.time > 0) & (samples.time <= LATEST), samples.time, NO_TIME)
        fresh = np.ones(n, np.bool_)
        fresh[1:] = (samples.row[1:] != samples.row[:-1]) | (own[1:] != own[:-1])
        lines = np.flatnonzero(fresh)
        zero = np.zeros(len(lines), np.int64)
        nothing = Partial(zero.astype(np.uint8), zero, zero, zero)
        trusted = self._clocks.advance(source[samples.row[lines]], own[lines], nothing, now)
        of = np.cumsum(fresh) - 1
        untrusted = int(np.count_nonzero(trusted.flags[of] & Flag.UNTRUSTED_TIME))
        if untrusted:
            MARKED_SAMPLES.inc(untrusted, mark="untrusted_time")
        return replace(samples, time=trusted.time[of]), trusted.high[of]

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        return self._clocks.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._clocks.restore(cells)
