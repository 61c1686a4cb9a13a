"""/api/v1: heatmaps, risk, and versions of the model."""

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


class Driver(BaseModel):
    """A metric that drove the risk."""

    metric: str
    share: float


class SourceRisk(BaseModel):
    """What the risk plugin says of a source."""

    source: str
    probability: float | None = Field(description="of a failure within the horizon; null: nothing can be said")
    horizon: float | None = Field(description="seconds")
    time: str | None = Field(description="the end of the window")
    model: str = ""
    detail: str = ""
    drivers: list[Driver] = []
    above: bool = Field(description="above `max`, or unknown: the gate is shut")
    error: str | None = Field(None, description="why nothing can be said")


class Risks(BaseModel):
    """The gate: `pass` is true only where every source that was asked for has a risk, and none is above `max`."""

    results: list[SourceRisk]
    highest: float | None
    max: float
    pass_: bool = Field(alias="pass")
    error: str | None = Field(None, description="why nothing can be said of anything")


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

    @router.get("/risk", tags=["risk"])
    async def risk(source: Name = "", most: Annotated[float, Query(alias="max", ge=0, le=1)] = 0.5) -> Risks:
        """How likely each source is to fail soon: the gate of a deployment. What is not known does not pass."""
        reply = await asking.ask("risk", {"source": source})
        if "error" in reply:
            return Risks(results=[], highest=None, max=most, error=_why(reply), **{"pass": False})
        results = []
        for one in reply["results"]:
            known = one["probability"] is not None
            drivers = [Driver(metric=name, share=share) for name, share in one.pop("drivers", [])]
            one.pop("heat", None)
            results.append(SourceRisk(**one, drivers=drivers, above=not known or one["probability"] > most))
        highest = max((one.probability for one in results if one.probability is not None), default=None)
        shut = not results or any(one.above for one in results)
        said = None if results else "no source has a risk yet"
        return Risks(results=results, highest=highest, max=most, error=said, **{"pass": not shut})

    @router.get("/models", tags=["models"])
    async def models() -> Lanes:
        """Versions of the network, and how good they were."""
        reply = await asking.ask("model", {"action": "list"})
        return Lanes(lanes=[]) if reply.get("code") == 65 else Lanes(**told(reply))

    return router


def _why(reply: dict[str, Any]) -> str:
    if str(reply["error"]).startswith("unknown verb"):
        return "no risk plugin is configured: add [risk.cnn]"
    return str(reply["error"])


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
