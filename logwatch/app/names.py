"""What the numbers of a pipeline mean, for rows."""

from __future__ import annotations

from logwatch.stages import Stages
from logwatch.types import Stream


class PipelineNames:
    """Implements `logwatch.rows.Names`."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def stream(self, number: int) -> Stream:
        return self._stages.registry.streams[number]

    def source(self, number: int) -> str:
        return self._stages.registry.sources[number]

    def entity(self, slot: int) -> str | None:
        return self._stages.keys.key(slot)[1]

    def template(self, number: int) -> str:
        return self._stages.miner.text(number)
