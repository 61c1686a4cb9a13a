"""The loop that never ends: read, process, commit, deliver, answer; on a signal drain, then checkpoint."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

import numpy as np

from logwatch.ahead import Ahead, Ready
from logwatch.api import Clock, RecordBatch, Source, Stream
from logwatch.chunks import LONGEST, full_batch
from logwatch.control import ControlSocket, Handler
from logwatch.delivery import Delivery
from logwatch.errors import StateFull
from logwatch.lanes import Lanes
from logwatch.notify import Notifier
from logwatch.telemetry import COMMIT_SECONDS, COMMITS, LAST_COMMIT, PAUSED, Logger
from logwatch.types import Bool
from logwatch.web.asking import Asking

log = Logger(__name__)

READ_AT_LEAST = 512
"""Records of one poll, where so many wait: enough to make vectorised stages cheap. At most `LONGEST` more: few enough
to stay fair and responsive."""

COMMIT_EVERY_S = 5.0
FIRST_COMMITS_S = (0.5, 1.0, 2.0)
"""Young daemons commit sooner: one that is killed every few seconds still gets on."""

COMMIT_ALERTS_EVERY_S = 0.1
"""Alerts wait for a commit; a burst of them shares one."""

TICK_EVERY_S = 1.0
"""How often idle sources, history and the service manager are looked after."""

RETRY_FULL_S = 1.0
"""How often a commit is tried again while the disk is full."""

IDLE_WAIT_S = 0.05
"""A new line is seen within this time; the figure for a line written → alert rests on it."""

HOLDING_WAIT_S = 0.02
"""Likewise, while a line waits for what may belong to it: it is let go on time."""

REST, LONGEST_REST_S = 20, 0.2
"""Where nothing more waits the loop reads nothing for so many times as long as what it read took, at most so long: few
lines cost nearly as much as many, so lines that trickle in are taken together. A line that follows others within that
time is seen that much later."""

DRAIN_S = 5.0
"""How long a stop waits for the sinks; what they have not delivered by then is delivered after the next start."""


@dataclass
class Progress:
    """What the loop has done so far, for people."""

    records: int = 0
    alerts: int = 0
    gaps: int = 0
    paused: str = ""  # why nothing is read at the moment; empty while reading
    reloads: bool = False  # it ended to begin again with another configuration
    waiting: str = "not open yet"  # what sources wait for before they read; empty once all are ready


@dataclass
class Daemon:
    """Owns the loop. Everything it drives is handed in.

    Args:
        sources: by name; the name is the component under which its cursors are saved.
        decode: what reads the lines of a source first, by its name.
        ahead: parses the next batch beside the scoring of this one; None: each batch is parsed where it is scored.
        on_open: called when the sources are open, before the first record.
        on_tick: called about once a second and at the end, for live output.
        reload: called after `hang_up`: whether to end, so as to begin again with another configuration.
    """

    lanes: Lanes
    sources: Mapping[str, Source]
    delivery: Delivery
    clock: Clock
    ahead: Ahead | None = None
    decode: Mapping[str, Callable[[RecordBatch], RecordBatch]] = field(default_factory=dict)
    control: ControlSocket | None = None
    asking: Asking | None = None
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    notifier: Notifier = field(default_factory=Notifier)
    on_open: Callable[[], None] = lambda: None
    on_tick: Callable[[Progress], None] = lambda progress: None
    history: Callable[[], None] = lambda: None
    reload: Callable[[], bool] = lambda: False
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._hung_up = False
        self._worked = self._rests_until = 0.0  # s of work since the last rest; by the monotonic clock
        self._committed = self._ticked = self.clock.monotonic()
        self._commits = 0
        self._laned: set[str] = set()

    def stop(self) -> None:
        """Ask the loop to end after the batch in hand. Safe from a signal handler."""
        self._stop.set()

    def hang_up(self) -> None:
        """Ask the loop to look at its configuration again. Safe from a signal handler."""
        self._hung_up = True

    def run(self) -> Progress:
        """Until stopped, or until every source is exhausted; ends with a commit.

        An error ends it without one: what was half done is not saved, and is done again from the last commit.
        """
        for name, source in self.sources.items():
            align = getattr(source, "align", None)  # it has lanes of its own
            if align is not None:
                align(self._room)
                self._laned.add(name)
            source.open(self.lanes.cursors(name))
        try:
            self.on_open()
            self._look_ready()
            self.notifier.ready(self._doing())
            while not self._stop.is_set():
                if self.lanes.turn():
                    self.delivery.feed()
                going_on = self._rest() or self._read()
                self._look_after()
                if not going_on and not self._wait():
                    self._finish()
                    break
            if not self.progress.reloads:
                self.notifier.stopping()
            self._catch_up()
            self._drain()
        finally:
            self._close()
        return self.progress

    def _read(self) -> bool:
        """One turn for each source; False where none had anything new."""
        if self.progress.paused:
            return False
        read = False
        for name, source in self.sources.items():
            records = source.poll(LONGEST + READ_AT_LEAST if name in self._laned else self._room(""))
            behind = False
            if records is not None:
                read, behind = True, len(records) >= self._room(records.lane)
                records = self.decode[name](records) if name in self.decode else records
                self._feed(name, self.lanes.join(records, name))
            for released in self.lanes.release(name, behind):
                self._feed(name, released)
        return read or self._catch_up()

    def _feed(self, name: str, records: RecordBatch) -> None:
        ready = Ready(name, records, _warm(self.sources[name], records))
        self._process([ready] if self.ahead is None else self.ahead.feed(*ready))

    def _finish(self) -> None:
        """Nothing more will come: what waited for its next line, or its step's end, does so no longer."""
        for name in self.sources:
            for released in self.lanes.finish(name):
                self._feed(name, released)
        self._catch_up()
        self.progress.alerts += self.lanes.end()

    def _room(self, lane: str) -> int:
        """Records of a lane's next batch: it ends where long chunks do, unless that is but a few records away."""
        held = 0 if self.ahead is None else self.ahead.held(lane)
        size = full_batch(self.lanes.seen_in(lane) + held)
        return size if size >= READ_AT_LEAST else size + LONGEST

    def _catch_up(self) -> bool:
        """Process what was read ahead; False where nothing was."""
        held = [] if self.ahead is None or self.progress.paused else self.ahead.flush()
        self._process(held)
        return bool(held)

    def _process(self, batches: Sequence[Ready]) -> None:
        if not batches:
            return
        began = self.clock.monotonic()
        for name, records, warm in batches:
            self.progress.records += len(records)
            self.progress.gaps += len(records.gaps)
            self.progress.alerts += self.lanes.process(records, name, warm)
        self._worked += self.clock.monotonic() - began

    def _rest(self) -> bool:
        """Sleep a little, if it is not time yet to read again: what else the loop looks after does not wait."""
        left = self._rests_until - self.clock.monotonic()
        if left <= 0:
            return False
        self._stop.wait(min(left, IDLE_WAIT_S))
        return True

    def _wait(self) -> bool:
        """Sleep until more may have come; False where nothing can come any more."""
        live = [source for source in self.sources.values() if not source.exhausted()]
        if not live and not self.progress.paused:
            return False
        rest, self._worked = min(LONGEST_REST_S, REST * self._worked), 0.0
        if rest > IDLE_WAIT_S:
            self._rests_until = self.clock.monotonic() + rest
        elif self.progress.paused or not live:
            self._stop.wait(IDLE_WAIT_S)
        else:
            live[0].wait(HOLDING_WAIT_S if self.lanes.holds() else IDLE_WAIT_S)
        return True

    def _look_after(self) -> None:
        now = self.clock.monotonic()
        wait = FIRST_COMMITS_S[self._commits] if self._commits < len(FIRST_COMMITS_S) else COMMIT_EVERY_S
        if self.lanes.raised:
            wait = COMMIT_ALERTS_EVERY_S
        if now - self._committed >= (RETRY_FULL_S if self.progress.paused else wait):
            self._commit()
        if now - self._ticked >= TICK_EVERY_S:
            self._tick()
        if self._hung_up:
            self._look_again()
        for asked in (self.control, self.asking):
            if asked is not None:
                asked.serve(self.handlers)

    def _look_again(self) -> None:
        self._hung_up = False
        self.notifier.reloading()
        if self.reload():
            self.progress.reloads = True
            self.stop()
        else:
            self.notifier.ready(self._doing())

    @property
    def turned(self) -> float:
        """When the loop last came around, by the monotonic clock; from any thread."""
        return self._ticked

    def _tick(self) -> None:
        self._ticked = self.clock.monotonic()
        if not self.progress.paused:
            self.progress.alerts += self.lanes.tick()
        else:
            self._hold()
        self.delivery.feed()
        self.history()
        PAUSED.set(bool(self.progress.paused))
        self.lanes.observe()
        self.delivery.observe()
        self.on_tick(self.progress)
        self._look_ready()
        self.notifier.alive(self._doing())

    def _look_ready(self) -> None:
        """A start does not hang on a broker that is away: the service manager is told what is waited for instead."""
        waits = (str(getattr(source, "waits_for", "")) for source in self.sources.values())
        self.progress.waiting = "; ".join(dict.fromkeys(filter(None, waits)))

    def _doing(self) -> str:
        """For the service manager."""
        counts = f"reading: {self.progress.records} records, {self.progress.alerts} alerts"
        return self.progress.paused or self.progress.waiting or counts

    def _hold(self) -> None:
        """While nothing is read, sources keep what is theirs: deleted files within bounds, their place in a group."""
        for source in self.sources.values():
            for name in ("hold", "attend"):
                call = getattr(source, name, None)
                if call is not None:
                    call()

    def _commit(self) -> bool:
        self._committed = self.clock.monotonic()
        self._commits += 1
        try:
            self.lanes.commit(self.delivery.progress())
            COMMITS.inc()
            COMMIT_SECONDS.inc(self.clock.monotonic() - self._committed)
            LAST_COMMIT.set(self.clock.now() / 1e9)
        except StateFull as error:
            if not self.progress.paused:
                log.error("paused: the state cannot be written", reason=error.message, hint=error.hint)
            self.progress.paused = error.message
            return False
        self.delivery.feed()
        full = self.delivery.full()
        if self.progress.paused and not full:
            log.info("reading again")
        self.progress.paused = "a sink's outbox is full" if full else ""
        return True

    def _drain(self) -> None:
        """Drain, then checkpoint: the sinks' progress is part of the last commit."""
        self.lanes.settle(DRAIN_S)
        if self._commit() and self.delivery.drain(DRAIN_S):
            self._commit()
            self.lanes.settle(DRAIN_S)

    def _close(self) -> None:
        for source in self.sources.values():
            source.close()
        self.delivery.close()
        if self.control is not None:
            self.control.close()
        self.on_tick(self.progress)


def _warm(source: Source, records: RecordBatch) -> Bool | None:
    """Which records are older than the source's first start; None where the source knows of none."""
    until: Mapping[Stream, int] | None = getattr(source, "warm_until", None)
    if not until or not len(records):
        return None
    limit = np.array([until.get(stream, 0) for stream in records.streams], np.int64)
    return records.start < limit[records.stream]


@contextlib.contextmanager
def on_hang_up(call: Callable[[], None]) -> Iterator[None]:
    """Inside, HUP calls it; not where a terminal was closed, which ends what runs in it."""
    if sys.stderr.isatty():
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda number, frame: call())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def on_signals(stop: Callable[[], None], sources: Sequence[int] = (signal.SIGTERM, signal.SIGINT)) -> Iterator[None]:
    """Inside, TERM and INT call `stop`; a second one ends at once, as the operating system would."""

    def handle(number: int, frame: FrameType | None) -> None:
        for signum in sources:
            signal.signal(signum, signal.SIG_DFL)
        stop()

    before = [signal.signal(signum, handle) for signum in sources]
    try:
        yield
    finally:
        for signum, handler in zip(sources, before, strict=True):
            signal.signal(signum, handler)
