"""The lanes of a Kafka source whose state follows its partitions: acquired, restored, committed and given up.

A partition that is assigned stays paused while its lane is acquired and read, beside everything else; then it goes on
from the state's own next offset. A commit is one transaction a lane, in the background: the loop only collects what
changed. Its alerts are the sinks' once it has succeeded. One that fails says nothing about what was written: the lane
is then dropped as it is, and acquired anew; if the partition has moved meanwhile, it is lost instead, and discarded.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from logwatch import __version__
from logwatch.again import Again, said
from logwatch.api import Alert, Clock
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.store import Cell, NewAlert
from logwatch.checkpoint.topic_admin import TopicSettings, explain, look
from logwatch.checkpoint.topic_begun import partitions_begun
from logwatch.checkpoint.topic_lane import Message, TopicLane
from logwatch.commit import Changes
from logwatch.errors import ConfigError, StateCorrupt, StateFull, UnreachableError
from logwatch.kafka.position import Position, load, partition_of
from logwatch.lanes import Lanes
from logwatch.pipeline import Pipeline
from logwatch.tasks import Task
from logwatch.telemetry import COMMITS, COMMITS_FAILED, EXPIRED, RESTORE_SECONDS, RESTORED, Logger

log = Logger(__name__)

COMMIT_EVERY_S = 10.0
"""How often a lane that changed is committed; one with alerts at once. What a crash lets its heir do again."""

ANSWERED_S = 120.0
"""A commit that has not ended by then has failed: where a topic was deleted meanwhile, the client tries for ever."""

FIRST_COMMIT_S = 0.2
"""A lane without a saved offset is committed as soon as it has one: "end" is somewhere else after a restart."""

BEGUN_AT_ONCE = 4
"""Commits that begin in one turn of the loop: collecting what changed takes some milliseconds a lane."""

ACQUIRED_AT_ONCE, READ_AT_ONCE = 32, 4
"""Lanes that are acquired at a time, which is all waiting, and among them those that are read, which takes memory."""

BEGINNING, CONFIGURED = -2, -3
"""Go on where the log begins, or as the source's `start` says: there is no state. As in `logwatch.sources.kafka`."""

BEGUN = "begun/"
"""Component, by that of the source, of what this machine's store began with: partitions by topic."""


Encode = Callable[[Alert], Message]
"""An alert as the record of a Kafka sink."""


class Resumes(Protocol):
    """What is needed of the source."""

    def resume(self, lane: str, offset: int, topic_id: str = "") -> None:
        """Go on with a lane from an offset of that topic."""
        ...

    def hold(self, lane: str) -> None:
        """Read no more of a lane, until it is resumed."""
        ...


@dataclass
class _Held:
    """One assigned lane."""

    state: TopicLane
    again: Again
    acquiring: Task | None = None
    pipeline: Pipeline | None = None  # None until it is restored
    committing: Task | None = None
    changes: Changes | None = None  # of the commit in flight
    committed: float = 0.0  # monotonic
    next: int = CONFIGURED  # offset that the saved state goes on from
    done: int = 0  # of the restore
    total: int = 0
    began: float = 0.0
    number: int = 0  # of the next alert in the outbox
    outbox: dict[str, NewAlert] = field(default_factory=dict)  # by the names of its cells
    alerts: list[NewAlert] = field(default_factory=list)  # of the commit in flight


