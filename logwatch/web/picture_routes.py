"""/api/v1: heatmaps, and versions of the model."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from logwatch.sinks.schema import parse_rfc3339
from logwatch.web.asking import Asking
from logwatch.web.reading import Reading, told
from logwatch.web.refusal import REFUSALS, Refused

Name = Annotated[str, Query(max_length=1000)]
OneName = Annotated[str, Query(min_length=1, max_length=1000)]


class Heatmap(BaseModel):
    """A window of metrics that is kept."""

    source: str
    time: str | None = Field(description="its end")
    incident: str | None = Field(description="the incident for which it is kept; null: it is a recent one")


class Heatmaps(BaseModel):
    """Windows that are kept, the newest of each source first."""

    heatmaps: list[Heatmap]


class Lanes(BaseModel):
    """The versions of the network of each lane, oldest first; see `logwatchd model list --json`."""

    lanes: list[dict[str, Any]]


def picture_routes(reading: Reading, asking: Asking) -> APIRouter:
    """Pictures are drawn beside the daemon's loop."""
    router = APIRouter(prefix="/api/v1", responses=REFUSALS)

    @router.get("/heatmaps", tags=["risk"])
    async def heatmaps(source: Name = "") -> Heatmaps:
        """Which windows of metrics are kept."""
        return Heatmaps(heatmaps=[Heatmap(**one) for one in await reading(reading.state.heatmaps, source)])

    @router.get(
        "/heatmap.png", tags=["risk"], response_class=Response,
        responses={200: {"content": {"image/png": {}}, "description": "a picture"}},
    )  # fmt: skip
    async def heatmap(
        source: OneName,
        time: Annotated[str | None, Query(max_length=40, description="the newest up to 2026-01-31T08:00:00Z")] = None,
        incident: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$")] = "",
        risk: Annotated[bool, Query(description="with what drove the risk, where it is that of the window")] = False,
    ) -> Response:
        """A window of a source: the newest, the newest up to a time, or that of an incident."""
        heat = await _heat(asking, source) if risk else None
        png = await reading(reading.state.drawn, source, _time(time), incident, heat)
        return Response(png, media_type="image/png", headers={"cache-control": "private, max-age=30"})

    @router.get("/models", tags=["models"])
    async def models() -> Lanes:
        """Versions of the network, and how good they were."""
        reply = await asking.ask("model", {"action": "list"})
        return Lanes(lanes=[]) if reply.get("code") == 65 else Lanes(**told(reply))

    return router


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise Refused(400, "time is no time", "write 2026-01-31T08:00:00Z") from None


async def _heat(asking: Asking, source: str) -> dict[str, Any] | None:
    """What drove the newest risk of a source; None where there is none."""
    reply = await asking.ask("risk", {"source": source, "heat": True})
    results = reply.get("results") or []
    return results[0] if results else None
