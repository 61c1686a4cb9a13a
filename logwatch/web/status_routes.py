"""/api/v1: how the daemon is, its sources, their score lines and templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from logwatch.requests import SourceReport, StatusReport
from logwatch.web.asking import Asking
from logwatch.web.plain_json import PlainJson
from logwatch.web.reading import told
from logwatch.web.refusal import REFUSALS
from logwatch.web.score_lines import MINUTES
from logwatch.web.score_lines import Line as ScoreLine

RECENT_S = 1.0
"""Answers of the loop are shared by all readers for so long."""

LINES = 100
"""Sources whose lines one answer has: a megabyte."""


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
    """Ask the loop, or repeat what it said within the second. It answers with what is JSON: of thousands of sources a
    model of each would cost more than all else."""
    router = APIRouter(prefix="/api/v1", tags=["status"], responses=REFUSALS)

    async def status_of() -> dict[str, Any]:
        return told(await asking.recent("status", RECENT_S))

    @router.get("/status", response_model=StatusReport)
    async def status() -> Response:
        """How the daemon is doing: sources, sinks, partitions, model."""
        return PlainJson(await status_of())

    @router.get("/sources", response_model=list[SourceReport])
    async def sources(source: str | None = Query(None, max_length=1024)) -> Response:
        """Every source, or the one that is named."""
        found = (await status_of())["sources"]
        return PlainJson([one for one in found if source is None or one["source"] == source])

    @router.get("/scores", response_model=list[Line])
    async def scores(
        source: Annotated[list[str], Query(default_factory=list, max_length=LINES, description="may be repeated")],
        after: Annotated[str, Query(max_length=1024, description="without `source`: the last one of before")] = "",
        minutes: Annotated[int, Query(ge=1, le=MINUTES, description="that had any decision; the newest")] = MINUTES,
    ) -> Response:
        """The highest score of each of the last 240 minutes of a source's own time: of those that are named, or of all,
        100 at a time by name."""
        found = told(await asking.ask("scores", {"sources": source, "after": after, "most": LINES}))["lines"]
        return PlainJson(_lines(found, minutes))

    @router.get("/templates")
    async def templates(source: str = Query(max_length=1024), limit: int = Query(50, ge=1, le=1000)) -> list[Template]:
        """The kinds of lines of a source, most frequent first."""
        found = told(await asking.ask("templates", {"source": source, "limit": limit}))
        return [Template(**one) for one in found["templates"]]

    return router


def _lines(found: Mapping[str, ScoreLine], minutes: int) -> list[dict[str, Any]]:
    names = ("time", "score", "judged")
    return [
        {"source": name, "points": [dict(zip(names, one, strict=True)) for one in line.points()[-minutes:]]}
        for name, line in found.items()
    ]
