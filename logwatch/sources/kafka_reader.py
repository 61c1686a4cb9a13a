"""The thread that reads Kafka: it polls whether or not the pipeline has time, so that membership is never lost."""

from __future__ import annotations

import contextlib
import re
import threading
from typing import Any

import numpy as np
from kafka import OffsetAndMetadata
from kafka.errors import KafkaError, KafkaTimeoutError, LogTruncationError, OffsetOutOfRangeError

from logwatch.api import Clock
from logwatch.errors import LogwatchError
from logwatch.kafka import consumer as client
from logwatch.kafka.decode import Columns
from logwatch.kafka.diagnosis import diagnose, probe
from logwatch.kafka.errors import explain
from logwatch.sources.kafka_board import Board, Lost
from logwatch.sources.kafka_config import KafkaConfig
from logwatch.sources.kafka_lane import Lane
from logwatch.sources.kafka_rebalance import Rebalance
from logwatch.sources.kafka_start import RECREATED, Begin, begin
from logwatch.sources.kafka_stuck import Stuck
from logwatch.sources.kafka_watch import Watch
from logwatch.telemetry import Logger

log = Logger(__name__)

POLL_MS, BUSY_POLL_MS = 200, 20
"""How long one poll waits for records; less while a lane is paused, full or being restored: it may want to go on."""

CHUNKS = 8
"""Columns that one poll may bring."""

COMMIT_EVERY_S = 5.0
"""How often the group learns how far we are; only tools that show the lag read it."""

RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits between tries; the last repeats."""

ERRORS_IN_A_ROW = 20
"""Failed polls after which a fresh client is made."""

CLOSE_MS = 5000
LEARN_MS = 2000


class Reader:
    """Reads a group's share of some topics onto a board, until it is stopped.

    Args:
        config: of the source.
        member: `group_instance_id`, filled in; may be empty.
        board: where lanes and records go.
        clock: for timers.
    """

    def __init__(self, config: KafkaConfig, member: str, board: Board, clock: Clock) -> None:
        self._config = config
        self._member = member
        self._board = board
        self._clock = clock
        self._stop = threading.Event()
        self._watch = Watch(config, board, clock)
        self._stuck = Stuck(board, clock)
        self._listener: Rebalance | None = None
        self._commit_at = 0.0
        self._commit: Any = None
        self._errors = 0
        self.alive_at = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="kafka-reader", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Leave the group and end; waits at most so long."""
        self._stop.set()
        if self._listener is not None:
            self._listener.closing = True
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                consumer = self._connect()
                if consumer is not None:
                    try:
                        self._serve(consumer)
                    finally:
                        self._leave(consumer)
        except LogwatchError as error:
            self._board.fail(error)
        except Exception as error:  # a thread that dies silently would look like an idle topic
            log.exception("kafka: reading ended by a fault of logwatchd")
            self._board.fail(LogwatchError(f"kafka: {type(error).__name__}: {error}"))

    def _connect(self) -> Any:
        """A consumer that has reached a broker; None when stopped. Raises LogwatchError where waiting does not help."""
        tries = 0
        while not self._stop.is_set():
            self.alive_at = self._clock.monotonic()
            try:
                absent = probe(self._config)
                if not absent:
                    return client.open_consumer(
                        self._config,
                        group_id=self._config.group,
                        group_instance_id=self._member or None,
                        client_rack=self._config.rack,
                    )
                self._watch.say(absent)
            except KafkaTimeoutError:
                self._wait_for_broker()
            except (KafkaError, LogwatchError, OSError) as error:
                self._judge(error)
            self._stop.wait(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1
        return None

    def _wait_for_broker(self) -> None:
        try:
            self._watch.say(diagnose(self._config))
        except LogwatchError as error:
            self._judge(error)

    def _judge(self, error: Exception) -> None:
        """Raise what waiting does not mend; say the rest, once a minute."""
        told = explain(error, self._config, self._config.group, self._member)
        fenced = type(error).__name__ in ("FencedInstanceIdError", "UnsupportedCodecError")
        if told is not None and (fenced or not self._board.assigned_once):
            raise told from error
        self._watch.say(str(told) if told else f"{type(error).__name__}: {error}")

    def _serve(self, consumer: Any) -> None:
        self._errors = 0
        self._listener = Rebalance(consumer, self._board, self._config.revoke_timeout)
        pattern = self._config.whole_pattern
        consumer.subscribe(
            topics=self._config.topics, pattern=re.compile(pattern) if pattern else None,
            listener=self._listener,
        )  # fmt: skip
        with contextlib.suppress(KafkaError):  # then it is learned later
            client.learn_topics(consumer, LEARN_MS)
        while not self._stop.is_set() and self._errors < ERRORS_IN_A_ROW:
            self.alive_at = self._clock.monotonic()
            try:
                self._start_lanes(consumer)
                busy = self._regulate(consumer)
                client.restore_paused(consumer)
                self._take(consumer.poll(BUSY_POLL_MS if busy else POLL_MS, max_records=CHUNKS))
                self._report_position(consumer)
                self._watch.look(consumer)
                if self._stuck.look(consumer):
                    return
                self._errors = 0
            except OffsetOutOfRangeError as error:
                self._move(consumer, error.args[0])  # the log no longer has what comes next
            except LogTruncationError as error:
                self._truncated(consumer, error.divergent_offsets)
            except (KafkaError, LogwatchError, OSError, ValueError, RuntimeError) as error:
                self._errors += 1
                self._judge(error)
                self._stop.wait(RETRY_S[0])

    def _leave(self, consumer: Any) -> None:
        if self._listener is not None:
            self._listener.closing = True
        client.close_consumer(consumer, CLOSE_MS)
        with self._board.changed:
            lanes = list(self._board.lanes)
        if lanes and not self._stop.is_set():
            self._board.post(Lost(lanes), gone=lanes)

    def _take(self, polled: dict[Any, list[Columns]]) -> None:
        now = self._clock.monotonic()
        for tp, chunks in polled.items():
            for columns in chunks:
                self._board.add(f"{tp.topic}-{tp.partition}", columns, now)

    def _regulate(self, consumer: Any) -> bool:
        """Pause lanes that hold enough, or are not to be read, and resume others; True while one may go on soon."""
        with self._board.changed:
            over = self._board.size >= self._config.read_ahead
            lanes = list(self._board.lanes.values())
            stops = [lane for lane in lanes if not lane.paused and (lane.full or over or not lane.reading)]
            goes = [lane for lane in lanes if lane.paused and lane.reading and lane.low and not over]
        for change, wanted, paused in ((consumer.pause, stops, True), (consumer.resume, goes, False)):
            for lane in wanted:
                with contextlib.suppress(KeyError):  # it was revoked just now
                    change(lane.tp)
                    lane.paused = paused
        return not self._board.assigned_once or any(lane.paused for lane in lanes)

    def _start_lanes(self, consumer: Any) -> None:
        """Begin with the lanes that the pipeline's thread has released."""
        with self._board.changed:
            starting = {
                lane.tp: (lane, offset)
                for name, offset in self._board.starting.items()
                if (lane := self._board.lanes.get(name)) is not None
            }
        if not starting:
            return
        found = begin(
            consumer, {tp: offset for tp, (_, offset) in starting.items()},
            {tp: lane.topic_id for tp, (lane, _) in starting.items()}, self._config,
        )  # fmt: skip
        for tp, (lane, offset) in starting.items():
            self._begin(consumer, lane, offset, found[tp])

    def _begin(self, consumer: Any, lane: Lane, offset: int, found: Begin) -> None:
        with self._board.changed:
            if self._board.lanes.get(lane.name) is not lane or self._board.starting.get(lane.name) != offset:
                return  # revoked, held or resumed elsewhere meanwhile
            del self._board.starting[lane.name]
            consumer.seek(lane.tp, found.offset)
            consumer.resume(lane.tp)
            lane.next = found.offset
            lane.first = found.offset if lane.first is None else lane.first
            lane.until = found.end if self._config.once else None
            lane.topic_id = found.topic_id
            lane.reading, lane.paused = True, False
            self._lose(lane, found)
            self._board.changed.notify_all()

    def _lose(self, lane: Lane, found: Begin) -> None:
        if found.lost:
            none = np.zeros(0, np.int64)
            lane.add(
                Columns(none, none, None, [], None, lost=list(found.lost), end=found.offset), self._clock.monotonic()
            )

    def _truncated(self, consumer: Any, diverged: dict[Any, Any]) -> None:
        """The cluster lost records that we have read (an unclean election): go on with those that took their place."""
        for tp, place in diverged.items():
            self._move(consumer, {tp: place.offset if place is not None else consumer.position(tp)})

    def _move(self, consumer: Any, offsets: dict[Any, int]) -> None:
        with self._board.changed:
            lanes = {lane.tp: lane for lane in self._board.lanes.values() if lane.tp in offsets and lane.reading}
        try:
            found = begin(
                consumer, {tp: offsets[tp] for tp in lanes}, {tp: lane.topic_id for tp, lane in lanes.items()},
                self._config,
            )  # fmt: skip
        except KafkaError as error:
            self._judge(error)
            self._stop.wait(RETRY_S[0])
            return
        with self._board.changed:
            for tp, lane in lanes.items():
                if self._board.lanes.get(lane.name) is lane and lane.reading:  # not revoked or held meanwhile
                    consumer.seek(tp, found[tp].offset)
                    lane.topic_id = found[tp].topic_id
                    self._lose(lane, found[tp])
            self._board.changed.notify_all()

    def _follow_recreated(self, consumer: Any) -> None:
        """Topics that were deleted and created anew while they were read."""
        with self._board.changed:
            lanes = [lane for lane in self._board.lanes.values() if lane.reading and lane.topic_id]
        moved = {lane.tp: lane for lane in lanes if client.topic_id(consumer, lane.tp.topic) not in ("", lane.topic_id)}
        if moved:
            log.warning(
                "kafka: topic created anew", partitions=[lane.name for lane in moved.values()], reason=RECREATED
            )
            self._move(consumer, {tp: consumer.position(tp) or 0 for tp in moved})

    def _report_position(self, consumer: Any) -> None:
        """Tell the group how far we are. Nothing depends on it."""
        now = self._clock.monotonic()
        if now < self._commit_at or (self._commit is not None and not self._commit.is_done):
            return
        self._commit_at = now + COMMIT_EVERY_S
        with self._board.changed:
            offsets = {
                lane.tp: OffsetAndMetadata(lane.next, "", -1) for lane in self._board.lanes.values() if lane.told
            }
        if offsets:
            self._commit = consumer.commit_async(offsets, callback=lambda offsets, answer: None)
        self._follow_recreated(consumer)
