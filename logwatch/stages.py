"""The stages of a run, in the order of the flow, and the names under which they are saved."""

from __future__ import annotations

from dataclasses import dataclass

from logwatch.api import Detector
from logwatch.decide.incidents import Incidents
from logwatch.decide.judge import Judge
from logwatch.evidence import Context
from logwatch.idle import Idle
from logwatch.metric_stages import MetricStages
from logwatch.parse.join import Joiner
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.parser import Parser
from logwatch.score.keys import KeyTable
from logwatch.score.registry import Registry
from logwatch.score.units import Units
from logwatch.sides import Sides
from logwatch.signals import Signals
from logwatch.types import Cells

JOINER = "joiner"
"""The component of the cells that ride on batches."""


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
