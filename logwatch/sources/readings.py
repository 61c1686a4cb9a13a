"""Sources that measure: each target is read on a schedule, in a thread of its own; each reading is one record.

A target that is slow or does not answer holds up neither the others nor the pipeline. What was read waits here until
it is polled; while too much waits, nothing is read, which is counted.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from logwatch.api import Clock
from logwatch.errors import ConfigError, StateCorrupt
from logwatch.tasks import Task
from logwatch.telemetry import DROPPED
from logwatch.types import RecordBatch, Stream

HELD = 1024
HELD_BYTES = 64 * 2**20
"""Readings that may wait, and their bytes."""

LOOK_S = 1.0
"""A thread looks at the wall clock at least so often: it may be set, and machines sleep."""

CLOSE_S = 1.0
"""How long the threads may take to end; what is stuck in the system's resolver is left behind."""

MS = 1_000_000  # ns

_PLACE = re.compile(r"\{(\w+)\}")


def _nothing() -> None:
    """There is nothing to be stopped."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is read.

    Args:
        stream: whose readings they are; the instance names its cursor.
        read: the record of a reading at a wall time, ns. Called in a thread of its own.
        stop: ends a reading in progress. Called from another thread.
    """

    stream: Stream
    read: Callable[[int], bytes]
    stop: Callable[[], None] = _nothing


class Schedule:
    """Moments an interval apart: multiples of it, shifted by an offset that is always the same for one name.

    Args:
        interval: seconds, at least 0.001.
        name: of what is read: targets of one interval are not all read at once.
    """

    def __init__(self, interval: float, name: str) -> None:
        self._interval = round(interval * 1000) * MS
        spread = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
        self._offset = spread % (self._interval // MS) * MS

    def tick(self, now: int) -> int:
        """The number of the last moment until `now`, ns."""
        return (now - self._offset) // self._interval

    def time(self, tick: int) -> int:
        """When a moment is, ns."""
        return tick * self._interval + self._offset


def named(template: str, values: Mapping[str, str], kind: str) -> str:
    """A source's name with its placeholders filled in. Raises ConfigError where one is unknown."""
    unknown = set(_PLACE.findall(template)) - values.keys()
    if unknown:
        known = ", ".join(f"{{{one}}}" for one in values)
        raise ConfigError(f"`name` of a {kind} source has no {{{min(unknown)}}} to fill in", f"it may use {known}")
    return _PLACE.sub(lambda match: values[match[1]], template)


class _Reading(NamedTuple):
    target: Target
    position: int
    line: bytes


class ReadingSource:
    """Reads targets at the moments of their schedules; implements the rest of `logwatch.api.Source`.

    A record's position is its time in ms, or one more than that of the record before where the clock was set back.
    One that begins in the middle of an interval waits for the next moment.

    Args:
        targets: all with different instances.
        interval: seconds.
        clock: wall time for the schedule.
        once: read each target at once, unless it was read since its last moment already, and stop.
    """

    def __init__(self, targets: Sequence[Target], interval: float, clock: Clock, once: bool) -> None:
        self._targets, self._interval, self._clock, self._once = targets, interval, clock, once
        self._ends = dict.fromkeys((target.stream.instance for target in targets), 0)  # positions to go on from
        self._tasks: list[Task] = []
        self._stop = threading.Event()
        self._arrived = threading.Condition()  # guards the two that follow
        self._waiting: deque[_Reading] = deque()
        self._bytes = 0

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Start. Raises StateCorrupt where a cursor cannot be read."""
        for instance in self._ends.keys() & cursors.keys():
            try:
                self._ends[instance] = int(json.loads(cursors[instance])["end"])
            except (ValueError, KeyError, TypeError) as error:
                raise StateCorrupt(f"the cursor of {instance} cannot be read: {error}") from error
        follow = self._read_once if self._once else self._follow
        self._tasks = [Task(partial(follow, target), "logwatchd-reading") for target in self._targets]

    def poll(self, max_records: int) -> RecordBatch | None:
        """What was read since the last call, without waiting."""
        for task in self._tasks:
            if task.error is not None:
                raise task.error
        with self._arrived:
            taken = [self._waiting.popleft() for _ in range(min(max_records, len(self._waiting)))]
            self._bytes -= sum(len(one.line) for one in taken)
        if not taken:
            return None
        numbers = {stream: i for i, stream in enumerate(dict.fromkeys(one.target.stream for one in taken))}
        which = np.array([numbers[one.target.stream] for one in taken], np.int32)
        start = np.array([one.position for one in taken], np.int64)
        cursor: dict[str, bytes | None] = {one.target.stream.instance: _cursor(one.position + 1) for one in taken}
        return RecordBatch(
            [one.line for one in taken], list(numbers), which, start, start + 1, np.zeros(len(taken), np.uint8), cursor
        )

    def wait(self, seconds: float) -> None:
        """Sleep until a reading arrives, at most `seconds`."""
        with self._arrived:
            if not self._waiting:
                self._arrived.wait(max(0.0, seconds))

    def exhausted(self) -> bool:
        """Whether every target was read and delivered, with `once`."""
        return self._once and all(task.done for task in self._tasks) and not self._waiting

    def close(self) -> None:
        """End readings in progress. Safe to call twice."""
        self._stop.set()
        until = time.monotonic() + CLOSE_S
        for target in self._targets:
            target.stop()
        for task in self._tasks:
            task.wait(until)

    # -- in the target's thread

    def _read_once(self, target: Target) -> None:
        schedule, now = Schedule(self._interval, target.stream.instance), self._clock.now()
        last = (self._ends[target.stream.instance] - 1) * MS
        if schedule.tick(last) != schedule.tick(now):
            self._read(target, now)

    def _follow(self, target: Target) -> None:
        schedule = Schedule(self._interval, target.stream.instance)
        last = schedule.tick(self._clock.now())
        while (now := self._next(schedule, last)) is not None:
            tick = schedule.tick(now)
            full = self._full()
            missed = max(0, tick - last - 1) + full
            if missed:
                DROPPED.inc(missed, reason="missed_reading")
            if not full:
                self._read(target, now)
            last = tick

    def _next(self, schedule: Schedule, last: int) -> int | None:
        """Wait for another moment than the last; its time, ns, or None at the end."""
        while not self._stop.is_set():
            now = self._clock.now()
            if schedule.tick(now) != last:  # or before it: the clock was set back
                return now
            self._stop.wait(min(LOOK_S, (schedule.time(last + 1) - now) / 1e9))
        return None

    def _full(self) -> bool:
        with self._arrived:
            return len(self._waiting) >= HELD or self._bytes >= HELD_BYTES

    def _read(self, target: Target, now: int) -> None:
        line = target.read(now)
        if self._stop.is_set():
            return  # it may have been ended halfway
        instance = target.stream.instance
        position = max(now // MS, self._ends[instance])
        self._ends[instance] = position + 1
        with self._arrived:
            self._waiting.append(_Reading(target, position, line))
            self._bytes += len(line)
            self._arrived.notify_all()


def _cursor(end: int) -> bytes:
    return json.dumps({"v": 1, "end": end}).encode()
