"""Lanes: one unit of state each, with a pipeline of its own.

The lane "" is this machine's: its files, its standard input, its journal. Each Kafka partition is a lane, so that its
state is exactly its pipeline's cells: what it raises does not depend on which worker owns it, nor on its neighbours.
Lanes that are kept in the store are saved together, in one transaction.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from logwatch import telemetry
from logwatch.checkpoint.store import Store, Swept
from logwatch.commit import CLOCK, commit
from logwatch.directives import Directive
from logwatch.errors import ConfigError
from logwatch.parse.memory import give_back
from logwatch.pipeline import SHARE, Pipeline, Saved
from logwatch.tally import Sizes
from logwatch.types import Bool, RecordBatch

Build = Callable[[str, Saved, float], Pipeline]
"""A fresh pipeline for a lane, from its name, where its cells come from, and its share of the learning budget."""


class Keeper(Protocol):
    """Keeps lanes of its own elsewhere than in this machine's store; see `logwatch.partitions`."""

    def turn(self) -> int:
        """Carry on with what has ended meanwhile; returns how many alerts became the sinks'."""
        ...

    def commit(self, delivered: Mapping[str, int]) -> None:
        """Begin to save what changed."""
        ...

    def settle(self, seconds: float) -> bool:
        """Save everything, and wait for it; False where that took longer."""
        ...

    def raised(self) -> bool:
        """Whether alerts wait for a commit that could begin now."""
        ...