class Partitions:
    """Implements the hooks of `logwatch.sources.kafka`.

    Args:
        lanes: where the pipelines run.
        component: name of the source.
        source: to be told where to go on.
        topic: settings of the state topic of an input topic.
        spill: scratch space.
        clock: for timers.
        bounded_s: how long a revoked lane may take to be saved.
        within: by name, sinks whose alerts are written by the commit's own transaction: exactly once.
    """

    def __init__(
        self, lanes: Lanes, component: str, source: Resumes, topic: Callable[[str], TopicSettings], spill: Spill,
        clock: Clock, bounded_s: float, within: Mapping[str, Encode] | None = None,
    ) -> None:  # fmt: skip
        self._within = dict(within or {})
        self._lanes = lanes
        self._component = component
        self._source = source
        self._topic = topic
        self._spill = spill
        self._clock = clock
        self._bounded_s = bounded_s
        self._held: dict[str, _Held] = {}
        self._acquiring = threading.Semaphore(ACQUIRED_AT_ONCE)
        self._reading = threading.Semaphore(READ_AT_ONCE)
        self._checked: dict[str, int] = {}  # partitions, by topic, when its state topic was looked at
        self._doubted: set[str] = set()  # topics that are to be looked at again
        self._begun: dict[str, int] = {}  # partitions, by topic, when the group's state began
        self._check = threading.Lock()
        self._waiting: list[NewAlert] = []  # committed, but not yet in this machine's outbox
        self._delivered: Mapping[str, int] | None = None  # sink -> last `seq`; None: nobody has said yet
        self._saved_once = False  # in this run, any lane
        self._moved: list[str] = []  # lanes that this machine's store need not keep any more

    def assigned(self, lanes: Sequence[str]) -> Mapping[str, int]:
        """They stay paused until they are restored."""
        for lane in lanes:
            self._give_up(lane)
            self._acquire(lane, Again())
        return {}

    def _acquire(self, lane: str, again: Again) -> None:
        topic, partition = partition_of(lane)
        settings = self._topic(topic)
        held = self._held[lane] = _Held(TopicLane(settings, lane, partition, self._spill), again)
        held.began = self._clock.monotonic()

        def progress(done: int, total: int) -> None:
            held.done, held.total = done, total

        own = begun_here(self._lanes, self._component)

        def work() -> None:
            with self._check:
                self._look(settings, partition, own)
            held.state.acquire(progress, self._reading)

        held.acquiring = Task(work, f"restore-{lane}", self._acquiring)

    def _look(self, settings: TopicSettings, partition: int, own: Mapping[str, int]) -> None:
        """See to the topics that a lane needs. A state topic that was there is not made anew: its state would be lost.

        Raises:
            ConfigError, UnreachableError: one is missing, or cannot serve.
        """
        topic = settings.of
        if partition >= self._checked.get(topic, 0) or topic in self._doubted:
            found = look(settings, make=topic not in self._begun)
            if not found.state:
                raise UnreachableError(
                    f"the state topic {settings.name} is gone",
                    "bring it back; or start logwatchd anew: it makes one, and learns afresh",
                )
            self._checked[topic] = found.partitions
            self._doubted.discard(topic)
        if topic not in self._begun:
            self._begun[topic] = partitions_begun(settings, self._topic, own)

    def turn(self) -> int:
        """Carry on with what has ended meanwhile; returns how many alerts became the sinks'. Called by the loop.

        Raises:
            ConfigError, StateCorrupt: a state topic cannot serve.
        """
        now = self._clock.monotonic()
        for lane, held in list(self._held.items()):
            if held.acquiring is not None and held.acquiring.done:
                self._acquired(lane, held)
            elif held.committing is not None and (held.committing.done or now - held.committed >= ANSWERED_S):
                self._settle(lane, held)
            elif held.again.begins(now):
                self._acquire(lane, held.again)
        self._begin_due(now)
        return self._hand_over()

    def _acquired(self, lane: str, held: _Held) -> None:
        error = held.acquiring.error if held.acquiring else None
        held.acquiring = None
        try:
            if error is None:
                self._take_over(lane, held.state)
        except StateFull as full:
            error = full
        if error is None:
            self._restore(lane, held)
        else:
            self._later(lane, held, error, "a lane could not be acquired, will try again")

    def _later(self, lane: str, held: _Held, error: BaseException, what: str) -> None:
        """Drop the lane as it is; acquire it anew in a while, unless it is lost by then.

        Raises:
            ConfigError, StateCorrupt: a topic or a right was missing from the start; later it may come back.
        """
        topic, _ = partition_of(lane)
        error = explain(error, self._topic(topic)) or error
        if isinstance(error, StateCorrupt) or (isinstance(error, ConfigError) and not self._saved_once):
            raise error
        self._lanes.drop(lane)
        self._source.hold(lane)
        held.state.abandon()
        held.pipeline, held.committing, held.changes = None, None, None
        self._doubted.add(topic)  # what is wrong may be that one of its topics is gone
        if held.again.failed(said(error), self._clock.monotonic()):
            log.warning(what, lane=lane, error=said(error), seconds=held.again.wait)

    def _restore(self, lane: str, held: _Held) -> None:
        share = 1.0 / max(1, self._checked.get(partition_of(lane)[0], 1))
        pipeline = self._lanes.build(lane, held.state, share)
        pipeline.restore()
        at = saved_position(held.state.cells(f"source/{self._component}"), lane)
        self._outbox(held, held.state.cells("outbox"))
        held.state.release()
        held.pipeline, held.committed, held.next = pipeline, self._clock.monotonic(), at.offset
        self._lanes.adopt(lane, pipeline)
        seconds = round(self._clock.monotonic() - held.began, 3)
        RESTORED.inc()
        RESTORE_SECONDS.inc(seconds)
        tell = log.debug if held.again.failures else log.info
        tell("lane restored", lane=lane, offset=at.offset, keys=len(pipeline.stages.keys), seconds=seconds)
        self._source.resume(lane, start_of(lane, at, self._begun), at.topic_id)

    def _take_over(self, lane: str, state: TopicLane) -> None:
        """Where this machine's store is ahead of the topic (it kept the state until now), go on from it."""
        own = self._lanes.store.all(lane)
        if not own:
            return
        name = f"source/{self._component}"
        mine = saved_position({cell[1]: value for cell, value in own.items() if cell[0] == name}, lane)
        theirs = saved_position(state.cells(name), lane)
        if mine.offset > theirs.offset:
            log.info("state taken over from this machine's store", lane=lane, offset=mine.offset, topic=theirs.offset)
            state.adopt(own)

    def _outbox(self, held: _Held, cells: Mapping[str, bytes]) -> None:
        """What the lane's last owner committed, and perhaps did not deliver, is ours to deliver."""
        for name in sorted(cells):
            alert = alert_of(cells[name])
            held.outbox[name], held.number = alert, int(name) + 1
            self._waiting.append(alert)

    def commit(self, delivered: Mapping[str, int]) -> None:
        """Begin to save lanes with alerts; the others have their turn when it is time.

        Args:
            delivered: sink -> the last `seq` that it delivered.
        """
        self._delivered = delivered
        for lane, held in self._held.items():
            if held.pipeline is not None and held.committing is None and held.pipeline.raised:
                self._begin(lane, held, held.pipeline)

    def _begin_due(self, now: float) -> None:
        begun = 0
        for lane, held in self._held.items():
            wait = COMMIT_EVERY_S if held.next >= 0 else FIRST_COMMIT_S
            if held.pipeline is not None and held.committing is None and now - held.committed >= wait:
                self._begin(lane, held, held.pipeline)
                begun += held.committing is not None
                if begun == BEGUN_AT_ONCE:
                    return

    def _begin(self, lane: str, held: _Held, pipeline: Pipeline) -> None:
        held.committed = self._clock.monotonic()
        changes = pipeline.take()
        try:
            held.state.spill(changes.cells)
        except StateFull:  # the store on the same disk says so, and what reads pauses
            pipeline.failed(changes)
            return
        outbox = self._progress(held, self._delivered) if self._delivered is not None else {}
        if not changes and not outbox:
            return
        held.alerts = self._outgoing(changes)
        for alert in held.alerts:
            name = f"{held.number:012d}"
            held.number += 1
            held.outbox[name] = alert
            outbox["outbox", name] = _outbox_cell(alert)
        state = held.state
        forgotten = state.forget(partial(pipeline.forgets, taken=True))
        EXPIRED.inc(len(forgotten))
        cells = {**forgotten, **changes.cells, **outbox}
        marker = self._marker(lane, held, pipeline, changes)
        messages = [message for alert in changes.alerts for message in self._messages(alert)]
        held.changes = changes
        held.committing = Task(lambda: state.commit(cells, marker, messages), f"commit-{lane}")

    def _outgoing(self, changes: Changes) -> list[NewAlert]:
        """The alerts of a commit; sinks that get them by its very transaction have them already."""
        done = "\n".join(self._within)
        return [alert._replace(done=done) for alert in changes.stored()]

    def _progress(self, held: _Held, delivered: Mapping[str, int]) -> dict[Cell, bytes | None]:
        """Cells of the outbox that changed: which sinks have an alert; once all do, it leaves."""
        cells: dict[Cell, bytes | None] = {}
        waiting = {alert.id for alert in self._waiting}
        for name, alert in list(held.outbox.items()):
            if alert.id in waiting:
                continue
            seq = self._lanes.store.seq(alert.id)
            by = {sink for sink, last in delivered.items() if seq is None or seq <= last}
            if by >= delivered.keys() - set(alert.done.split("\n")):
                cells["outbox", name] = None
                del held.outbox[name]
            elif not by <= (had := set(filter(None, alert.done.split("\n")))):
                held.outbox[name] = alert._replace(done="\n".join(sorted(had | by)))
                cells["outbox", name] = _outbox_cell(held.outbox[name])
        return cells

    def _messages(self, alert: Alert) -> Iterator[Message]:
        return (encode(alert) for encode in self._within.values())

    def _marker(self, lane: str, held: _Held, pipeline: Pipeline, changes: Changes) -> dict[str, Any]:
        cursor = changes.cells.get((f"source/{self._component}", lane))
        held.next = load(cursor).offset if cursor else held.next
        return {
            "next": held.next, "seen": pipeline.seen, "time": changes.time, "model": pipeline.model,
            "program": __version__,
        }  # fmt: skip

    def _settle(self, lane: str, held: _Held) -> bool:
        """The commit in flight has ended, or had its time; whether it saved what it was to save."""
        task, changes, pipeline = held.committing, held.changes, held.pipeline
        held.committing = held.changes = None
        if task is None or changes is None or pipeline is None:
            return True
        error = task.error if task.done else UnreachableError(f"no answer for {ANSWERED_S:.0f} s")
        if error is not None:
            COMMITS_FAILED.inc()
            self._later(lane, held, error, "a commit failed, the lane is acquired anew")
            return False
        pipeline.saved(changes)
        COMMITS.inc()
        self._saved_once = True
        if held.again.failures:
            log.info("a lane is saved again", lane=lane, failures=held.again.failures)
            held.again = Again()
        self._waiting += held.alerts
        self._moved.append(lane)
        return True

    def _hand_over(self) -> int:
        """What is committed is the sinks'; where the disk is full it waits, and is safe in the topic."""
        if not self._waiting and not self._moved:
            return 0
        with contextlib.suppress(StateFull):
            stored = self._lanes.store.commit_lanes({}, self._waiting, closed=self._moved)
            self._waiting, self._moved = [], []
            return len(stored)
        return 0

    def raised(self) -> bool:
        """Whether alerts wait for a commit that could begin now."""
        lanes = self._held.values()
        return any(held.pipeline.raised for held in lanes if held.pipeline is not None and held.committing is None)

    def settle(self, seconds: float) -> bool:
        """Save everything that changed, and wait for it; False where that took longer, or failed."""
        return not self._unsaved(list(self._held), time.monotonic() + seconds)

    def _unsaved(self, lanes: Sequence[str], until: float) -> list[str]:
        """Save what lanes hold, and wait for it; returns those for which that took longer, or failed."""
        held = [(lane, self._held[lane]) for lane in lanes if lane in self._held]
        begun = [(lane, one, self._finish(lane, one, until) and self._last(lane, one)) for lane, one in held]
        failed = [lane for lane, one, ok in begun if not (ok and self._finish(lane, one, until))]
        self._hand_over()
        return failed

    def _finish(self, lane: str, held: _Held, until: float) -> bool:
        """Wait for the commit in flight, if there is one."""
        return held.committing is None or (held.committing.wait(until) and self._settle(lane, held))

    def _last(self, lane: str, held: _Held) -> bool:
        """Begin to save what is not saved yet."""
        if held.pipeline is not None:
            self._begin(lane, held, held.pipeline)
        return True

    def revoked(self, lanes: Sequence[str]) -> None:
        """One last commit, bounded; what it does not save in time is done again by the next owner."""
        for lane in self._unsaved(lanes, time.monotonic() + self._bounded_s):
            log.warning("a revoked lane was not saved in time, and goes as it was", lane=lane)
        self.lost(lanes)

    def lost(self, lanes: Sequence[str]) -> None:
        """They belong to another worker: nothing of them is written or delivered any more."""
        for lane in lanes:
            self._give_up(lane)

    def _give_up(self, lane: str) -> None:
        held = self._held.pop(lane, None)
        if held is not None:
            self._lanes.drop(lane)
            held.state.abandon()

    def close(self) -> None:
        """Give everything up as it is. Safe to call twice."""
        self.lost(list(self._held))

    def status(self) -> Iterator[dict[str, Any]]:
        """One row a lane, for people."""
        for lane, held in sorted(self._held.items()):
            restored = held.pipeline is not None
            share = 1.0 if restored else min(0.99, held.done / held.total if held.total else 0.0)
            seen = held.pipeline.seen if held.pipeline is not None else 0
            yield {"lane": lane, "restored": share, "next": held.next, "events": seen}


