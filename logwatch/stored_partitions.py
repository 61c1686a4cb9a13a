"""The lanes of a Kafka source whose state is kept in this machine's store: one worker, or partitions that never move.

Where there is a state topic, from a time when the state followed the partitions, a lane goes on from whichever of both
is ahead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from logwatch.again import Again, said
from logwatch.api import Clock
from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.store import Cell
from logwatch.checkpoint.topic_admin import TopicSettings, look
from logwatch.checkpoint.topic_begun import first_seen
from logwatch.checkpoint.topic_lane import TopicLane
from logwatch.errors import ConfigError, StateCorrupt, StateFull
from logwatch.kafka.position import partition_of
from logwatch.lanes import Lanes
from logwatch.partitions import BEGUN, CONFIGURED, Resumes, alert_of, begun_here, saved_position, start_of
from logwatch.pipeline import Pipeline
from logwatch.tasks import Task
from logwatch.telemetry import Logger

log = Logger(__name__)


class _Opening:
    """What is found out about an assigned lane, in the background."""

    def __init__(self, settings: TopicSettings, lane: str, own: int, begun: Mapping[str, int]) -> None:
        self.share = 1.0
        self.begun: Mapping[str, int] = {}  # to be noted: partitions by topic
        self._known = begun
        self.ahead: dict[Cell, bytes] | None = None
        self._settings = settings
        self._lane = lane
        self._own = own
        self.task = Task(self._look, f"open-{lane}")

    def _look(self) -> None:
        topics = look(self._settings, make=False)
        self.share = 1.0 / topics.partitions
        if self._settings.of not in self._known:
            self.begun = first_seen(self._settings, topics, self._known)
        if not topics.state:
            return
        with contextlib.closing(Spill(None)) as spill:
            state = TopicLane(self._settings, self._lane, partition_of(self._lane)[1], spill)
            marker = state.look()
            if marker is not None and int(marker["next"]) > self._own:
                state.load()
                self.ahead = state.all()


class StoredPartitions:
    """Implements the hooks of `logwatch.sources.kafka`, and `logwatch.lanes.Keeper`.

    Args:
        lanes: where the pipelines run.
        component: name of the source.
        source: to be told where to go on.
        topic: settings of the state topic of an input topic.
        clock: for timers.
    """

    def __init__(
        self, lanes: Lanes, component: str, source: Resumes, topic: Callable[[str], TopicSettings], clock: Clock
    ) -> None:
        self._lanes = lanes
        self._component = component
        self._source = source
        self._topic = topic
        self._clock = clock
        self._opening: dict[str, _Opening] = {}
        self._again: dict[str, Again] = {}  # lanes that could not be opened yet
        self._open: dict[str, Pipeline] = {}

    def assigned(self, lanes: Sequence[str]) -> Mapping[str, int]:
        """They stay paused until they are open."""
        for lane in lanes:
            self._give_up(lane)
            self._begin(lane)
        return {}

    def _begin(self, lane: str) -> None:
        own = saved_position(self._lanes.store.cells(f"source/{self._component}", lane), lane)
        begun = begun_here(self._lanes, self._component)
        self._opening[lane] = _Opening(self._topic(partition_of(lane)[0]), lane, own.offset, begun)

    def turn(self) -> int:
        """Open what was looked at. Raises ConfigError, StateCorrupt."""
        now = self._clock.monotonic()
        for lane, again in self._again.items():
            if again.begins(now):
                self._begin(lane)
        for lane, opening in list(self._opening.items()):
            if opening.task.done:
                del self._opening[lane]
                self._looked(lane, opening)
        return 0

    def _looked(self, lane: str, opening: _Opening) -> None:
        error = opening.task.error
        if isinstance(error, ConfigError | StateCorrupt):
            raise error
        try:
            self._note(opening.begun)
            if error is None and opening.ahead is not None:
                self._take_over(lane, opening.ahead)
        except StateFull as full:
            error = full
        if error is not None:
            again = self._again.setdefault(lane, Again())
            if again.failed(said(error), self._clock.monotonic()):
                log.warning(
                    "a lane could not be opened, will try again", lane=lane, error=said(error), seconds=again.wait
                )
            return
        self._again.pop(lane, None)
        pipeline = self._lanes.open(lane, opening.share)
        at = saved_position(pipeline.cursors(self._component), lane)
        self._open[lane] = pipeline
        log.info("lane restored", lane=lane, offset=at.offset, keys=len(pipeline.stages.keys))
        begun = begun_here(self._lanes, self._component)
        self._source.resume(lane, start_of(lane, at, begun), at.topic_id)

    def _note(self, begun: Mapping[str, int]) -> None:
        """Saved at once: whoever comes later must be seen to. Raises StateFull."""
        known = begun_here(self._lanes, self._component)
        cells: dict[Cell, bytes | None] = {
            (BEGUN + self._component, topic): b"%d" % count for topic, count in begun.items() if topic not in known
        }
        if cells:
            self._lanes.store.commit_lanes({"": cells})

    def _take_over(self, lane: str, cells: Mapping[Cell, bytes]) -> None:
        """Cells, and alerts that are still to be delivered, become this machine's. Raises StateFull."""
        alerts = [alert_of(cells[cell]) for cell in sorted(cells) if cell[0] == "outbox"]
        own = {cell: value for cell, value in cells.items() if cell[0] != "outbox"}
        self._lanes.store.commit_lanes({lane: own}, alerts, closed=[lane])
        log.info("state taken over from the state topic", lane=lane, cells=len(own), alerts=len(alerts))

    def commit(self, delivered: Mapping[str, int]) -> None:
        """They are saved with everything else in the store."""

    def settle(self, seconds: float) -> bool:
        """Nothing is in flight."""
        return True

    def raised(self) -> bool:
        """Their alerts wait for the store's own commit."""
        return False

    def revoked(self, lanes: Sequence[str]) -> None:
        """Save them, and let them go; where the disk is full, as they were."""
        with contextlib.suppress(StateFull):
            self._lanes.save()
        self.lost(lanes)

    def lost(self, lanes: Sequence[str]) -> None:
        """Let them go as they were."""
        for lane in lanes:
            self._give_up(lane)

    def _give_up(self, lane: str) -> None:
        self._opening.pop(lane, None)
        self._again.pop(lane, None)
        if self._open.pop(lane, None) is not None:
            self._lanes.drop(lane)

    def status(self) -> Iterator[dict[str, Any]]:
        """One row a lane, for people."""
        for lane in sorted({*self._opening, *self._again}):
            yield {"lane": lane, "restored": 0.0, "next": CONFIGURED, "events": 0}
        for lane in sorted(self._open):
            pipeline = self._open[lane]
            at = saved_position(pipeline.cursors(self._component), lane)
            yield {"lane": lane, "restored": 1.0, "next": at.offset, "events": pipeline.seen}

    def close(self) -> None:
        """Let everything go as it is."""
        self.lost(list(self._open))
