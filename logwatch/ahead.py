"""Shapes the next batch in a process of its own while this one scores the batch before it.

Only where a source is behind (full batches in a row) and a second processor is free; everything else is shaped where it
is scored, without a detour. Cursors ride on their batches, so reading one ahead loses nothing: a commit covers only
what was processed. The results are the same bits either way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from logwatch import telemetry
from logwatch.api import Clock
from logwatch.parse.process import Dead, Worker, usable_processors
from logwatch.parse.settings import ParseSettings
from logwatch.parse.worker import Request
from logwatch.types import Bool, Int32, RecordBatch

log = telemetry.Logger(__name__)

FULL = 2048
"""Records of a batch that is worth the way to another process."""

BEHIND = 4
"""Full batches without a pause until the process is started."""

HELD = 8
"""Batches that wait behind one that is being shaped, at most."""

RETRY_S = 60.0
"""After the process has died, this long everything is shaped here."""

IDLE_S = 60.0
"""A process that had nothing to do for so long is let go."""

KNOWN = 100_000
"""Sources whose settings are remembered."""


class Ready(NamedTuple):
    """A batch whose turn it is, with what was shaped of it."""

    name: str
    records: RecordBatch
    warm: Bool | None


@dataclass(slots=True)
class _Waiting:
    ready: Ready
    number: int  # of the request; -1: shaped where it is scored
    dropped: bool = False


class Ahead:
    """Stands between the sources and the pipeline. Batches leave in the order in which they came.

    Args:
        settings: of a source, by the component that brings it and its name.
        redact: rules, as the pipeline's parser has them.
        clock: for pauses.
        processors: how many may be used; None: as many as this process may.
        rules: on templates, as the pipeline's parser has them.
    """

    def __init__(
        self, settings: Callable[[str, str], ParseSettings], redact: Sequence[str], clock: Clock,
        processors: int | None = None, rules: Sequence[Sequence[str]] = (),
    ) -> None:  # fmt: skip
        self._settings_of = settings
        self._redact, self._rules = tuple(redact), tuple(rules)
        self._clock = clock
        self._possible = (usable_processors() if processors is None else processors) >= 2
        self._queue: deque[_Waiting] = deque()
        self._kinds: dict[tuple[str, str], int] = {}  # source -> index into `_settings`
        self._settings: list[ParseSettings] = []
        self._worker: Worker | None = None
        self._full = 0  # full batches since nothing was left to read
        self._used = self._not_before = clock.monotonic()

    def start(self) -> None:
        """Start the process where there may be one: now, where much is known to come, else when much has come."""
        if self._worker is None and self._possible:
            try:
                self._worker = Worker(self._redact, self._rules)
            except (AttributeError, OSError) as error:
                self._possible = False
                log.info("lines are parsed beside nothing else", reason=str(error))

    def feed(self, name: str, records: RecordBatch, warm: Bool | None = None) -> list[Ready]:
        """Take a batch in; what is to be processed now, in order. The newest may stay until the next call.

        Args:
            name: the component that read it.
            warm: [n] as `Pipeline.process` takes it.
        """
        number = -1
        if len(records) >= FULL and (records.metrics is None or not len(records.metrics)):
            self._full += 1
            if self._at_hand():
                number = self._submit(name, records)
        self._queue.append(_Waiting(Ready(name, records, warm), number))
        return self._due(keep=number)

    def flush(self) -> list[Ready]:
        """Everything that is still held: nothing more is there to read just now."""
        self._full = 0
        if self._worker is not None and self._clock.monotonic() - self._used > IDLE_S and not self._queue:
            self._stop()
        return self._due(keep=-1, wait=True)

    def through(self, name: str, batches: Iterable[RecordBatch]) -> Iterator[Ready]:
        """All batches of one component, to their end."""
        for records in batches:
            yield from self.feed(name, records)
        yield from self.flush()

    def forget(self, lane: str) -> None:
        """Drop what is held of a lane that is no longer this worker's: whoever owns it now reads it again."""
        for waiting in self._queue:
            waiting.dropped |= waiting.ready.records.lane == lane

    def held(self, lane: str) -> int:
        """Records of a lane that have not left yet."""
        return sum(len(w.ready.records) for w in self._queue if w.ready.records.lane == lane and not w.dropped)

    def close(self) -> None:
        """End the process; what is held is dropped, and read again by whoever begins at the saved cursors."""
        self._queue.clear()
        self._stop()

    @property
    def process(self) -> int | None:
        """Its id; None where there is none."""
        return None if self._worker is None else self._worker.id

    def _due(self, keep: int, wait: bool = False) -> list[Ready]:
        """What may leave: all before the request `keep`, and without one, what is not held up by an answer."""
        out: list[Ready] = []
        while self._queue:
            first = self._queue[0]
            if first.number >= 0:
                if first.number == keep:
                    break
                if keep < 0 and not wait and len(self._queue) < HELD and not self._answered():
                    break
                self._receive(first)
            self._queue.popleft()
            if not first.dropped:
                out.append(first.ready)
        return out

    def _answered(self) -> bool:
        return self._worker is None or self._worker.answered(0.0)

    def _at_hand(self) -> bool:
        """A process that takes requests; one is started where it is worth while."""
        if self._worker is None:
            now = self._clock.monotonic()
            if self._full >= BEHIND and now >= self._not_before:
                self.start()
            return False
        try:
            return self._worker.ready()
        except Dead as error:
            self._bury(error)
            return False

    def _submit(self, name: str, records: RecordBatch) -> int:
        worker = self._worker
        assert worker is not None  # noqa: S101  # for the type checker: it is at hand
        try:
            number = worker.submit(Request.of(records.lines, *self._grouped(name, records)))
        except Dead as error:
            self._bury(error)
            return -1
        self._used = self._clock.monotonic()
        return number

    def _receive(self, first: _Waiting) -> None:
        if self._worker is None:
            return
        try:
            first.ready.records.shaped = self._worker.result(first.number)
        except Dead as error:
            self._bury(error)

    def _grouped(self, name: str, records: RecordBatch) -> tuple[list[ParseSettings], Int32]:
        """Settings of a batch, and the index of each record's among them (empty: all have the first)."""
        kinds = np.array([self._kind(name, stream.source) for stream in records.streams], np.int32)
        used = np.unique(kinds[np.unique(records.stream)])
        settings = [self._settings[kind] for kind in used.tolist()]
        if len(used) == 1:
            return settings, np.zeros(0, np.int32)
        return settings, np.searchsorted(used, kinds[records.stream]).astype(np.int32)

    def _kind(self, name: str, source: str) -> int:
        kind = self._kinds.get((name, source))
        if kind is None:
            settings = self._settings_of(name, source)
            if settings not in self._settings:
                self._settings.append(settings)
            if len(self._kinds) >= KNOWN:
                self._kinds.clear()
            kind = self._kinds[name, source] = self._settings.index(settings)
        return kind

    def _bury(self, error: Dead) -> None:
        """Go on without it."""
        telemetry.PARSERS_LOST.inc()
        log.warning("the process that parses ahead was lost; parsing goes on without it", reason=str(error))
        self._not_before = self._clock.monotonic() + RETRY_S
        for waiting in self._queue:
            waiting.number = -1
        self._stop()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
