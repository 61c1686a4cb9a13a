"""/api/v1: how the daemon is, its sources, their score lines and templates."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from logwatch.requests import SourceReport, StatusReport
from logwatch.web.asking import Asking
from logwatch.web.reading import told
from logwatch.web.refusal import REFUSALS

RECENT_S = 1.0
"""Answers of the loop are shared by all readers for so long."""


class Point(BaseModel):
    """One minute of a source's own time."""

    time: int = Field(description="seconds since the epoch")
    score: float = Field(description="the highest -log10 p of what was judged, 0 to 30")
    judged: int = Field(description="how much was judged")


class Line(BaseModel):
    """The score of a source over the recent past."""

    source: str
    points: list[Point]


class Template(BaseModel):
    """A kind of line of a source."""

    id: int
    template: str
    count: float = Field(description="lines of late: older ones count less")


def status_routes(asking: Asking) -> APIRouter:
    """Ask the loop, or repeat what it said within the second."""
    router = APIRouter(prefix="/api/v1", tags=["status"], responses=REFUSALS)

    async def status_of() -> dict[str, Any]:
        return told(await asking.recent("status", RECENT_S))

    @router.get("/status")
    async def status() -> StatusReport:
        """How the daemon is doing: sources, sinks, partitions, model."""
        found = await status_of()
        sources = tuple(SourceReport(**source) for source in found["sources"])
        return StatusReport(**{**found, "sources": sources})

    @router.get("/sources")
    async def sources(source: str | None = Query(None, max_length=1024)) -> list[SourceReport]:
        """Every source, or the one that is named."""
        found = [SourceReport(**one) for one in (await status_of())["sources"]]
        return [one for one in found if source is None or one.source == source]

    @router.get("/scores")
    async def scores(source: str | None = Query(None, max_length=1024)) -> list[Line]:
        """The score of every source, or of one, by minute: the highest of the last four hours of its own time."""
        found = told(await asking.recent("scores", RECENT_S))["lines"]
        return [
            Line(source=name, points=[Point(time=at, score=score, judged=count) for at, score, count in line])
            for name, line in found.items()
            if source is None or source == name
        ]

    @router.get("/templates")
    async def templates(source: str = Query(max_length=1024), limit: int = Query(50, ge=1, le=1000)) -> list[Template]:
        """The kinds of lines of a source, most frequent first."""
        found = told(await asking.ask("templates", {"source": source, "limit": limit}))
        return [Template(**one) for one in found["templates"]]

    return router
