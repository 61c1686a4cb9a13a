"""The stages of a run, in the order of the flow, and the names under which they are saved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from logwatch import telemetry
from logwatch.api import Detector
from logwatch.decide.incidents import Incidents
from logwatch.decide.judge import Judge
from logwatch.evidence import Context
from logwatch.idle import Idle
from logwatch.metric_stages import MetricStages
from logwatch.parse.join import Joiner
from logwatch.parse.miner import OVERFLOW, TemplateMiner
from logwatch.parse.parser import Parser
from logwatch.score.detectors import Rare
from logwatch.score.keys import KeyTable
from logwatch.score.registry import Registry
from logwatch.score.units import Units
from logwatch.sides import Sides
from logwatch.signals import Signals
from logwatch.types import Cells, Float64

log = telemetry.Logger(__name__)

JOINER = "joiner"
"""The component of the cells that ride on batches."""

MAPPED = 0.9
"""Share of what a source says that must keep its templates; below it, what was learned of the source holds no more."""


@dataclass
class Stages:
    """Everything between the records and the alerts, in the order of the flow."""

    signals: Signals
    sides: Sides
    joiner: Joiner
    registry: Registry
    miner: TemplateMiner
    parser: Parser
    metrics: MetricStages
    keys: KeyTable
    detectors: list[Detector]
    units: Units
    judge: Judge
    incidents: Incidents
    context: Context
    idle: Idle

    def cells(self) -> dict[str, Cells]:
        """What is saved, by component."""
        named: dict[str, Cells] = {
            "signals": self.signals,
            "sides": self.sides,
            JOINER: self.joiner,
            "registry": self.registry,
            "miner": self.miner,
            "parser": self.parser,
            "keys": self.keys,
            "units": self.units,
            "judge": self.judge,
            "incidents": self.incidents,
            "idle": self.idle,
        }
        named |= self.metrics.cells()
        return named | {f"detector/{detector.name}": detector for detector in self.detectors}

    def learn_anew(self) -> None:
        """After a restore: sources whose lines mostly come to other templates than those of the state, which an earlier
        version wrote, are judged as new ones."""
        if not len(self.miner.lost):
            return
        kept = self._kept()
        for number in np.flatnonzero(kept < MAPPED).tolist():
            name, share = self.registry.sources[number], round(float(kept[number]), 3)
            log.warning("a source is learned anew: its templates are others in this version", source=name, kept=share)
            self.judge.learn_anew(np.array([number]))
            self.incidents.count_anew(number)

    def templates_of(self, source: str) -> dict[int, float]:
        """Lines of late of each template of a source, as `rare` counts them; empty without it."""
        rare = next((detector for detector in self.detectors if isinstance(detector, Rare)), None)
        if rare is None or source not in self.registry:
            return {}
        sources, template, count = rare.counts()
        mine = sources == self.registry.sources.index(source)
        root = self.miner.find(template[mine].astype(np.int32))
        found: dict[int, float] = {}
        for one, lines in zip(root.tolist(), count[mine].tolist(), strict=True):
            found[one] = found.get(one, 0.0) + lines
        return found

    def _kept(self) -> Float64:
        """Share [sources] of what each source says whose templates are those of the state; NaN: not known.

        As `rare` counts it; without it, as the miner has counted lines of all sources.
        """
        sources = len(self.registry.sources)
        rare = next((detector for detector in self.detectors if isinstance(detector, Rare)), None)
        source, template, count = self.miner.counts() if rare is None else rare.counts()
        root = self.miner.find(template.astype(np.int32))
        count = np.where(root == OVERFLOW, 0.0, count)
        total = np.bincount(source, count, sources)
        kept = np.bincount(source, count * ~np.isin(root, self.miner.lost), sources)
        share = np.divide(kept, total, where=total > 0, out=np.full(sources, np.nan))
        return np.full(sources, share[0]) if rare is None and sources else share