def saved_position(cursors: Mapping[str, bytes], lane: str) -> Position:
    """Where a lane goes on, by its source's cells. Raises StateCorrupt."""
    try:
        return load(cursors[lane]) if lane in cursors else Position(CONFIGURED)
    except ValueError as error:
        raise StateCorrupt(f"where {lane} goes on cannot be read: {error}") from error


def begun_here(lanes: Lanes, component: str) -> dict[str, int]:
    """What this machine's store began with: partitions by topic."""
    return {topic: int(count) for topic, count in lanes.store.cells(BEGUN + component).items()}


def start_of(lane: str, at: Position, begun: Mapping[str, int]) -> int:
    """Where a lane goes on; without state from its beginning, if it came after the state began."""
    topic, partition = partition_of(lane)
    return BEGINNING if at.offset == CONFIGURED and partition >= begun[topic] else at.offset


def alert_of(cell: bytes) -> NewAlert:
    """An alert in the outbox of a lane. Raises StateCorrupt."""
    try:
        return NewAlert(**json.loads(cell))
    except (ValueError, TypeError) as error:
        raise StateCorrupt(f"an alert in the outbox of a partition cannot be read: {error}") from error


def _outbox_cell(alert: NewAlert) -> bytes:
    return json.dumps(alert._asdict()).encode()
