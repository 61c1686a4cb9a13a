"""The stages of a run, in the order of the flow, and the names under which they are saved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from logwatch import telemetry
from logwatch.api import Detector
from logwatch.decide.feedback import Rules
from logwatch.decide.feedback_match import Feedback
from logwatch.decide.incidents import Incidents
from logwatch.decide.judge import Judge
from logwatch.decide.marks import Marker, Marks
from logwatch.directives import Directive, Directives, Position
from logwatch.evidence import Context
from logwatch.idle import Idle
from logwatch.metric_stages import MetricStages
from logwatch.parse.join import Joiner
from logwatch.parse.miner import OVERFLOW, TemplateMiner
from logwatch.parse.parser import Parser
from logwatch.score.detectors import Rare
from logwatch.score.drift import Drift
from logwatch.score.keys import KeyTable
from logwatch.score.registry import Registry
from logwatch.score.units import Units
from logwatch.sides import Sides
from logwatch.signals import Signals
from logwatch.types import Bool, Cells, Float64, Int64, Mark

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
    feedback: Rules
    marks: Marks
    drift: Drift
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
            "feedback": self.feedback,
            "marks": self.marks,
            "drift": self.drift,
            "idle": self.idle,
        }
        named |= self.metrics.cells()
        return named | {f"detector/{detector.name}": detector for detector in self.detectors}

    def obey(self, directives: Directives) -> None:
        """Have feedback and deployment marks reach those that act on them."""

        def feedback(one: Directive, at: Position) -> None:
            if "undo" in one.body:
                self.feedback.undo(str(one.body["undo"]))
            else:
                said = Feedback.load({**one.body["feedback"], "judged": at.judged})
                self.feedback.take(said)
                self._readmit(said)

        def mark(one: Directive, at: Position) -> None:
            self.marks.take(Marker(one.id, **one.body, seen=at.seen, judged=at.judged))

        directives.on("feedback", feedback, before=True)
        directives.on("mark", mark, before=True)
        self.marks.on_mark = self._show

    def _readmit(self, said: Feedback) -> None:
        """Past events of templates: what is normal is released to learning, what is real stays out of it."""
        scope = said.scope
        if not scope.templates or scope.value or scope.entity or scope.detector:
            return  # of past events only the template and the source are known

        def fits(templates: Int64) -> Bool:
            return np.array([scope.names(self.miner.text(one)) for one in templates.tolist()], np.bool_)

        names = self.registry.sources
        source = np.flatnonzero([name == scope.source for name in names]) if scope.source else None
        for detector in self.detectors:
            readmit = getattr(detector, "readmit", None)
            if readmit is not None:
                readmit(fits, source, said.verdict == "real")

    def _show(self, marker: Marker) -> None:
        """A deployment, beside the metrics of its sources."""
        for number, name in enumerate(self.registry.sources):
            if marker.source in ("", name) and self.metrics.windows.latest(number) is not None:
                self.metrics.windows.mark(number, Mark(marker.since, "deployment", marker.name))

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
