"""The parse stage: raw records in, events out.

What a line says by itself is `logwatch.parse.shape`'s; here is what needs memory: trusted times and templates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from logwatch import telemetry
from logwatch.api import Clock
from logwatch.parse.clock import JUMP
from logwatch.parse.formats.read import Failed
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Groups, Shaped, Shaper, own_stamps
from logwatch.parse.times import Times
from logwatch.types import NO_TIME, EventBatch, Int32, Int64, RecordBatch, Values

__all__ = ["LineTimes", "Miner", "ParseSettings", "Parser"]


class Miner(Protocol):
    """Names the template of each message."""

    def mine_keys(self, keys: list[str], key: Int32) -> Int32:
        """Template ids [n] of lines [n], each given by the index of its key; `keys` are all different."""
        ...


class Parser:
    """Parses the records of many sources at once.

    Args:
        settings: the settings of a source, by its number; asked once for each.
        miner: names templates.
        clock: wall time, for times ahead of it and for years that lines do not say.
        redact: built-in rules or regular expressions, see `logwatch.parse.redact`.
        finished: the input are finished files: see `logwatch.parse.clock`.
        rules: on templates, see `logwatch.parse.template_rules`.

    Raises:
        ConfigError: a rule or a setting is wrong.
    """

    def __init__(
        self,
        settings: Callable[[int], ParseSettings],
        miner: Miner,
        clock: Clock,
        redact: Sequence[str] = (),
        finished: bool = False,
        rules: Iterable[Sequence[str]] = (),
    ) -> None:
        self._settings_of = settings
        self._miner = miner
        self._clock = clock
        self._finished = finished
        self._shaper = Shaper(redact, rules)
        self._times = Times(finished)
        self.failed: list[Failed] = []  # of the latest batch: rows that are not of their source's format
        self._settings: list[ParseSettings] = []
        self._kind: dict[ParseSettings, int] = {}
        self._kind_of = np.zeros(0, dtype=np.int64)  # source number -> index into `_settings`

    def parse(self, records: RecordBatch, source: Int32, stream: Int32, first: int) -> EventBatch:
        """Events of a batch, row by row; `slot` is -1 everywhere.

        Until a source has shown a time, its watermark is NO_TIME, and the time of its lines is the injected clock's
        (live) or NO_TIME (finished files).

        Args:
            records: n records in stream order; `shaped` is used where that was done ahead.
            source: number of each record's source.
            stream: number of its stream.
            first: number of the first record in the whole run.
        """
        groups = self._groups(source)
        shaped: Shaped | None = records.shaped
        if shaped is None:
            shaped = self._shaper.shape(records.lines, groups)
        self.failed = shaped.failed
        for reason, times in Counter(failed.reason for failed in shaped.failed).items():
            telemetry.DEAD_LETTERS.inc(times, reason=reason)
        n, now = len(records), self._clock.now()
        zones = [(settings.timezone, rows) for settings, rows in groups]
        trusted = self._times.trusted(shaped.stamps, source, zones, now)
        lateness = np.zeros(n, dtype=np.int64)
        for settings, rows in groups:
            lateness[rows] = settings.lateness
        high = trusted.high
        return EventBatch(
            first=first,
            source=source,
            stream=stream,
            slot=np.full(n, -1, dtype=np.int32),
            time=trusted.time if self._finished else np.where(trusted.time == NO_TIME, now, trusted.time),
            watermark=np.where(high == NO_TIME, NO_TIME, high - lateness),
            level=shaped.level,
            template=self._miner.mine_keys(shaped.keys, shaped.key),
            start=records.start,
            end=records.end,
            flags=records.flags | shaped.invalid | trusted.flags,
            entity=shaped.entity,
            text=shaped.text,
            values=Values(shaped.fields, 0, n) if shaped.fields else None,
        )

    def _groups(self, source: Int32) -> Groups:
        """Rows of the batch by their settings."""
        if not len(source):
            return []
        new = range(len(self._kind_of), int(source.max()) + 1)
        if new:
            kinds = [self._register(self._settings_of(number)) for number in new]
            self._kind_of = np.concatenate([self._kind_of, np.array(kinds, dtype=np.int64)])
        kind = self._kind_of[source]
        if (kind == kind[0]).all():
            return [(self._settings[kind[0]], slice(None))]
        return [(self._settings[k], np.flatnonzero(kind == k)) for k in np.unique(kind).tolist()]

    def _register(self, settings: ParseSettings) -> int:
        if settings not in self._kind:
            settings.check()
            self._kind[settings] = len(self._settings)
            self._settings.append(settings)
        return self._kind[settings]

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`. The miner's cells are its own."""
        return self._times.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._times.restore(cells)


class LineTimes:
    """Times only, of one file: for merging finished files by time.

    Args:
        settings: the file's settings.
        clock: for years that lines do not say.
    """

    def __init__(self, settings: ParseSettings, clock: Clock) -> None:
        settings.check()
        self._settings = settings
        self._clock = clock
        self._times = Times(finished=True)
        self._latest = NO_TIME
        self._lowest = np.iinfo(np.int64).max  # of the first lines' own times

    def times(self, lines: list[bytes]) -> Int64:
        """Running maximum [n] of trusted times up to each line, in the order of the file; NO_TIME before any.

        While the clock does not stand yet, a line's own time, unless it is far ahead of the first ones.
        """
        stamps = own_stamps(lines, self._settings.format)
        source = np.zeros(len(lines), dtype=np.int32)
        trusted = self._times.trusted(stamps, source, [(self._settings.timezone, slice(None))], self._clock.now())
        times = trusted.high.copy()
        for i in np.flatnonzero((times == NO_TIME) & (trusted.time != NO_TIME)).tolist():
            own = int(trusted.time[i])
            self._lowest = min(self._lowest, own)
            times[i] = own if own - self._lowest <= JUMP else NO_TIME
        if len(times):
            times[0] = max(int(times[0]), self._latest)
            times = np.maximum.accumulate(times)
            self._latest = int(times[-1])
        return times
