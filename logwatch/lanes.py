"""Lanes: one unit of state each, with a pipeline of its own.

The lane "" is this machine's: its files, its standard input, its journal. Each Kafka partition is a lane, so that its
state is exactly its pipeline's cells: what it raises does not depend on which worker owns it, nor on its neighbours.
Lanes that are kept in the store are saved together, in one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from logwatch import telemetry
from logwatch.checkpoint.store import Store
from logwatch.pipeline import Pipeline, Saved, Sizes, commit
from logwatch.types import Bool, RecordBatch

Build = Callable[[str, Saved], Pipeline]
"""A fresh pipeline for a lane, from its name and where its cells come from."""


class Lanes:
    """The pipelines of a run, by lane.

    Args:
        build: makes a pipeline; nothing is restored yet.
        store: this machine's state.
    """

    def __init__(self, build: Build, store: Store) -> None:
        self._build = build
        self._store = store
        self._pipelines: dict[str, Pipeline] = {}
        self._closed_opened: Counter[str] = Counter()  # of lanes that are closed
        self.own = self._make("")
        self.resumed = self.own.restore()

    def __iter__(self) -> Iterator[Pipeline]:
        return iter(self._pipelines.values())

    def __len__(self) -> int:
        return len(self._pipelines)

    def _make(self, lane: str) -> Pipeline:
        pipeline = self._pipelines[lane] = self._build(lane, self._store.lane(lane))
        return pipeline

    def open(self, lane: str) -> Pipeline:
        """The pipeline of a lane; where it is not open yet, it is brought back from the store."""
        pipeline = self._pipelines.get(lane)
        if pipeline is None:
            pipeline = self._make(lane)
            pipeline.restore()
        return pipeline

    def cursors(self, source: str) -> Mapping[str, bytes]:
        """Where a source of this machine's own lane went on from, as saved."""
        return self.own.cursors(source)

    def process(self, records: RecordBatch, component: str, warm: Bool | None = None) -> int:
        """Take records through their lane's pipeline; returns how many alerts they raised."""
        return self.open(records.lane).process(records, component, warm)

    def tick(self) -> int:
        """Let the watermarks of idle sources follow the clock; returns how many alerts that raised."""
        return sum(pipeline.tick() for pipeline in self)

    @property
    def raised(self) -> bool:
        """Whether alerts wait for a commit."""
        return any(pipeline.raised for pipeline in self)

    @property
    def opened(self) -> Counter[str]:
        """Incidents and gaps of this run, by source."""
        return sum((pipeline.opened for pipeline in self), self._closed_opened.copy())

    @property
    def committed(self) -> int:
        """Time of the last commit, ns; 0 before the first."""
        return max(pipeline.committed for pipeline in self)

    @property
    def seen(self) -> int:
        """Events so far, over all runs and all lanes that are open."""
        return sum(pipeline.seen for pipeline in self)

    def observe(self) -> None:
        """Bring the gauges up to date; about once a second."""
        sizes = Sizes(*map(sum, zip(*(pipeline.observe() for pipeline in self), strict=True)))
        telemetry.SOURCES.set(sizes.sources)
        telemetry.KEYS.set(sizes.keys)
        telemetry.TEMPLATES.set(sizes.templates)
        telemetry.INCIDENTS.set(sizes.incidents)

    def commit(self, delivered: Mapping[str, int]) -> int:
        """Save every lane; returns how many alerts became the sinks'.

        Args:
            delivered: sink -> the last `seq` that it delivered.

        Raises:
            StateFull: nothing was saved, nothing is lost: the next call saves it.
        """
        return len(commit(self._pipelines, self._store, delivered))

    def close(self) -> None:
        """End background threads."""
        for pipeline in self:
            pipeline.close()