class Lanes:
    """The pipelines of a run, by lane.

    Args:
        build: makes a pipeline; nothing is restored yet.
        store: this machine's state.
    """

    def __init__(self, build: Build, store: Store) -> None:
        self.store = store
        self._make = build
        self._pipelines: dict[str, Pipeline] = {}
        self._stored: dict[str, Pipeline] = {}  # those of them that are kept in the store
        self._dropped = False  # since memory was last tidied
        self._gone: Counter[str] = Counter()  # incidents of lanes that were dropped
        self.keepers: list[Keeper] = []
        self.on_commit: Callable[[], None] = lambda: None  # may still raise alerts
        self.on_observe: Callable[[], None] = lambda: None  # beside the gauges
        self.on_drop: Callable[[str], None] = lambda lane: None  # what was read ahead of it must go, too
        self.on_direct: Callable[[Directive], None] = lambda directive: None  # journalled, and obeyed here
        self.own = self.open("")
        self.resumed = store.cell(*CLOCK) is not None

    def __iter__(self) -> Iterator[Pipeline]:
        return iter(self._pipelines.values())

    def named(self) -> Mapping[str, Pipeline]:
        """The pipelines by lane."""
        return self._pipelines

    def __len__(self) -> int:
        return len(self._pipelines)

    def build(self, lane: str, saved: Saved, share: float = 1.0) -> Pipeline:
        """A fresh pipeline; the share of the learning budget that its lane began with stays its own."""
        kept = saved.cell(*SHARE)
        share = float(json.loads(kept)) if kept is not None else share
        pipeline = self._make(lane, saved, share)
        if kept is None and share < 1.0:
            pipeline.keep(SHARE, json.dumps(share).encode())
        return pipeline

    def open(self, lane: str, share: float = 1.0) -> Pipeline:
        """A lane that is kept in the store, brought back from there. Raises ConfigError where it runs already."""
        pipeline = self.build(lane, self.store.lane(lane), share)
        pipeline.restore()
        self.adopt(lane, pipeline)
        self._stored[lane] = pipeline
        return pipeline

    def adopt(self, lane: str, pipeline: Pipeline) -> None:
        """Run a lane that is kept elsewhere. Raises ConfigError where it runs already."""
        if lane in self._pipelines:
            raise ConfigError(
                f"two [[source]] read the partition {lane}",
                "state is kept by topic and partition: give each topic to one source, by `topics` or `pattern`, or run "
                "a daemon for each cluster",
            )
        self.on_drop(lane)  # batches of it that came before: they are read again, from where its state goes on
        self._pipelines[lane] = pipeline
        for directive, at in self.store.journal:
            pipeline.direct(directive, at.get(lane))

    def direct(self, directive: Directive) -> bool:
        """Have every lane obey a command, from where it is; False where its id is known.

        Raises:
            StateFull: it could not be journalled; nothing happened.
        """
        if not self.store.journal.add(directive, {lane: one.position for lane, one in self._pipelines.items()}):
            return False
        for pipeline in self:
            pipeline.direct(directive)
        self.on_direct(directive)
        return True

    def drop(self, lane: str) -> None:
        """Forget a lane as it is."""
        self.on_drop(lane)
        self._stored.pop(lane, None)
        pipeline = self._pipelines.pop(lane, None)
        if pipeline is not None:
            self._gone += pipeline.opened
            pipeline.close()
            self._dropped = True

    def cursors(self, source: str) -> Mapping[str, bytes]:
        """Where a source of this machine's own lane went on from, as saved."""
        return self.own.cursors(source)

    def join(self, records: RecordBatch, component: str) -> RecordBatch:
        """The whole records that a batch completes, in its lane; see `Pipeline.join`."""
        pipeline = self._pipelines.get(records.lane)
        return records if pipeline is None else pipeline.join(records, component)

    def release(self, component: str, behind: bool) -> Iterator[RecordBatch]:
        """Records of a source that have waited long enough for their next line."""
        for lane, pipeline in self._pipelines.items():
            released = pipeline.release(component, behind)
            if released is not None:
                released.lane = lane
                yield released

    def holds(self) -> bool:
        """Whether a record waits for its next line."""
        return any(pipeline.stages.joiner.holds() for pipeline in self)

    def finish(self, component: str) -> Iterator[RecordBatch]:
        """Records of a source that still wait, where nothing more will come."""
        for lane, pipeline in self._pipelines.items():
            released = pipeline.finish(component)
            if released is not None:
                released.lane = lane
                yield released

    def end(self) -> int:
        """Where nothing more will come; see `Pipeline.end`."""
        return sum(pipeline.end() for pipeline in self)

    def process(self, records: RecordBatch, component: str, warm: Bool | None = None) -> int:
        """Take records through their lane's pipeline; returns how many alerts they raised.

        Records of a lane that is not open are left: it was given up meanwhile, and they will be read again.
        """
        pipeline = self._pipelines.get(records.lane)
        return 0 if pipeline is None else pipeline.process(records, component, warm)

    def tick(self) -> int:
        """Let the watermarks of idle sources follow the clock; returns how many alerts that raised."""
        return sum(pipeline.tick() for pipeline in self)

    @property
    def raised(self) -> bool:
        """Whether alerts wait for a commit."""
        stored = any(pipeline.raised for pipeline in self._stored.values())
        return stored or any(keeper.raised() for keeper in self.keepers)

    @property
    def opened(self) -> Counter[str]:
        """Incidents and gaps of this run, by source."""
        return sum((pipeline.opened for pipeline in self), self._gone.copy())

    @property
    def committed(self) -> int:
        """Time of the last commit, ns; 0 before the first."""
        return max(pipeline.committed for pipeline in self)

    @property
    def seen(self) -> int:
        """Events so far, over all runs and all lanes that are open."""
        return sum(pipeline.seen for pipeline in self)

    def seen_in(self, lane: str) -> int:
        """Events of a lane so far, over all runs; 0 where it is not open."""
        pipeline = self._pipelines.get(lane)
        return 0 if pipeline is None else pipeline.seen

    def observe(self) -> None:
        """Bring the gauges up to date; about once a second."""
        sizes = Sizes(*map(sum, zip(*(pipeline.observe() for pipeline in self), strict=True)))
        telemetry.SOURCES.set(sizes.sources)
        telemetry.KEYS.set(sizes.keys)
        telemetry.TEMPLATES.set(sizes.templates)
        telemetry.INCIDENTS.set(sizes.incidents)
        self.on_observe()
        if self._dropped:
            self._dropped = False
            gc.collect()  # a pipeline is full of cycles, and in a long run they are looked for hardly ever
            give_back()

    def turn(self) -> int:
        """Carry on with lanes that are kept elsewhere; returns how many alerts became the sinks'."""
        return sum(keeper.turn() for keeper in self.keepers)

    def commit(self, delivered: Mapping[str, int]) -> int:
        """Save every lane that is kept in the store, and begin to save the others; returns how many alerts became the
        sinks'.

        Args:
            delivered: sink -> the last `seq` that it delivered.

        Raises:
            StateFull: nothing was saved, nothing is lost: the next call saves it.
        """
        self.on_commit()
        for keeper in self.keepers:
            keeper.commit(delivered)
        return len(commit(self._stored, self.store, delivered))

    def save(self) -> None:
        """Save the lanes that are kept in the store, now. Raises StateFull."""
        commit(self._stored, self.store, {})

    def sweep(self) -> Swept:
        """Delete some of the store's cells of keys that are forgotten: no result depends on it. Raises StateFull."""

        def expired(lane: str, name: str, head: bytes) -> bool:
            pipeline = self._stored.get(lane)
            return pipeline is not None and pipeline.forgets(name, head)

        swept = self.store.sweep(expired)
        telemetry.EXPIRED.inc(swept.deleted)
        return swept

    def settle(self, seconds: float) -> bool:
        """Save the lanes that are kept elsewhere, and wait for it; False where that took longer."""
        return all([keeper.settle(seconds) for keeper in self.keepers])

    def close(self) -> None:
        """End background threads."""
        for pipeline in self:
            pipeline.close()
