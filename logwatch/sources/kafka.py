"""The Kafka source. Its contract with whoever keeps the state of its partitions:

A lane is a partition, named `{topic}-{partition}`; a RecordBatch holds records of one lane, with `lane` set and
`cursor = {lane: cell}` (`logwatch.kafka.position.next_offset(cell)` is the offset to go on from).

`source.hooks` (a `LaneHooks`, set before `open`) is told what happens to lanes. Hooks are called by `poll`, `wait`
and `attend`, on their caller's thread, between two batches: what was handed out before has been processed.

- `assigned(lanes)`: these lanes are ours now, and paused. Returns where to go on at once: lane → offset, `BEGINNING`,
  `END` or `CONFIGURED` (no state: as `start` says; of a lane that came after the state began, `BEGINNING`). A lane that
  is missing in the answer stays paused until `source.resume(lane, offset)`; polling for the others, and membership, go
  on meanwhile. None as hook: the cursors of `open` decide.
- `revoked(lanes)`: these lanes go to another worker when the hook returns: save what it needs. Bounded: after
  `revoke_timeout` (a setting) the lanes go anyway, and `lost` is called for them as soon as the hook has returned.
- `lost(lanes)`: these lanes already belong to another worker: discard their state, write nothing.

After `revoked` or `lost` no record of the lane comes any more, and records that were read ahead are dropped. A daemon
that is paused calls `attend()` now and then instead of `poll`: hooks run, nothing is handed out. Membership does not
depend on either: a thread of the source polls by itself, and pauses partitions that have enough read ahead. `close`
calls no hook: what was committed before is all there is. `source.assigned` are the lanes held now; `source.ready`
says whether the group has given us our share and every lane of it was resumed, `source.waits_for` what is missing.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from logwatch.api import Clock, plugin
from logwatch.errors import StateCorrupt
from logwatch.kafka import position
from logwatch.kafka.diagnosis import check_files
from logwatch.kafka.position import Position
from logwatch.sources.kafka_board import BEGINNING, CONFIGURED, END, Assigned, Board, Event, Lost, Revoked
from logwatch.sources.kafka_config import KafkaConfig
from logwatch.sources.kafka_lane import Lane, Piece
from logwatch.sources.kafka_naming import DEFAULT, Naming, checked
from logwatch.telemetry import DROPPED, Logger
from logwatch.types import Flag, Gap, RecordBatch, UInt8

if TYPE_CHECKING:
    from logwatch.sources.kafka_reader import Reader

__all__ = ["BEGINNING", "CONFIGURED", "END", "KafkaConfig", "KafkaSource", "LaneHooks"]

log = Logger(__name__)

HOLD_S, HOLD_LANE_S, HOLD_MAX_S = 0.05, 0.005, 1.0
"""Records of a lane are held until they make a full batch, or for so long: more where there are more lanes, so that
a thousand partitions do not mean a thousand tiny batches."""

STALLED_S = 120.0
"""A client that did not come back from a call for so long is given up, and a fresh one is made."""

CLOSE_S = 8.0

TOPICS = "topics"
"""Name of the cursor that knows which topics were there at the first start: partitions added later are read whole.
Where hooks keep the state, they know it instead."""


def _nothing(lanes: Sequence[str]) -> None:
    """Nobody keeps state."""


@dataclass(frozen=True, slots=True)
class LaneHooks:
    """Who is told about lanes; see the module."""

    assigned: Callable[[Sequence[str]], Mapping[str, int]] | None = None
    revoked: Callable[[Sequence[str]], None] = _nothing
    lost: Callable[[Sequence[str]], None] = _nothing


@plugin(kind="source", name="kafka", api=(1, 0), config=KafkaConfig)
class KafkaSource:
    """Reads this worker's share of some topics.

    Args:
        config: its settings.
        clock: for timers.
        name: the sources' names: `{topic}`, `{partition}`, `{key}` and `{host}` are filled in.

    Raises:
        ConfigError: `name` has other placeholders.
    """

    def __init__(self, config: KafkaConfig, clock: Clock, name: str = DEFAULT) -> None:
        self.hooks = LaneHooks()
        self._config = config
        self._clock = clock
        self._name = checked(name)
        self._board = Board()
        self._reader: Reader | None = None
        self._saved: dict[str, Position] = {}
        self._naming: dict[str, Naming] = {}
        self._known: set[str] = set()  # topics that were there when this state began
        self._closed = False
        self._room: Callable[[str], int] | None = None
        self._most = 1  # records that were asked for last

    def align(self, room: Callable[[str], int]) -> None:
        """Hand out batches that suit each lane's pipeline: `room` says how many records of a lane make a full one."""
        self._room = room

    @property
    def assigned(self) -> list[str]:
        """Lanes held now, sorted."""
        with self._board.changed:
            return sorted(self._board.lanes)

    @property
    def ready(self) -> bool:
        """Whether the group has given us our share, and all of it is being read."""
        return not self.waits_for

    @property
    def waits_for(self) -> str:
        """What it waits for before it reads its whole share, for people; empty while it does."""
        with self._board.changed:
            board = self._board
            left, lanes = sum(not lane.reading for lane in board.lanes.values()), len(board.lanes)
            if not board.assigned_once:
                return "waiting for Kafka"
            return f"restoring {left} of {lanes} partitions" if left or board.events else ""

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Start; brokers that are not there are waited for. Raises StateCorrupt, ConfigError."""
        try:
            # Who keeps the state says what came later; otherwise our own cursors do.
            self._known = set(json.loads(cursors.get(TOPICS, b"[]"))) if self.hooks.assigned is None else set()
            self._saved = {lane: position.load(cell) for lane, cell in cursors.items() if lane != TOPICS}
        except (ValueError, TypeError) as error:
            raise StateCorrupt(f"a cursor of the Kafka source cannot be read: {error}") from error
        check_files(self._config)
        self._reader = self._new_reader()

    def _new_reader(self) -> Reader:
        from logwatch.sources.kafka_reader import Reader  # the client takes 0.3 s to import

        member = self._config.group_instance_id.replace("{host}", socket.gethostname())
        return Reader(self._config, member, self._board, self._clock)

    def poll(self, max_records: int) -> RecordBatch | None:
        """The next records of one lane. Raises LogwatchError where reading cannot go on."""
        self.attend()
        now, self._most = self._clock.monotonic(), max_records
        with self._board.changed:
            lane = self._due(now)
            piece = lane.take(self._full(lane), now) if lane is not None else None
            topic_id = lane.topic_id if lane is not None else ""
        return self._batch(lane.name, piece, topic_id) if lane is not None and piece is not None else None

    def attend(self) -> None:
        """Run the hooks that wait, and hand out nothing. Raises LogwatchError where reading cannot go on."""
        while True:
            with self._board.changed:
                event = self._board.events.popleft() if self._board.events else None
                failure = self._board.failure
            if event is None:
                break
            self._tell(event)
        if failure is not None:
            raise failure
        self._replace_stalled()

    def resume(self, lane: str, offset: int, topic_id: str = "") -> None:
        """Read a lane from an offset on, or from BEGINNING, END or CONFIGURED; nothing where it is ours no more.

        A lane that is being read already starts over there. Args: topic_id: of the topic that the offset belongs to.
        """
        with self._board.changed:
            held = self._board.lanes.get(lane)
            if held is not None:
                saved = self._saved.get(lane)
                if offset == CONFIGURED and held.first is not None:
                    offset = held.first  # nothing was saved since it began: "end" is somewhere else by now
                elif offset == CONFIGURED and saved is None and position.partition_of(lane)[0] in self._known:
                    offset = BEGINNING  # it was added to the topic: whatever it holds is new
                if topic_id or (saved is not None and saved.offset == offset):
                    held.topic_id = topic_id or (saved.topic_id if saved is not None else "")
                held.reading = False
                held.drop()
                self._board.starting[lane] = offset

    def hold(self, lane: str) -> None:
        """Read no more of a lane until it is resumed, and forget what was read ahead of it."""
        with self._board.changed:
            held = self._board.lanes.get(lane)
            if held is not None:
                held.reading = False
                held.drop()
                self._board.starting.pop(lane, None)

    def wait(self, seconds: float) -> None:
        """Sleep until a lane has records for a batch, or a hook must run; at most `seconds`."""
        deadline = self._clock.monotonic() + seconds
        with self._board.changed:
            while not self._board.events and self._board.failure is None:
                now = self._clock.monotonic()
                if self._due(now) is not None:
                    return
                held = [lane for lane in self._board.lanes.values() if lane.waiting]
                due = min((lane.since + self._hold() for lane in held), default=deadline)
                if min(due, deadline) <= now:
                    return
                self._board.changed.wait(min(due, deadline) - now)

    def exhausted(self) -> bool:
        """`once`: whether everything that was there at the start was handed out."""
        if not self._config.once:
            return self._closed
        with self._board.changed:
            lanes = self._board.lanes.values()
            return self._closed or (bool(lanes) and all(lane.done and not lane.waiting for lane in lanes))

    def close(self) -> None:
        """Leave the group. Safe to call twice."""
        self._closed = True
        if self._reader is not None:
            self._reader.stop(CLOSE_S)
            self._reader = None
        with self._board.changed:
            self._board.lanes.clear()
            self._board.events.clear()

    def _hold(self) -> float:
        return min(HOLD_S + HOLD_LANE_S * len(self._board.lanes), HOLD_MAX_S)

    def _due(self, now: float) -> Lane | None:
        """The lane that has waited longest among those that have a full batch, or were held for long enough."""
        hold = self._hold()
        due = [
            lane
            for lane in self._board.lanes.values()
            if lane.waiting and (now - lane.since >= hold or lane.full or lane.held >= self._full(lane))
        ]
        return min(due, key=lambda lane: lane.since, default=None)

    def _full(self, lane: Lane) -> int:
        """Records of a full batch."""
        return self._most if self._room is None else min(self._room(lane.name), self._most)

    def _tell(self, event: Event) -> None:
        for lane in event.lanes:
            self._naming.pop(lane, None)
        if isinstance(event, Assigned):
            starts = (self.hooks.assigned or self._starts)(event.lanes)
            for lane, offset in starts.items():
                self.resume(lane, offset)
        elif isinstance(event, Revoked):
            self.hooks.revoked(event.lanes)
            event.done.set()
            with self._board.changed:
                abandoned = event.abandoned
            if abandoned:
                log.error("kafka: saving took too long, its lanes are gone", lanes=event.lanes)
                self.hooks.lost(event.lanes)
        elif isinstance(event, Lost):
            self.hooks.lost(event.lanes)

    def _starts(self, lanes: Sequence[str]) -> dict[str, int]:
        """Where lanes go on by our own cursors."""
        return {lane: self._saved[lane].offset if lane in self._saved else CONFIGURED for lane in lanes}

    def _replace_stalled(self) -> None:
        reader = self._reader
        if reader is None or self._clock.monotonic() - reader.alive_at < STALLED_S:
            return
        log.error("kafka: the client does not come back from a call, a fresh one takes its place", seconds=STALLED_S)
        reader.stop(0)
        with self._board.changed:
            lanes = list(self._board.lanes)
        self._board = Board()
        self._board.assigned_once = True
        if lanes:
            self._board.post(Lost(lanes))
        self._reader = self._new_reader()

    def _batch(self, lane: str, piece: Piece, topic_id: str) -> RecordBatch:
        self._saved[lane] = Position(piece.end, topic_id)
        naming = self._naming.setdefault(lane, Naming(self._name, self._config.key_from, lane))
        gaps = [Gap(naming.own(), lost.start, lost.end, lost.reason) for lost in piece.lost]
        piece = _without_tombstones(piece)
        lines = [value for value in piece.value if value is not None]
        lines, flags = self._trimmed(lines)
        streams, which = naming.streams(piece.key, lines, piece.headers)
        cursor: dict[str, bytes | None] = {lane: position.dump(self._saved[lane])}
        cursor |= self._topics_cursor(lane)
        return RecordBatch(lines, streams, which, piece.offset, piece.offset + 1, flags, cursor, gaps, lane=lane)

    def _topics_cursor(self, lane: str) -> dict[str, bytes]:
        topic = position.partition_of(lane)[0]
        if topic in self._known or self.hooks.assigned is not None:
            return {}
        # Known only once each partition that is there now has a cursor of its own: none of them is a later one.
        with self._board.changed:
            same = [name for name in self._board.lanes if position.partition_of(name)[0] == topic]
        if not all(name in self._saved for name in same):
            return {}
        self._known.add(topic)
        return {TOPICS: json.dumps(sorted(self._known)).encode()}

    def _trimmed(self, lines: list[bytes]) -> tuple[list[bytes], UInt8]:
        """Without line ends, and not too long."""
        flags = np.zeros(len(lines), np.uint8)
        most = self._config.max_line_bytes
        for row, line in enumerate(lines):
            if line.endswith((b"\n", b"\r")):
                lines[row] = line = line.rstrip(b"\r\n")
            if len(line) > most:
                lines[row] = line[:most]
                flags[row] |= Flag.TRUNCATED
        return lines, flags


def _without_tombstones(piece: Piece) -> Piece:
    """A record without a value deletes a key of a compacted topic: no line, and nothing to judge."""
    dead = piece.value.count(None)
    if not dead:
        return piece
    DROPPED.inc(dead, reason="tombstone")
    keep = [row for row, value in enumerate(piece.value) if value is not None]
    return Piece(
        piece.offset[keep],
        [piece.key[row] for row in keep] if piece.key is not None else None,
        [piece.value[row] for row in keep],
        [piece.headers[row] for row in keep] if piece.headers is not None else None,
        piece.end,
        piece.lost,
    )
